//! Rotation: which file makes way, what it held, and the renaming.

use std::collections::VecDeque;
use std::fs::{self, File, Metadata};
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::notice;
use super::tail;

/// What a file is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

/// The records of one file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    pub(super) records: u64,
    pub(super) first: Option<Mark>,
    pub(super) last: Option<Mark>,
}

/// One record, as far as it takes to find it elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    timestamp: String,
    decision_id: String,
}

/// How many lines are looked through from either end for a record among notices.
const LOOKED_THROUGH: usize = 64;

/// The file that the next rotation drops, if it drops one.
pub(super) fn victim(path: &Path, keep: usize) -> Option<PathBuf> {
    if keep == 0 {
        return Some(path.to_owned());
    }
    // A gap is filled first: see `shift`.
    (1..=keep).all(|n| numbered(path, n).exists()).then(|| numbered(path, keep))
}

/// Counts the records of a file, and finds its first and its last. A file of another process is read from end to end.
///
/// # Errors
/// When it cannot be read.
pub(super) fn census(path: &Path, counted: &VecDeque<(FileId, u64)>) -> io::Result<Census> {
    let file = File::open(path)?;
    let id = FileId::of(&file.metadata()?);
    let records = match counted.iter().find(|(other, _)| *other == id) {
        Some((_, records)) => *records,
        None => count(&file)?,
    };
    Ok(Census { records, first: first(&file)?, last: last(&file)? })
}

fn count(file: &File) -> io::Result<u64> {
    let (mut reader, mut line, mut records) = (BufReader::with_capacity(64 << 10, file), Vec::new(), 0);
    while reader.read_until(b'\n', &mut line)? > 0 {
        records += u64::from(!notice::is_one(&line));
        line.clear();
    }
    Ok(records)
}

fn first(mut file: &File) -> io::Result<Option<Mark>> {
    io::Seek::rewind(&mut file)?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    for _ in 0..LOOKED_THROUGH {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if !notice::is_one(&line) {
            return Ok(serde_json::from_slice(&line).ok());
        }
    }
    Ok(None)
}

fn last(file: &File) -> io::Result<Option<Mark>> {
    let mut end = file.metadata()?.len();
    for _ in 0..LOOKED_THROUGH {
        if end == 0 {
            break;
        }
        let start = tail::last_line_start(file, end - 1)?;
        let mut line = vec![0; usize::try_from(end - start).unwrap_or(0)];
        file.read_exact_at(&mut line, start)?;
        if !notice::is_one(&line) {
            return Ok(serde_json::from_slice(&line).ok());
        }
        end = start;
    }
    Ok(None)
}

/// Renames `path` to `path.1`, `path.1` to `path.2`, and so on; the one past `keep` is dropped.
pub(super) fn shift(path: &Path, keep: usize) -> io::Result<()> {
    if keep == 0 {
        return present(fs::remove_file(path)).map(|_| ());
    }
    // Only up to the first gap: a rotation that failed half-way must not cost an old file when it is tried again.
    let gap = (1..keep).find(|n| !numbered(path, *n).exists()).unwrap_or(keep);
    for n in (1..gap).rev() {
        present(fs::rename(numbered(path, n), numbered(path, n + 1)))?;
    }
    present(fs::rename(path, numbered(path, 1))).map(|_| ())
}

/// `false` where there was nothing: somebody else has moved it, which is as well.
fn present(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn numbered(path: &Path, n: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_tried_again_drops_no_file_for_the_one_that_failed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        // As a rotation leaves it that moved `.1` and `.2` and then failed to move the file itself.
        for (name, content) in [("log", "c"), ("log.2", "b"), ("log.3", "a")] {
            fs::write(folder.path().join(name), content).unwrap();
        }
        shift(&path, 3).unwrap();
        let content = |n| fs::read_to_string(numbered(&path, n)).unwrap();
        assert_eq!([content(1), content(2), content(3)], ["c", "b", "a"]);
        assert!(!path.exists());
        fs::write(&path, "d").unwrap();
        shift(&path, 3).unwrap();
        assert_eq!([content(1), content(2), content(3)], ["d", "c", "b"]);
    }

    #[test]
    fn a_file_is_counted_without_its_notices() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let record = |n| format!("{{\"decision_id\":\"{n}\",\"timestamp\":\"t{n}\",\"outcome\":\"deny\"}}\n");
        let notice = "{\"notice\":\"x\",\"decision_id\":\"no\",\"timestamp\":\"no\"}\n";
        let mark = |n| Some(Mark { timestamp: format!("t{n}"), decision_id: format!("{n}") });
        for (content, expected) in [
            (String::new(), Census::default()),
            (notice.to_owned(), Census::default()),
            (
                [notice, &record(1), &record(2), notice, &record(3), notice].concat(),
                Census { records: 3, first: mark(1), last: mark(3) },
            ),
            (record(7), Census { records: 1, first: mark(7), last: mark(7) }),
        ] {
            fs::write(&path, &content).unwrap();
            assert_eq!(census(&path, &VecDeque::new()).unwrap(), expected, "{content}");
        }
    }
}
