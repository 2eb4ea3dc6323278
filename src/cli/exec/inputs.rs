//! The inputs of `verdict exec`: files, and all such files in folders, in order of their names.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::is_input;

/// The most that an input may hold, in bytes.
const MAX_INPUT: u64 = 256 << 20;
/// How deep folders may lie.
const MAX_DEPTH: usize = 64;

/// The files that are inputs. Links to folders are not followed, and files with other endings are passed over, both as
/// OPA has it.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for path in paths {
        walk(path, &mut found, 0)?;
    }
    Ok(found)
}

fn walk(path: &Path, found: &mut Vec<PathBuf>, depth: usize) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("cannot read `{}`: {error}", path.display());
    let meta = if depth == 0 { fs::metadata(path) } else { fs::symlink_metadata(path) }.map_err(fail)?;
    if !meta.is_dir() {
        if is_input(path) {
            found.push(path.to_owned());
        }
        return Ok(());
    }
    if depth >= MAX_DEPTH {
        return Err(format!("`{}` lies over {MAX_DEPTH} folders deep", path.display()));
    }
    let entries = fs::read_dir(path).map_err(fail)?;
    let entries = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut entries = entries.map_err(fail)?;
    entries.sort();
    entries.iter().try_for_each(|entry| walk(entry, found, depth + 1))
}

/// The bytes of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let fail = |error: std::io::Error| format!("cannot read `{}`: {error}", path.display());
    let file = fs::File::open(path).map_err(fail)?;
    if !file.metadata().map_err(fail)?.is_file() {
        return Err(format!("`{}` is not a file", path.display()));
    }
    bounded(file)
        .map_err(fail)?
        .ok_or_else(|| format!("`{}` is longer than {MAX_INPUT} bytes", path.display()))
}

/// The bytes of standard input.
pub(super) fn read_stdin() -> Result<Vec<u8>, String> {
    let text =
        bounded(std::io::stdin().lock()).map_err(|error| format!("cannot read standard input: {error}"))?;
    text.ok_or_else(|| format!("standard input is longer than {MAX_INPUT} bytes"))
}

fn bounded(source: impl std::io::Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    source.take(MAX_INPUT + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= MAX_INPUT).then_some(bytes))
}
