//! Shared by `build` and `sign`: the signing key, the claims, and atomic writing.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::verification::{algorithm, key_text};
use crate::bundle::signature::keys::SigningKey;

/// The key that `--signing-key` gives or names.
///
/// # Errors
/// A key that does not fit the algorithm.
pub fn signing_key(key: &str, signing_alg: &str) -> Result<SigningKey, String> {
    let algorithm = algorithm(signing_alg)?;
    let key = key_text(key).and_then(|text| SigningKey::new(algorithm, &text));
    key.map_err(|why| format!("`--signing-key`: {why}"))
}

/// The claims in a file.
///
/// # Errors
/// When it cannot be read or is not a JSON object.
pub fn claims(file: &PathBuf) -> Result<Map<String, Json>, String> {
    let shown = file.display();
    let text = std::fs::read(file).map_err(|error| format!("cannot read `{shown}`: {error}"))?;
    serde_json::from_slice(&text)
        .map_err(|error| format!("`{shown}` is not a JSON object of claims: {error}"))
}

/// Writes a file atomically: under a temporary name, then renamed.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_whole(target: &Path, bytes: &[u8]) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("cannot write `{}`: {error}", target.display());
    let Some(name) = target.file_name() else {
        return Err(format!("`{}` is not a file name", target.display()));
    };
    if target.is_dir() {
        return Err(format!("`{}` is a folder; give the path of a file", target.display()));
    }
    // A name that no watcher of bundles looks at.
    let draft = target.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
    std::fs::write(&draft, bytes).and_then(|()| std::fs::rename(&draft, target)).map_err(|error| {
        let _ = std::fs::remove_file(&draft);
        fail(error)
    })
}
