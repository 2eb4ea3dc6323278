//! The decision log: every answer leaves one record, and no answer leaves before its record is accepted.
//!
//! INVARIANT (no answer before its record): [`DecisionLog::record`] is the only maker of a `Recorded`, and makes it
//! after every sink has taken the record. A sink that fails makes the call fail, never the record vanish.
//! INVARIANT (one record, one line): whatever a caller sends, a record is one line of valid JSON; a write that fails
//! half-way is taken back, so that no two records share a line.
//! INVARIANT (nothing secret): a record names its subject; it has no field for claims or credentials (`record.rs`).
//! INVARIANT (masked first): sinks see the event, never the decision. A mask belongs between the two, at the marked
//! place in [`DecisionLog::record`], and then holds for the console, the file and whatever comes later alike.
//!
//! Deliberately absent: queues and threads (a record is written by the call that made it), `fsync` (what the kernel has
//! taken survives the process, not the machine), masking, and shipping to a collector.
//!
//! Reading order: [`record`] → [`sink`] → `file` → `tail` → `console` → `pretty`.

mod console;
mod error;
mod file;
mod pretty;
pub mod record;
#[cfg(test)]
mod samples;
pub mod sink;
mod tail;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::model::decision::{Decision, Recorded};
use crate::model::units::ByteSize;
use crate::telemetry::metrics::LogMetrics;

pub use error::{ConfigError, FileError, Unrecorded};
use record::Event;
use sink::{Entry, Sink};

/// `decision_log:` in the configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How decisions appear on standard output.
    pub console: Console,
    /// The file that takes every record, if one is wanted.
    pub file: Option<FileConfig>,
    /// Added to every record, beside `id` and `version`.
    pub labels: BTreeMap<String, String>,
    /// Whether records carry what built-ins gave whose arguments do not determine it.
    pub nd_builtin_cache: bool,
}

/// How decisions appear on standard output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Console {
    /// Readable on a terminal, JSON lines elsewhere.
    #[default]
    Auto,
    /// One readable line a decision.
    Pretty,
    /// One JSON document a line.
    Json,
    /// Not at all.
    Off,
}

/// `decision_log.file:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Where: one JSON document a line.
    pub path: PathBuf,
    /// The size at which the file is rotated: renamed to `<path>.1`, `.1` to `.2`, and so on.
    #[serde(default = "default_max_size")]
    pub max_size: ByteSize,
    /// How many rotated files are kept.
    #[serde(default = "default_keep")]
    pub keep: usize,
}

const fn default_max_size() -> ByteSize {
    ByteSize::mib(256)
}

const fn default_keep() -> usize {
    8
}

/// Takes decisions and gives them back recorded. Shared by all threads.
#[derive(Debug)]
pub struct DecisionLog {
    labels: Box<RawValue>,
    sinks: Vec<Box<dyn Sink>>,
    metrics: LogMetrics,
    trouble: Trouble,
}

/// How much of a line's buffer a thread keeps for its next record.
const KEPT_CAPACITY: usize = 64 << 10;

