//! The decision log: every answer leaves one record, and no answer leaves before its record is kept.
//!
//! INVARIANT (no answer before its record): [`DecisionLog::record`] is the only maker of a `Recorded`, and makes it after
//! the journal has acknowledged the record: the file where one is configured, else the console. What is not acknowledged
//! makes the call fail. The console beside a file shows what it can, and fails and delays no call.
//! INVARIANT (one record, one line): whatever a caller sends, a record is one line of valid JSON to every reader; a write
//! that fails half-way is taken back, so that no two records share a line.
//! INVARIANT (strangers pay for themselves): calls that were refused before anybody was authenticated, or because their
//! caller asked too often, are recorded in a file of their own, within a quota and a rate; they push no other record out.
//! INVARIANT (nothing vanishes in silence): what a rotation drops and what a rate leaves out is said in the log, counted in
//! a metric, and said in the diagnostics.
//! INVARIANT (nothing secret): a record names its subject; it has no field for credentials, and claims only as configured
//! (`record.rs`, `input.rs`).
//! INVARIANT (masked first): journals and console see the event, never the decision. A mask belongs between the two, at the
//! marked place in [`DecisionLog::record`], and then holds for the console, the file and whatever comes later alike.
//!
//! Deliberately absent: `fsync` (what the kernel has taken survives the process, not the machine), masking, and shipping to
//! a collector.
//!
//! Reading order: [`record`] → `input` → [`journal`] → `file` → `rotate` → `tail` → `refusals` → `notice` → `console` → `pretty`.

mod config;
mod console;
mod error;
mod escape;
mod file;
mod input;
pub mod journal;
mod notice;
mod pretty;
pub mod record;
mod refusals;
mod rotate;
#[cfg(test)]
mod samples;
mod tail;
mod trouble;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::model::decision::{Decision, Outcome, Recorded};
use crate::model::failure::FailureKind;
use crate::model::principal::AuthContext;
use crate::telemetry::metrics::{DropReason, LogMetrics};

pub use config::{Claims, Config, Console, FileConfig, RefusalsConfig};
pub use error::{ConfigError, FileError, Unrecorded};

use console::Acknowledging;
use file::FileJournal;
use journal::{Appending, Entry, Journal};
use record::Event;
use refusals::{Place, Refusals};
use trouble::Trouble;

/// The labels that every record has, and that the configuration may not set.
pub const RESERVED_LABELS: [&str; 2] = ["id", "version"];

/// Takes decisions and gives them back recorded. Shared by all threads.
#[derive(Debug)]
pub struct DecisionLog {
    labels: Box<RawValue>,
    claims: Claims,
    /// Acknowledges; without one, what is decided is accepted unrecorded.
    journal: Option<Arc<dyn Journal>>,
    refusals: Refusals,
    /// Shows what it can, beside the journal.
    shown: Option<Arc<console::Console>>,
    console: Option<Arc<console::Console>>,
    metrics: LogMetrics,
    trouble: Trouble,
}

/// How much of a line's buffer a thread keeps for its next record.
const KEPT_CAPACITY: usize = 64 << 10;

