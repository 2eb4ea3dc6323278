//! The records of calls that were refused before anybody was authenticated.
//!
//! INVARIANT (strangers pay for themselves): they have a file, a quota and a rate of their own; whatever they send, they
//! push no record of an authenticated caller out of the log.
//! INVARIANT (nothing vanishes in silence): a refusal above the rate is counted, and a summary in the log says how many
//! there were, since when and until when: within a second or so, and when the log is closed.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use super::console::Console;
use super::journal::{Entry, Journal};
use super::notice;
use crate::model::clock::Timestamp;
use crate::telemetry::metrics::Counter;

/// For how long refusals are counted before a summary of them is written.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(1);

/// Lets so many refusals a second be recorded, and has the others counted.
#[derive(Debug)]
pub(super) struct Refusals {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    place: Place,
    left_out: Counter,
}

/// Where summaries go.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) labels: Box<RawValue>,
    pub(super) journal: Option<Arc<dyn Journal>>,
    pub(super) console: Option<Arc<Console>>,
}

#[derive(Debug)]
struct State {
    bucket: Bucket,
    left_out: Option<LeftOut>,
    total: u64,
    closed: bool,
}

#[derive(Debug, Clone, Copy)]
struct LeftOut {
    records: u64,
    since: Timestamp,
    until: Timestamp,
}

/// A token bucket that holds a second's worth.
#[derive(Debug)]
struct Bucket {
    rate: u32,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let rate = f64::from(self.rate);
        let grown = now.saturating_duration_since(self.filled).as_secs_f64() * rate;
        self.tokens = (self.tokens + grown).min(rate);
        self.filled = now;
        let any = self.tokens >= 1.0;
        if any {
            self.tokens -= 1.0;
        }
        any
    }
}

impl Refusals {
    /// Counts in `left_out` what is left out, and summarises it in `place`.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub(super) fn new(rate: u32, place: Place, left_out: Counter) -> std::io::Result<Self> {
        let bucket = Bucket { rate, tokens: f64::from(rate), filled: Instant::now() };
        let state = State { bucket, left_out: None, total: 0, closed: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), place, left_out });
        let working = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("refusals".to_owned()).spawn(move || working.work())?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// The journal that acknowledges them, if they have one.
    pub(super) fn journal(&self) -> Option<&dyn Journal> {
        self.shared.place.journal.as_deref()
    }

    /// Whether a refusal of this moment is recorded; it has been counted otherwise.
    pub(super) fn admit(&self, at: Timestamp) -> bool {
        let mut state = self.shared.lock();
        if state.bucket.take(Instant::now()) {
            return true;
        }
        state.total = state.total.saturating_add(1);
        let first = state.left_out.is_none();
        let left_out = state.left_out.get_or_insert(LeftOut { records: 0, since: at, until: at });
        left_out.records += 1;
        left_out.until = left_out.until.max(at);
        drop(state);
        self.shared.left_out.inc();
        if first {
            self.shared.changed.notify_all();
        }
        false
    }

    /// Writes the last summary.
    pub(super) fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = thread.map(JoinHandle::join);
    }
}

impl Drop for Refusals {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            let idle = |state: &mut State| state.left_out.is_none() && !state.closed;
            state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
            let open = |state: &mut State| !state.closed;
            let waited = self.changed.wait_timeout_while(state, SUMMARY_INTERVAL, open);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            let (taken, total, closed) = (state.left_out.take(), state.total, state.closed);
            drop(state);
            let unwritten = taken.filter(|left_out| !self.summarise(left_out, total));
            if closed {
                return;
            }
            state = self.lock();
            if let Some(LeftOut { records, since, until }) = unwritten {
                let later = state.left_out.get_or_insert(LeftOut { records: 0, since, until });
                later.records += records;
                later.since = since;
            }
        }
    }

    /// `false` when the summary could not be written.
    fn summarise(&self, left_out: &LeftOut, total: u64) -> bool {
        let Place { labels, journal, console } = &self.place;
        let LeftOut { records, since, until } = *left_out;
        let (since, until) = (since.rfc3339(), until.rfc3339());
        let line = notice::left_out(&notice::LeftOut {
            labels,
            records,
            since: &since,
            until: &until,
            records_since_start: total,
        });
        let entry = Entry { event: None, line: &line, timestamp: &until };
        let failed = journal.as_ref().and_then(|journal| journal.append(&entry).failed());
        if failed.is_none() {
            tracing::warn!(
                records,
                since,
                "refusals above `decision_log.refusals.rate` were counted, not recorded"
            );
            console.iter().for_each(|console| console.show(&entry));
        }
        failed.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_fills_up_to_a_seconds_worth() {
        let begun = Instant::now();
        let mut bucket = Bucket { rate: 3, tokens: 3.0, filled: begun };
        let mut taken = |at: Duration, tries: usize| (0..tries).filter(|_| bucket.take(begun + at)).count();
        assert_eq!(taken(Duration::ZERO, 10), 3);
        assert_eq!(taken(Duration::from_millis(400), 10), 1);
        assert_eq!(taken(Duration::from_secs(60), 10), 3);
    }
}
