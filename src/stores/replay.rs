//! Remembers nonces that have been used, so that nothing that carries one is accepted twice.
//!
//! INVARIANT (exactly one): however many ask at once, one is told that a nonce is fresh.
//! INVARIANT (nothing forgotten is fresh): a nonce is kept as long as what carries it is valid. If the clock went back to a
//! time of which nonces have been dropped, the call is refused.

use std::sync::{Arc, OnceLock};

use super::config::Config;
use super::key::Key;
use super::ledger::Ledger;
use super::link::Link;
use super::unavailable::Unavailable;
use crate::model::clock::Timestamp;

/// The shortest time that a nonce is kept, in nanoseconds: whoever says that it is over already is not believed to the
/// nanosecond.
const SHORTEST: i64 = 1_000_000_000;
/// How much the clocks of sidecars that share a Redis may differ, in nanoseconds.
const CLOCK_SKEW: i64 = 30_000_000_000;

/// Whether a nonce has been used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remembered {
    /// It has not been, and is from now on.
    Fresh,
    /// It has been.
    Replayed,
}

/// Remembers nonces. Shared by all threads.
#[derive(Debug)]
pub struct ReplayStore {
    memory: Ledger,
    redis: Option<Arc<Link>>,
    /// When this process began to remember.
    began: OnceLock<Timestamp>,
}

/// A store in memory, of the default size.
impl Default for ReplayStore {
    fn default() -> Self {
        Self::new(Config::default().max_entries, None)
    }
}

impl ReplayStore {
    pub(super) fn new(max_entries: usize, redis: Option<Arc<Link>>) -> Self {
        Self { memory: Ledger::new(max_entries), redis, began: OnceLock::new() }
    }

    /// Whether several sidecars remember together.
    pub const fn is_shared(&self) -> bool {
        self.redis.is_some()
    }

    /// Says when this process begins to remember; only the first time counts.
    pub fn begin(&self, now: Timestamp) {
        self.began.get_or_init(|| now);
    }

    /// Whether what was issued at this time may have been used without being remembered: a store in memory knows nothing of
    /// what was before its process, and of what has no time of issue.
    pub fn may_have_forgotten(&self, issued_at: Option<Timestamp>) -> bool {
        let began = self.began.get().filter(|_| self.redis.is_none());
        // Times of issue are whole seconds: what was issued in the second of the start counts as later.
        began.is_some_and(|began| issued_at.is_none_or(|at| at.unix_seconds() < began.unix_seconds()))
    }

    /// Remembers a nonce until a time: that at which what carries it ceases to be valid, leeway included. The caller bounds
    /// that time, so that nobody fills the store with what never ends.
    ///
    /// # Errors
    /// The store is full, does not answer, or may have forgotten the nonce: the call must be refused.
    pub async fn remember(
        &self,
        nonce: Key,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Remembered, Unavailable> {
        let until = until.0.max(now.0.saturating_add(SHORTEST));
        match &self.redis {
            None => self.remember_here(nonce, until, now.0),
            Some(link) => {
                let nanos = until.saturating_sub(now.0).saturating_add(CLOCK_SKEW);
                let millis = nanos.cast_unsigned().div_ceil(1_000_000);
                let fresh = link.set_if_absent(&link.name("nonce", &nonce), millis).await?;
                Ok(if fresh { Remembered::Fresh } else { Remembered::Replayed })
            }
        }
    }

    fn remember_here(&self, nonce: Key, until: i64, now: i64) -> Result<Remembered, Unavailable> {
        let mut shard = self.memory.lock(self.memory.place(&nonce));
        if shard.get(&nonce).is_some_and(|kept| now < kept) {
            return Ok(Remembered::Replayed);
        }
        if shard.may_have_dropped(until) {
            return Err(Unavailable::ClockWentBack);
        }
        shard.put(nonce, until, now).map_err(|_| Unavailable::Full)?;
        Ok(Remembered::Fresh)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn nonce(n: u32) -> Key {
        Key::new("test", &[&n.to_be_bytes()])
    }

    #[test]
    fn a_nonce_is_fresh_once_in_its_time() {
        let store = ReplayStore::new(10, None);
        let remember = |n, until, now| store.remember_here(nonce(n), until, now);
        assert_eq!(remember(1, 10, 0), Ok(Remembered::Fresh));
        assert_eq!(remember(1, 10, 0), Ok(Remembered::Replayed));
        assert_eq!(remember(1, 99, 9), Ok(Remembered::Replayed), "whatever it says of its end");
        assert_eq!(remember(2, 10, 0), Ok(Remembered::Fresh));
        assert_eq!(remember(1, 20, 10), Ok(Remembered::Fresh), "its time is over");
        assert_eq!(remember(1, 20, 11), Ok(Remembered::Replayed));
    }

    #[test]
    fn a_full_store_refuses_and_forgets_nothing_that_is_live() {
        let store = ReplayStore::new(100, None);
        for n in 0..100 {
            assert_eq!(store.remember_here(nonce(n), 10 + i64::from(n), 0), Ok(Remembered::Fresh));
        }
        assert_eq!(store.remember_here(nonce(100), 500, 9), Err(Unavailable::Full));
        for n in 0..100 {
            assert_eq!(store.remember_here(nonce(n), 10 + i64::from(n), 9), Ok(Remembered::Replayed));
        }
        assert_eq!(store.remember_here(nonce(100), 500, 10), Ok(Remembered::Fresh));
    }

    #[test]
    fn after_the_clock_went_back_nothing_forgotten_is_fresh() {
        let store = ReplayStore::new(1, None);
        assert_eq!(store.remember_here(nonce(1), 60, 0), Ok(Remembered::Fresh));
        assert_eq!(store.remember_here(nonce(2), 160, 100), Ok(Remembered::Fresh), "the first is dropped");
        assert_eq!(store.remember_here(nonce(1), 60, 5), Err(Unavailable::ClockWentBack));
    }

    #[tokio::test]
    async fn what_is_over_already_is_fresh_once_all_the_same() {
        let store = ReplayStore::new(10, None);
        let (until, now) = (Timestamp(5), Timestamp(10));
        assert_eq!(store.remember(nonce(1), until, now).await, Ok(Remembered::Fresh));
        assert_eq!(store.remember(nonce(1), until, now).await, Ok(Remembered::Replayed));
    }

    #[test]
    fn of_a_thousand_replays_at_once_one_is_fresh() {
        let (store, fresh) = (ReplayStore::new(100_000, None), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for n in 0..1_000 {
                        let remembered = store.remember_here(nonce(n), SECOND, 0).unwrap();
                        fresh.fetch_add(usize::from(remembered == Remembered::Fresh), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!((fresh.into_inner(), store.memory.len()), (1_000, 1_000));
    }
}