thread_local! {
    /// Reused for every record of the thread; taken out while in use.
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl DecisionLog {
    /// Opens the sinks that `config` asks for; a relative file path is below `base_dir`. `no_color` says that colour is
    /// not wanted even on a terminal (`NO_COLOR`; only `config` reads the environment).
    ///
    /// # Errors
    /// When a label is reserved, or a sink cannot be opened: better at the start than at the first decision.
    pub fn new(
        config: &Config,
        base_dir: &Path,
        instance_id: &str,
        no_color: bool,
        metrics: LogMetrics,
    ) -> Result<Self, ConfigError> {
        let Config { console, file, labels, nd_builtin_cache: _ } = config;
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        // The file first: what the console shows is in the file already.
        if let Some(FileConfig { path, max_size, keep }) = file {
            sinks.push(Box::new(file::FileSink::open(base_dir.join(path), max_size.0, *keep)?));
        }
        sinks.extend(console::stdout(*console, no_color).map_err(ConfigError::Stdout)?);
        Self::with_sinks(sinks, labels, instance_id, metrics)
    }

    /// A log over sinks that are open already.
    ///
    /// # Errors
    /// When a label is reserved.
    pub fn with_sinks(
        sinks: Vec<Box<dyn Sink>>,
        labels: &BTreeMap<String, String>,
        instance_id: &str,
        metrics: LogMetrics,
    ) -> Result<Self, ConfigError> {
        let mut all: BTreeMap<&str, &str> =
            [("id", instance_id), ("version", env!("CARGO_PKG_VERSION"))].into();
        for (name, value) in labels {
            if all.insert(name, value).is_some() {
                return Err(ConfigError::ReservedLabel(name.clone()));
            }
        }
        let labels = serde_json::value::to_raw_value(&all).map_err(ConfigError::Labels)?;
        Ok(Self { labels, sinks, metrics, trouble: Trouble::default() })
    }

    /// Writes the decision's record to every sink, and only then gives the decision back to be answered with.
    ///
    /// Blocks for as long as the sinks' `write(2)` does.
    ///
    /// # Errors
    /// When a sink did not take the record; the next call tries afresh.
    pub fn record(&self, decision: Decision) -> Result<Recorded<Decision>, Unrecorded> {
        let mut line = LINE.take();
        line.clear();
        let event = Event::new(&self.labels, &decision);
        // A mask goes here: it takes the event and gives the one that is written.
        let written = self.write(&event, &mut line);
        drop(event);
        line.shrink_to(KEPT_CAPACITY);
        LINE.set(line);
        match written {
            Ok(()) => {
                self.metrics.records.inc();
                self.trouble.over();
                Ok(Recorded::accepted(decision))
            }
            Err((sink, error)) => {
                self.metrics.failures.inc();
                self.trouble.report(&sink, &error);
                Err(Unrecorded { id: decision.id })
            }
        }
    }

    fn write(&self, event: &Event<'_>, line: &mut Vec<u8>) -> Result<(), (String, io::Error)> {
        event.write_line(line).map_err(|error| ("record".to_owned(), error.into()))?;
        let entry = Entry { event, line };
        self.sinks.iter().try_for_each(|sink| sink.write(&entry).map_err(|error| (sink.name(), error)))
    }

    /// Opens every sink anew, for a log file that was renamed from outside (SIGHUP).
    ///
    /// # Errors
    /// What could not be opened, with the sink's name; such a sink goes on with what it had.
    pub fn reopen(&self) -> Result<(), Vec<(String, io::Error)>> {
        let failed: Vec<_> = self
            .sinks
            .iter()
            .filter_map(|sink| sink.reopen().err().map(|error| (sink.name(), error)))
            .collect();
        if failed.is_empty() { Ok(()) } else { Err(failed) }
    }
}

/// Keeps the diagnostics of a failing sink to one line every few seconds.
#[derive(Debug, Default)]
struct Trouble {
    /// An error has been said whose end has not.
    said: AtomicBool,
    refused: AtomicU64,
    said_at: Mutex<Option<Instant>>,
}

impl Trouble {
    const INTERVAL: Duration = Duration::from_secs(5);

    fn report(&self, sink: &str, error: &io::Error) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let mut said_at = self.said_at.lock().unwrap_or_else(PoisonError::into_inner);
        if said_at.is_none_or(|at| at.elapsed() >= Self::INTERVAL) {
            *said_at = Some(Instant::now());
            self.said.store(true, Ordering::Relaxed);
            let refused = self.refused.swap(0, Ordering::Relaxed);
            tracing::error!(sink, %error, refused, "decisions refused: their records cannot be written");
        }
    }

    fn over(&self) {
        // The plain load keeps the shared cache line clean on the path that every call takes.
        if self.said.load(Ordering::Relaxed) && self.said.swap(false, Ordering::Relaxed) {
            let refused = self.refused.swap(0, Ordering::Relaxed);
            tracing::info!(refused, "records can be written again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_sink_is_said_once_in_a_while_and_its_end_once() {
        let (trouble, error) = (Trouble::default(), io::Error::from(io::ErrorKind::StorageFull));
        let state = || (trouble.said.load(Ordering::Relaxed), trouble.refused.load(Ordering::Relaxed));
        for unsaid in 0..3 {
            trouble.report("a file", &error);
            assert_eq!(state(), (true, unsaid));
        }
        trouble.over();
        assert_eq!(state(), (false, 0));
        // Flapping does not make it said more often.
        trouble.report("a file", &error);
        assert_eq!(state(), (false, 1));
        *trouble.said_at.lock().unwrap() = Instant::now().checked_sub(Trouble::INTERVAL);
        trouble.report("a file", &error);
        assert_eq!(state(), (true, 0));
    }
}
