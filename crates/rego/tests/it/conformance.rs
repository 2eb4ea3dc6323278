//! Where other people's cases are.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Other people's cases, where they are at hand. Where they are not, standard output says that the test is skipped; in CI,
/// where they are expected, it fails. They are expected where `CONFORMANCE_DIR` names them, or the folder `shared` stands
/// beside the checkout.
#[expect(clippy::disallowed_methods, reason = "tests read no configuration")]
pub fn conformance(part: &str) -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let named = std::env::var_os("CONFORMANCE_DIR").map(PathBuf::from);
    let expected = named.is_some() || shared.exists();
    let path = named.unwrap_or_else(|| shared.join("conformance")).join(part);
    if path.exists() {
        return Some(path);
    }
    // Past the test harness, which shows what `println!` writes only where a test fails.
    let _ = writeln!(std::io::stdout(), "SKIPPED: no {}; set CONFORMANCE_DIR", path.display());
    assert!(!expected || std::env::var_os("CI").is_none(), "no {}, which CI is to have", path.display());
    None
}

/// Holds the cases that differ against those that are known to. Of these, only the ones that were run count: the folder may
/// hold more cases, or fewer.
#[track_caller]
pub fn check_known(known: &[&str], run: &BTreeSet<String>, differ: &BTreeSet<String>) {
    let known: BTreeSet<String> = known.iter().map(|name| (*name).to_owned()).collect();
    let unknown: Vec<_> = differ.difference(&known).collect();
    assert!(unknown.is_empty(), "{} differ that did not: {unknown:#?}", unknown.len());
    let agree: Vec<_> = known.intersection(run).filter(|name| !differ.contains(*name)).collect();
    assert!(agree.is_empty(), "these agree by now; take them off the list: {agree:#?}");
}
