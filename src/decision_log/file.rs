//! The file journal: one JSON document a line, appended before the answer, rotated by size.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::FileError;
use super::journal::{Appending, Entry, Journal, write_counted};
use super::notice;
use super::rotate::{self, FileId};
use super::tail::{self, Tail};
use crate::telemetry::metrics::Counter;

/// Readable by the owner and the group, e.g. a log shipper's.
const MODE: u32 = 0o640;

/// How long records may go into a file that somebody has deleted.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Appends records to a file and rotates it.
///
/// INVARIANT (one writer): the open file carries an exclusive lock, so that two processes cannot rotate it under each
/// other, and so that the end of the file is ours to repair.
/// INVARIANT (nothing vanishes in silence): the first line of the file after a rotation that dropped records says how many,
/// and which.
#[derive(Debug)]
pub(super) struct FileJournal {
    path: PathBuf,
    max_size: u64,
    keep: usize,
    /// Counts the records that rotations drop.
    dropped: Counter,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// `None` after a failure that could not be repaired; the next record opens the file afresh.
    open: Option<OpenFile>,
    /// The length at which a rotation is tried; more than the configured one after a rotation that failed.
    rotate_at: u64,
    /// How many records rotated files have, for those that were begun by this process.
    counted: VecDeque<(FileId, u64)>,
    /// How many records rotations have dropped since the start.
    dropped: u64,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    len: u64,
    /// How many records it has; `None` where it was begun by another process.
    records: Option<u64>,
    /// When it was last looked whether the file still has a name.
    checked: Instant,
    /// Pipes and devices have no end to repair and nothing to rotate.
    regular: bool,
}

/// How often a writer looks for the file to become free before it sleeps; some 20 us in all.
const TRIES_AWAKE: usize = 40;

impl FileJournal {
    /// Opens the file, making it and the folders above it where they are missing, and repairs its end.
    pub(super) fn open(
        path: PathBuf,
        max_size: u64,
        keep: usize,
        dropped: Counter,
    ) -> Result<Self, FileError> {
        let open = OpenFile::open(&path)?;
        // Behind a symbolic link it is the file that is rotated, not the link.
        let path = fs::canonicalize(&path).unwrap_or(path);
        let state = State { open: Some(open), rotate_at: max_size, counted: VecDeque::new(), dropped: 0 };
        Ok(Self { path, max_size, keep, dropped, state: Mutex::new(state) })
    }

