//! How long ago what is known was confirmed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::directory::TooOld;

/// A clock that only goes forward: the system's, or a hand that tests set.
#[derive(Debug, Clone)]
pub enum Monotonic {
    /// Time since this moment.
    System(Instant),
    /// Milliseconds.
    Fixed(Arc<AtomicU64>),
}

impl Default for Monotonic {
    fn default() -> Self {
        Self::System(Instant::now())
    }
}

impl Monotonic {
    /// Milliseconds since some moment.
    pub fn now(&self) -> u64 {
        match self {
            Self::System(start) => u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            Self::Fixed(hand) => hand.load(Ordering::SeqCst),
        }
    }
}

/// When what is known was last found to be all there is, and how old that may get.
#[derive(Debug)]
pub struct Freshness {
    clock: Monotonic,
    confirmed: AtomicU64,
    max_age: u64,
}

impl Freshness {
    /// Confirmed now.
    pub fn new(clock: Monotonic, max_age: Duration) -> Self {
        let confirmed = AtomicU64::new(clock.now());
        Self { clock, confirmed, max_age: u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX) }
    }

    /// The moment before a look at the database, for [`confirm`](Self::confirm) after it.
    pub fn begin(&self) -> u64 {
        self.clock.now()
    }

    /// Notes that all was known of what there was at a moment.
    pub fn confirm(&self, at: u64) {
        self.confirmed.fetch_max(at, Ordering::SeqCst);
    }

    /// Whether it may still be relied on.
    ///
    /// # Errors
    /// [`TooOld`].
    pub fn check(&self) -> Result<(), TooOld> {
        if self.age() <= self.max_age { Ok(()) } else { Err(TooOld) }
    }

    /// Milliseconds since it was confirmed.
    pub fn age(&self) -> u64 {
        self.clock.now().saturating_sub(self.confirmed.load(Ordering::SeqCst))
    }
}
