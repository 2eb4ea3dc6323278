//! The manifest and signatures of a bundle, as written.

use std::path::Path;

use serde_json::Value;

use super::contents::{Contents, Limits};
use super::error::{ErrorKind, LoadError};
use super::{folder, name, scan};

/// The file that a bundle's signatures are in.
const SIGNATURES: &str = ".signatures.json";

/// The manifest and the signatures of a bundle, where it has them.
#[derive(Debug, Clone, Default)]
pub struct Papers {
    /// `.manifest`
    pub manifest: Option<Value>,
    /// `.signatures.json`
    pub signatures: Option<Value>,
}

/// Reads them from a folder or an archive; a single file has none.
///
/// # Errors
/// Files that cannot be read or are not JSON.
pub fn papers(path: &Path, limits: Limits) -> Result<Papers, LoadError> {
    let meta = std::fs::metadata(path).map_err(|error| folder::unreadable(path, &error))?;
    let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
    if meta.is_dir() {
        let found = folder::survey(path, limits)?;
        let mut papers = of(&folder::read(&found.files, limits)?)?;
        let apart = path.join(SIGNATURES);
        if papers.signatures.is_none() && apart.is_file() {
            papers.signatures = Some(json(SIGNATURES, &folder::read_file(&apart, limits.max_size)?)?);
        }
        return Ok(papers);
    }
    match name::archive_stem(&file) {
        Some(_) => of(&scan::read_archive(path, limits)?),
        None => Ok(Papers::default()),
    }
}

fn of(contents: &Contents) -> Result<Papers, LoadError> {
    let read = |name: &str| contents.files.get(name).map(|bytes| json(name, bytes)).transpose();
    Ok(Papers { manifest: read(".manifest")?, signatures: read(SIGNATURES)? })
}

fn json(name: &str, bytes: &[u8]) -> Result<Value, LoadError> {
    serde_json::from_slice(bytes)
        .map_err(|error| LoadError::new(ErrorKind::Manifest, format!("`{name}` is not JSON: {error}")))
}
