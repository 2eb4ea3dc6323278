//! Records in a file: the way of small installations.
//!
//! INVARIANT (a half-written file is not read): a changed file is taken up once it has looked the same twice.
//! INVARIANT (last good records): a file that is gone or wrong changes nothing but the status.

mod check;
mod schema;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::time::MissedTickBehavior;

use super::directory::{Directory, Status, TooOld};
use super::records::Records;
use crate::document;
use crate::model::clock::Clock;
use crate::telemetry::metrics::DirectoryMetrics;

/// How often the file is looked at.
const POLL: Duration = Duration::from_millis(500);

/// Records that are read from a file, and again whenever it changes.
#[derive(Debug)]
pub struct StaticFile {
    path: PathBuf,
    clock: Clock,
    metrics: DirectoryMetrics,
    records: ArcSwap<Records>,
    reading: Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    status: Status,
    /// The file as it was when it was last read, well or not.
    read: Option<Stamp>,
}

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    changed: (i64, i64),
    length: u64,
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            modified: metadata.modified().ok(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            length: metadata.len(),
            inode: metadata.ino(),
        })
    }
}

impl StaticFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// What is wrong with it, each problem with file, line and column.
    pub fn open(path: &Path, clock: Clock, metrics: DirectoryMetrics) -> Result<Self, String> {
        let read = Stamp::of(path);
        let records = read_records(path, None)?;
        let status = Status {
            source: path.display().to_string(),
            generation: 1,
            counts: records.counts(),
            last_success: Some(clock.now()),
            last_error: None,
        };
        metrics.in_force(status.generation);
        let state = Mutex::new(State { status, read });
        let records = ArcSwap::from_pointee(records);
        Ok(Self { path: path.to_owned(), clock, metrics, records, reading: Mutex::default(), state })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file now, whether it has changed or not: for an operator who asks (SIGHUP). Blocks.
    pub fn reload(&self) {
        // Held throughout, so that of two readings the later comes into force. Status does not wait for it.
        let _one_at_a_time = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = Stamp::of(&self.path);
        let before = self.records.load_full();
        let read = read_records(&self.path, Some(&before));
        let mut state = self.state();
        state.read = stamp;
        match read {
            Ok(records) => {
                let status = &mut state.status;
                status.generation += 1;
                status.counts = records.counts();
                status.last_success = Some(self.clock.now());
                status.last_error = None;
                self.metrics.in_force(status.generation);
                self.records.store(Arc::new(records));
                tracing::info!(source = %self.path.display(), generation = status.generation, "directory: records in force");
            }
            Err(error) => {
                tracing::warn!(
                    "directory: the file is not applied; the last good records stay in force:\n{error}"
                );
                self.metrics.failed();
                state.status.last_error = Some(error);
            }
        }
    }

    /// Reads the file again whenever it has changed, for ever.
    pub async fn keep_fresh(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(POLL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut changed = None;
        loop {
            ticks.tick().await;
            let directory = Arc::clone(&self);
            let look = tokio::task::spawn_blocking(move || directory.look(changed));
            // The reading itself panicked, which says nothing of the next.
            changed = look.await.unwrap_or_default();
        }
    }

    /// Looks at the file once. `changed` is what the last look found, if that was new; so is what is returned.
    fn look(&self, changed: Option<Option<Stamp>>) -> Option<Option<Stamp>> {
        let now = Stamp::of(&self.path);
        if now == self.state().read {
            return None;
        }
        if changed != Some(now) {
            return Some(now);
        }
        self.reload();
        None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Directory for StaticFile {
    fn records(&self) -> Result<Arc<Records>, TooOld> {
        Ok(self.records.load_full())
    }

    fn status(&self) -> Status {
        self.state().status.clone()
    }
}

fn read_records(path: &Path, previous: Option<&Records>) -> Result<Records, String> {
    let (file, tree) = document::read_file(path).map_err(|problem| problem.to_string())?;
    let parts = check::parts(file, &tree)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    Records::new(parts, previous).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
