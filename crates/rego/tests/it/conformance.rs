//! Where other people's cases are.

use std::path::{Path, PathBuf};

/// Other people's cases, where they are at hand; says loudly that a test is skipped where they are not.
#[expect(clippy::disallowed_methods, reason = "tests read no configuration")]
pub fn conformance(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CONFORMANCE_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    let path = root.join(part);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED: no {}; set CONFORMANCE_DIR", path.display());
    None
}
