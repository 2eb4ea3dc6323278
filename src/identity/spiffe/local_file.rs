//! Reads the file of a bundle.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::bundle::MAX_BUNDLE_BYTES;

/// The content, at most one byte more than a bundle may have.
///
/// # Errors
/// When it cannot be read, or is no file: a pipe or a device would block, or never end.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot read `{}`: {error}", path.display());
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("`{}` is not a file", path.display()));
    }
    let mut content = Vec::new();
    let limit = MAX_BUNDLE_BYTES as u64 + 1;
    File::open(path).map_err(failed)?.take(limit).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}
