//! Attempts to authenticate, on their way into the database.
//!
//! INVARIANT (counted, never lost): the counts of all events add up to the attempts that were noted, whatever the database
//! does. What a process had not stored yet when it was killed is gone; that is what came in within one interval.
//! INVARIANT (bounded): so is the memory, whatever strangers send. What has no room of its own is counted with its like.
//! INVARIANT (nothing waits): whoever notes an attempt waits for no database, and for others as long as one look-up takes.
//!
//! Deliberately absent: what a request asked for, and how policy decided; the decision log has that.
//!
//! Reading order: [`attempt`] → [`table`] → here.

mod attempt;
mod table;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

pub use self::attempt::{Action, Attempt, KeyPrefix};
use self::table::Table;
use super::store::{Store, StoreError};
use crate::model::clock::Clock;
use crate::telemetry::metrics::AuthEventMetrics;

/// How long attempts are collected before they are stored.
pub const INTERVAL: Duration = Duration::from_millis(200);
/// How many events are kept of those that name an organisation, and of those that do not, where nobody says otherwise.
pub const EVENTS_KEPT: u64 = 1_000_000;
/// How long to wait at the most where the database fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Old events are deleted each time that this part of those that are kept has been added: looking for them takes time.
const TRIMMED_AFTER: u64 = 64;

/// Attempts that are not stored yet.
#[derive(Debug)]
pub struct AuthLog {
    noted: Mutex<Table>,
    /// Held while events are stored, so that none is stored twice.
    storing: Mutex<Storing>,
    some: Notify,
    clock: Clock,
    keep: u64,
    metrics: AuthEventMetrics,
}

/// What is being stored.
#[derive(Debug, Default)]
struct Storing {
    /// What the database has not taken yet.
    table: Table,
    /// How many events were stored since old ones were last deleted; none where they never were.
    added: Option<u64>,
}

impl AuthLog {
    /// Nothing yet. Of the events that name an organisation, and of those that do not, about the last `keep` are kept.
    pub fn new(clock: Clock, keep: u64, metrics: AuthEventMetrics) -> Self {
        let (noted, storing, some) = Default::default();
        Self { noted, storing, some, clock, keep, metrics }
    }

    /// Counts an attempt.
    pub fn note(&self, attempt: &Attempt<'_>) {
        let mut noted = lock(&self.noted);
        let first = noted.is_empty();
        noted.count(*attempt, 1, || self.clock.now());
        drop(noted);
        if first {
            self.some.notify_one();
        }
    }

    /// Stores what was noted; says how many attempts that were. Blocks.
    ///
    /// # Errors
    /// The database did not take them. They stay here.
    pub fn flush(&self, store: &dyn Store) -> Result<u64, StoreError> {
        let mut storing = lock(&self.storing);
        let mut noted = lock(&self.noted);
        let anew = noted.anew();
        let noted = std::mem::replace(&mut *noted, anew);
        storing.table.merge(noted);
        let (events, attempts) = (storing.table.events(), storing.table.attempts());
        if events.is_empty() {
            return Ok(0);
        }
        let new = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let added = storing.added.map(|added| added.saturating_add(new));
        let trims = added.is_none_or(|added| added >= (self.keep / TRIMMED_AFTER).max(1));
        match store.append_events(&events, if trims { self.keep } else { u64::MAX }) {
            Ok(()) => {
                let done = std::mem::take(&mut storing.table);
                storing.added = Some(added.filter(|_| !trims).unwrap_or_default());
                self.metrics.stored(attempts, done.folded);
                Ok(attempts)
            }
            Err(error) => {
                self.metrics.failed(attempts);
                Err(error)
            }
        }
    }

    /// Waits until there is something to store, and then for as long as the like of it is collected.
    pub async fn collect(&self) {
        self.some.notified().await;
        tokio::time::sleep(INTERVAL).await;
    }

    /// How long to wait before the next try, after this many have failed.
    pub fn pause(failed: u32) -> Duration {
        INTERVAL.saturating_mul(2_u32.saturating_pow(failed)).min(LONGEST_PAUSE)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