    /// A record is written in a few microseconds, which is less than it costs to be put to sleep and woken: hence a
    /// short wait awake before a long one asleep.
    fn state(&self) -> MutexGuard<'_, State> {
        for _ in 0..TRIES_AWAKE {
            match self.state.try_lock() {
                Ok(state) => return state,
                Err(std::sync::TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(std::sync::TryLockError::WouldBlock) => (0..32).for_each(|_| std::hint::spin_loop()),
            }
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the full file out of the way, and gives the line that says what was dropped for it. A file that cannot be
    /// moved grows on: no decision is refused for it.
    fn rotate(&self, state: &mut State, timestamp: &str) -> Vec<u8> {
        let State { open, rotate_at, counted, dropped } = state;
        if let Some((id, records)) = open.as_ref().and_then(OpenFile::counted) {
            counted.push_front((id, records));
            counted.truncate(self.keep.saturating_add(1));
        }
        // Looked at before it is gone. That it cannot be read is no reason not to rotate.
        let victim = rotate::victim(&self.path, self.keep);
        let census = victim.map(|victim| (rotate::census(&victim, counted), victim));
        if let Err(error) = rotate::shift(&self.path, self.keep) {
            let len = open.as_ref().map_or(0, |open| open.len);
            *rotate_at = len.saturating_add(self.max_size / 8).saturating_add(1);
            tracing::error!(path = %self.path.display(), %error, "cannot rotate the decision log; it grows on");
            return Vec::new();
        }
        *open = None;
        *rotate_at = self.max_size;
        match census {
            None => Vec::new(),
            Some((Ok(census), victim)) => {
                *dropped = dropped.saturating_add(census.records);
                self.dropped.inc_by(census.records);
                let (file, records) = (victim.display(), census.records);
                tracing::warn!(%file, records, "the decision log is full: its oldest records were dropped");
                notice::dropped(&victim, &census, *dropped, timestamp)
            }
            Some((Err(error), victim)) => {
                let file = victim.display();
                tracing::warn!(%file, %error, "the decision log is full: a file of unread length was dropped");
                notice::dropped_unread(&victim, timestamp)
            }
        }
    }

    fn write(&self, entry: &Entry<'_>) -> io::Result<()> {
        let mut state = self.state();
        let added = entry.line.len() as u64;
        let full = |open: &OpenFile| open.regular && open.len > 0 && open.len + added > state.rotate_at;
        let mut line = std::borrow::Cow::Borrowed(entry.line);
        if state.open.as_ref().is_some_and(full) {
            let mut first = self.rotate(&mut state, entry.timestamp);
            if !first.is_empty() {
                first.extend_from_slice(entry.line);
                line = first.into();
            }
        }
        state.open.take_if(|open| open.is_deleted());
        let mut open = match state.open.take() {
            Some(open) => open,
            None => OpenFile::open(&self.path).map_err(io::Error::other)?,
        };
        match write_counted(&mut open.file, &line) {
            Ok(()) => {
                open.len += line.len() as u64;
                let more = u64::from(entry.event.is_some());
                open.records = open.records.map(|records| records + more);
                state.open = Some(open);
                Ok(())
            }
            // A file that cannot be repaired now is let go of; opening it anew repairs it or fails.
            Err((written, error)) => {
                state.open = open.take_back(written as u64).ok();
                Err(error)
            }
        }
    }
}

impl Journal for FileJournal {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn append(&self, entry: &Entry<'_>) -> Appending {
        Appending::done(self.write(entry))
    }

    fn reopen(&self) -> io::Result<()> {
        let mut state = self.state();
        let same = |open: &OpenFile| same_file(&open.file, &self.path).unwrap_or(false);
        if state.open.as_ref().is_some_and(same) {
            return Ok(());
        }
        state.open = Some(OpenFile::open(&self.path).map_err(io::Error::other)?);
        state.rotate_at = self.max_size;
        Ok(())
    }
}

impl OpenFile {
    fn open(path: &Path) -> Result<Self, FileError> {
        let failed = |source| FileError::Open { path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)
                .map_err(|source| FileError::CreateFolder { path: folder.to_owned(), source })?;
        }
        if path.is_dir() {
            return Err(FileError::Directory(path.to_owned()));
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(MODE).open(path).map_err(failed)?;
        let regular = file.metadata().map_err(failed)?.is_file();
        if !regular {
            return Ok(Self { file, len: 0, records: None, checked: Instant::now(), regular });
        }
        // A file system without locks is no reason to refuse; that another process holds one is.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(FileError::InUse(path.to_owned()));
        }
        let unrepaired = |source| FileError::Repair { path: path.to_owned(), source };
        match tail::repair(&file).map_err(unrepaired)? {
            Tail::Whole => {}
            Tail::Cut(bytes) => {
                tracing::warn!(path = %path.display(), bytes, "removed an unfinished record from the decision log");
            }
            Tail::Foreign => return Err(FileError::NotALog(path.to_owned())),
        }
        let len = file.metadata().map_err(failed)?.len();
        let records = (len == 0).then_some(0);
        Ok(Self { file, len, records, checked: Instant::now(), regular })
    }

    /// How many records it has, if that is known.
    fn counted(&self) -> Option<(FileId, u64)> {
        Some((FileId::of(&self.file.metadata().ok()?), self.records?))
    }

    /// Whether the file has lost its last name, so that nobody would ever read what is appended.
    fn is_deleted(&mut self) -> bool {
        if !self.regular || self.checked.elapsed() < CHECK_INTERVAL {
            return false;
        }
        self.checked = Instant::now();
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }

    /// Undoes a write of which only the first `written` bytes arrived.
    ///
    /// INVARIANT (one record, one line): what is left of it must not stand before the next record.
    fn take_back(mut self, written: u64) -> io::Result<Self> {
        if !self.regular {
            // What went into a pipe cannot be taken back; a line feed at least ends it.
            if written > 0 {
                self.file.write_all(b"\n")?;
            }
            return Ok(self);
        }
        // Asked anew: the file may have been truncated from outside (logrotate's `copytruncate`).
        let end = self.file.metadata()?.len();
        self.len = end.saturating_sub(written);
        if written > 0 {
            self.file.set_len(self.len)?;
        }
        Ok(self)
    }
}

fn same_file(file: &File, path: &Path) -> io::Result<bool> {
    Ok(FileId::of(&file.metadata()?) == FileId::of(&fs::metadata(path)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision_log::samples;

    fn read(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
        text.lines().map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn a_write_that_fails_half_way_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decisions.log");
        let journal = FileJournal::open(path.clone(), 1 << 20, 1, Counter::default()).unwrap();
        samples::write(&journal, "first").await;
        // As `write` does when the disk fills up behind the ninth byte.
        let mut open = journal.state().open.take().unwrap();
        open.file.write_all(b"{\"labels\"").unwrap();
        let open = open.take_back(9).unwrap();
        assert_eq!(open.len, fs::metadata(&path).unwrap().len());
        journal.state().open = Some(open);
        samples::write(&journal, "second").await;
        let lines = read(&path);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("\"first\"") && lines[1].contains("\"second\""), "{lines:?}");
    }

    #[tokio::test]
    async fn a_half_written_record_that_could_not_be_taken_back_is_removed_at_the_next_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decisions.log");
        let journal = FileJournal::open(path.clone(), 1 << 20, 1, Counter::default()).unwrap();
        samples::write(&journal, "first").await;
        journal.state().open.take().unwrap().file.write_all(b"{\"labels\"").unwrap();
        samples::write(&journal, "second").await;
        assert_eq!(read(&path).len(), 2);
    }

    #[tokio::test]
    async fn records_do_not_go_on_into_a_deleted_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decisions.log");
        let journal = FileJournal::open(path.clone(), 1 << 20, 1, Counter::default()).unwrap();
        samples::write(&journal, "first").await;
        fs::remove_file(&path).unwrap();
        journal.state().open.as_mut().unwrap().checked -= CHECK_INTERVAL;
        samples::write(&journal, "second").await;
        assert_eq!(read(&path).len(), 1);
    }
}