thread_local! {
    /// Reused for every record of the thread; taken out while in use.
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The journals of a log that are open already.
#[derive(Debug, Default)]
pub struct Journals {
    /// Of decisions.
    pub decisions: Option<Arc<dyn Journal>>,
    /// Of refusals before anybody was authenticated.
    pub refusals: Option<Arc<dyn Journal>>,
}

impl DecisionLog {
    /// Opens the files and the console that `config` asks for; a relative path is below `base_dir`. `no_color` says that
    /// colour is not wanted even on a terminal (`NO_COLOR`; only `config` reads the environment).
    ///
    /// # Errors
    /// When a label is reserved, or a place cannot be opened: better at the start than at the first decision.
    pub fn new(
        config: &Config,
        base_dir: &Path,
        instance_id: &str,
        no_color: bool,
        metrics: LogMetrics,
    ) -> Result<Self, ConfigError> {
        let dropped = metrics.dropped(DropReason::Console);
        let console = console::Console::stdout(config.console, no_color, dropped);
        let console = console.map_err(ConfigError::Stdout)?.map(Arc::new);
        let decisions = decisions_file(config, base_dir, &metrics)?;
        let refusals = match &config.file {
            // Nothing lies beside a pipe or a device.
            Some(file) if config.refusals.path.is_none() && is_special(&base_dir.join(&file.path)) => {
                decisions.clone()
            }
            _ => refusals_file(config, base_dir, &metrics)?,
        };
        Self::over(Journals { decisions, refusals }, console, config, instance_id, metrics)
    }

    /// A log over journals that are open already, without a console.
    ///
    /// # Errors
    /// When a label is reserved.
    pub fn with_journals(
        journals: Journals,
        config: &Config,
        instance_id: &str,
        metrics: LogMetrics,
    ) -> Result<Self, ConfigError> {
        Self::over(journals, None, config, instance_id, metrics)
    }

    fn over(
        journals: Journals,
        console: Option<Arc<console::Console>>,
        config: &Config,
        instance_id: &str,
        metrics: LogMetrics,
    ) -> Result<Self, ConfigError> {
        let labels = labels(&config.labels, instance_id)?;
        // Where there is no file, the console is all there is.
        let or_console = |journal: Option<Arc<dyn Journal>>| {
            let acknowledging =
                || Some(Arc::new(Acknowledging(Arc::clone(console.as_ref()?))) as Arc<dyn Journal>);
            journal.or_else(acknowledging)
        };
        let beside = |journal: &Option<_>| console.clone().filter(|_| Option::is_some(journal));
        let place = Place {
            labels: labels.clone(),
            console: beside(&journals.refusals),
            journal: or_console(journals.refusals),
        };
        let left_out = metrics.dropped(DropReason::RefusalsRate);
        let refusals = Refusals::new(config.refusals.rate, place, left_out).map_err(ConfigError::Thread)?;
        let shown = beside(&journals.decisions);
        let journal = or_console(journals.decisions);
        let claims = config.claims.clone();
        Ok(Self { labels, claims, journal, refusals, shown, console, metrics, trouble: Trouble::default() })
    }

    /// Writes the decision's record to the journal, and only then gives the decision back to be answered with.
    ///
    /// A record for a file has been written when this is first polled, which blocks for as long as one `write(2)` does. A
    /// refusal before anybody was authenticated, or for asking too often, is given back without a record once there are more of them than
    /// `decision_log.refusals.rate`; it has been counted then, and a summary in the log will say so.
    ///
    /// # Errors
    /// When the record is not acknowledged; the next call tries afresh.
    pub async fn record(&self, decision: Decision) -> Result<Recorded<Decision>, Unrecorded> {
        let cheap = is_cheap(&decision);
        if cheap && !self.refusals.admit(decision.at) {
            return Ok(Recorded::accepted(decision));
        }
        let journal = if cheap { self.refusals.journal() } else { self.journal.as_deref() };
        if let Some(journal) = journal
            && let Err(error) = self.append(journal, &decision).await
        {
            self.metrics.failures.inc();
            if let Some(refused) = self.trouble.add(1) {
                let journal = journal.name();
                tracing::error!(journal, %error, refused, "decisions refused: their records cannot be written");
            }
            return Err(Unrecorded { id: decision.id });
        }
        self.metrics.records.inc();
        if let Some(refused) = self.trouble.over() {
            tracing::info!(refused, "records can be written again");
        }
        Ok(Recorded::accepted(decision))
    }

    fn append(&self, journal: &dyn Journal, decision: &Decision) -> Appending {
        let mut line = LINE.take();
        line.clear();
        let event = Event::new(&self.labels, &self.claims, decision);
        // A mask goes here: it takes the event and gives the one that is written.
        let appending = match event.write_line(&mut line) {
            Err(error) => Appending::done(Err(error.into())),
            Ok(()) => {
                let entry = Entry { event: Some(&event), line: &line, timestamp: &event.timestamp };
                let appending = journal.append(&entry);
                self.shown.iter().for_each(|console| console.show(&entry));
                appending
            }
        };
        line.shrink_to(KEPT_CAPACITY);
        LINE.set(line);
        appending
    }

    /// Opens every file anew, for one that was renamed from outside (SIGHUP).
    ///
    /// # Errors
    /// What could not be opened, with its name; such a journal goes on with what it had.
    pub fn reopen(&self) -> Result<(), Vec<(String, io::Error)>> {
        let failed: Vec<_> = [self.journal.as_deref(), self.refusals.journal()]
            .into_iter()
            .flatten()
            .filter_map(|journal| journal.reopen().err().map(|error| (journal.name(), error)))
            .collect();
        if failed.is_empty() { Ok(()) } else { Err(failed) }
    }

    /// Writes what is still to be said, and waits until the console has taken what it takes. Blocks for a second or two at the
    /// most; records that come afterwards are still taken.
    pub fn close(&self) {
        self.refusals.close();
        self.console.iter().for_each(|console| console.flush());
    }
}

/// Whether a call was refused before anybody was authenticated, or because its caller asked too often: there may be any
/// number of them.
fn is_cheap(decision: &Decision) -> bool {
    let too_often = decision.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::RateLimited);
    decision.outcome == Outcome::Refused && (too_often || !matches!(decision.auth, AuthContext::Verified(_)))
}

fn labels(configured: &BTreeMap<String, String>, instance_id: &str) -> Result<Box<RawValue>, ConfigError> {
    let [id, version] = RESERVED_LABELS;
    let mut all: BTreeMap<&str, &str> = [(id, instance_id), (version, env!("CARGO_PKG_VERSION"))].into();
    for (name, value) in configured {
        if all.insert(name, value).is_some() {
            return Err(ConfigError::ReservedLabel(name.clone()));
        }
    }
    serde_json::value::to_raw_value(&all).map_err(ConfigError::Labels)
}

fn decisions_file(
    config: &Config,
    base_dir: &Path,
    metrics: &LogMetrics,
) -> Result<Option<Arc<dyn Journal>>, ConfigError> {
    let Some(FileConfig { path, max_size, keep }) = &config.file else { return Ok(None) };
    let dropped = metrics.dropped(DropReason::Rotation);
    let file =
        FileJournal::open(base_dir.join(path), max_size.0, *keep, dropped).map_err(ConfigError::File)?;
    Ok(Some(Arc::new(file)))
}

fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

fn refusals_file(
    config: &Config,
    base_dir: &Path,
    metrics: &LogMetrics,
) -> Result<Option<Arc<dyn Journal>>, ConfigError> {
    let Some(path) = config.refusals_path() else { return Ok(None) };
    let (max_size, keep) = (config.refusals.max_size.0, config.refusals.keep);
    let dropped = metrics.dropped(DropReason::RefusalsRotation);
    let file = FileJournal::open(base_dir.join(path), max_size, keep, dropped);
    Ok(Some(Arc::new(file.map_err(ConfigError::RefusalsFile)?)))
}
