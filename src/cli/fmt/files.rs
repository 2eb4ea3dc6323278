//! Which files are meant, and reading and replacing them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use verdict_rego::syntax::parser::MAX_SIZE;

/// Every `.rego` file below a folder, in order of names, or the file itself. Links to folders are not followed.
pub(super) fn below(path: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |path: &Path, error| format!("cannot read `{}`: {error}", path.display());
    let meta = fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if !meta.is_dir() {
        if is_rego(path) {
            return Ok(vec![path.to_owned()]);
        }
        return Err(format!("`{}` is not a `.rego` file", path.display()));
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, error))? {
            let entry = entry.map_err(|error| unreadable(&folder, error))?;
            let kind = entry.file_type().map_err(|error| unreadable(&entry.path(), error))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if is_rego(&entry.path()) && entry.path().is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_rego(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rego")
}

/// How a file is called in messages.
pub(super) fn shown(path: &Path) -> String {
    let name = path.display().to_string();
    name.strip_prefix("./").unwrap_or(&name).to_owned()
}

/// What a file has; what the parser would refuse for its size is not read.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error| format!("cannot read `{}`: {error}", path.display());
    bounded(fs::File::open(path).map_err(failed)?).map_err(failed)
}

/// What standard input has.
pub(super) fn stdin() -> Result<Vec<u8>, String> {
    bounded(std::io::stdin().lock()).map_err(|error| format!("cannot read standard input: {error}"))
}

fn bounded(from: impl std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_SIZE as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_SIZE {
        let message = format!("more than {MAX_SIZE} bytes, which is too large for a policy");
        return Err(std::io::Error::other(message));
    }
    Ok(bytes)
}

/// Puts a text in place of a file's: it is written beside it, with the same permissions, and renamed.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), String> {
    let failed = |error| format!("cannot write `{}`: {error}", path.display());
    // A link stays, and what it points to is replaced.
    let target = path.canonicalize().map_err(failed)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = target.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = write_new(&beside, &target, text).and_then(|()| fs::rename(&beside, &target));
    written.map_err(|error| {
        // What is left of it helps nobody; that it cannot be removed either is not the news.
        let _ = fs::remove_file(&beside);
        failed(error)
    })
}

fn write_new(beside: &Path, target: &Path, text: &str) -> std::io::Result<()> {
    let permissions = fs::metadata(target)?.permissions();
    if permissions.readonly() {
        return Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, "the file is read-only"));
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(beside)?;
    file.set_permissions(permissions)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
