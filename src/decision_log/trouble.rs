//! Keeps the diagnostics of what goes on failing to one line every few seconds.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts what failed, and says when it is time to speak of it.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// It has been spoken of, and its end has not.
    said: AtomicBool,
    count: AtomicU64,
    said_at: Mutex<Option<Instant>>,
}

const INTERVAL: Duration = Duration::from_secs(5);

impl Trouble {
    /// Counts `more`; how many there were since it was last spoken of, if it is time to do so again.
    pub(super) fn add(&self, more: u64) -> Option<u64> {
        self.count.fetch_add(more, Ordering::Relaxed);
        let mut said_at = self.said_at.lock().unwrap_or_else(PoisonError::into_inner);
        if said_at.is_some_and(|at| at.elapsed() < INTERVAL) {
            return None;
        }
        *said_at = Some(Instant::now());
        self.said.store(true, Ordering::Relaxed);
        Some(self.count.swap(0, Ordering::Relaxed))
    }

    /// All is well: how many there were of which nothing was said, if anything was.
    pub(super) fn over(&self) -> Option<u64> {
        // The plain load keeps the shared cache line clean on the path that every call takes.
        let ended = self.said.load(Ordering::Relaxed) && self.said.swap(false, Ordering::Relaxed);
        ended.then(|| self.count.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_failing_is_said_once_in_a_while_and_its_end_once() {
        let trouble = Trouble::default();
        assert_eq!(trouble.over(), None);
        assert_eq!([1, 1, 3].map(|more| trouble.add(more)), [Some(1), None, None]);
        assert_eq!((trouble.over(), trouble.over()), (Some(4), None));
        // Flapping does not make it said more often.
        assert_eq!(trouble.add(1), None);
        *trouble.said_at.lock().unwrap() = Instant::now().checked_sub(INTERVAL);
        assert_eq!(trouble.add(1), Some(2));
    }
}
