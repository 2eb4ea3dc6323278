//! When keys were last used, and which of them the database does not know about yet.
//!
//! INVARIANT (none is searched for): a key that is used puts itself among those that are to be stored, once; however many keys
//! there are, only those are looked at.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::clock::Timestamp;

/// Stands for a key that was not used yet.
const NEVER: i64 = i64::MIN;

/// When one key was last used; later versions of its record share it.
#[derive(Debug)]
pub struct LastUse {
    at: AtomicI64,
    /// Whether it is among those that are to be stored.
    waiting: AtomicBool,
}

impl Default for LastUse {
    fn default() -> Self {
        Self { at: AtomicI64::new(NEVER), waiting: AtomicBool::new(false) }
    }
}

impl LastUse {
    /// Notes a use.
    pub fn note(&self, now: Timestamp) {
        self.at.fetch_max(now.0, Ordering::AcqRel);
    }

    /// When that was, as far as this process knows.
    pub fn get(&self) -> Option<Timestamp> {
        match self.at.load(Ordering::Acquire) {
            NEVER => None,
            at => Some(Timestamp(at)),
        }
    }
}

/// Keys whose use is to be stored.
#[derive(Debug, Default)]
pub struct Uses(Mutex<Vec<(String, Arc<LastUse>)>>);

impl Uses {
    /// Notes that a key was used.
    pub fn note(&self, key: &str, last: &Arc<LastUse>, now: Timestamp) {
        last.note(now);
        // Whoever takes the list sets this back before it reads the time, so none is missed.
        if !last.waiting.swap(true, Ordering::AcqRel) {
            self.put(key.to_owned(), Arc::clone(last));
        }
    }

    /// The keys that were used since the last time, and when.
    pub fn take(&self) -> Vec<Used> {
        let taken = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let used = taken.into_iter().filter_map(|(key, last)| {
            last.waiting.swap(false, Ordering::AcqRel);
            Some(Used { at: last.get()?, key, last })
        });
        used.collect()
    }

    /// Takes back what could not be stored.
    pub fn give_back(&self, used: Vec<Used>) {
        for Used { key, last, .. } in used {
            if !last.waiting.swap(true, Ordering::AcqRel) {
                self.put(key, last);
            }
        }
    }

    fn put(&self, key: String, last: Arc<LastUse>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((key, last));
    }
}

/// A key that was used.
#[derive(Debug)]
pub struct Used {
    /// Its id.
    pub key: String,
    /// When it was last used.
    pub at: Timestamp,
    last: Arc<LastUse>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(used: &[Used]) -> Vec<(&str, i64)> {
        used.iter().map(|used| (used.key.as_str(), used.at.0)).collect()
    }

    #[test]
    fn each_key_is_there_once_with_its_last_use() {
        let (uses, a, b) = (Uses::default(), Arc::<LastUse>::default(), Arc::<LastUse>::default());
        assert_eq!(a.get(), None);
        for (key, last, at) in [("a", &a, 3), ("b", &b, 4), ("a", &a, 5), ("a", &a, 1)] {
            uses.note(key, last, Timestamp(at));
        }
        let taken = uses.take();
        assert_eq!(shown(&taken), [("a", 5), ("b", 4)]);
        assert!(uses.take().is_empty());
        uses.note("b", &b, Timestamp(9));
        uses.give_back(taken);
        assert_eq!(shown(&uses.take()), [("b", 9), ("a", 5)]);
    }

    #[test]
    fn no_use_is_missed_while_others_are_taken() {
        let (uses, last) = (Uses::default(), Arc::<LastUse>::default());
        let stored = std::thread::scope(|scope| {
            let user = scope.spawn(|| (1..=100_000).for_each(|at| uses.note("a", &last, Timestamp(at))));
            let mut stored = 0;
            while !user.is_finished() {
                stored = uses.take().iter().map(|used| used.at.0).fold(stored, i64::max);
            }
            stored
        });
        let stored = uses.take().iter().map(|used| used.at.0).fold(stored, i64::max);
        assert_eq!(stored, 100_000);
    }
}
