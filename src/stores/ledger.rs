//! Numbers that are kept by key until they lie in the past: theoretical arrival times, and the ends of nonces.
//!
//! INVARIANT (nothing live is dropped): an entry goes only when its time has come. Where there is no room left, what is
//! new is refused.
//! INVARIANT (no long pause): a call drops a bounded number of entries, whatever has piled up.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::key::Key;

/// Fewer entries than this are not worth a lock of their own.
const SMALL: usize = 1 << 10;
/// The most locks.
const SHARDS: usize = 64;
/// How many entries a call looks at that adds one.
const SWEPT: usize = 4;
/// How many it looks at where there is no room.
const SWEPT_WHEN_FULL: usize = 64;

/// The store is full of entries whose time has not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// Entries in several maps, each behind its own lock.
#[derive(Debug)]
pub(super) struct Ledger {
    shards: Box<[Mutex<Shard>]>,
}

/// One of the maps. Times are nanoseconds since the Unix epoch.
#[derive(Debug)]
pub(super) struct Shard {
    kept: HashMap<Key, i64>,
    /// Every key of `kept` once, by a time that is not after its own: an entry that was prolonged is put back when its
    /// turn comes.
    order: BinaryHeap<Reverse<(i64, Key)>>,
    room: usize,
    /// The latest time of all entries that were dropped.
    dropped: i64,
}

impl Ledger {
    /// A ledger for at most about `max_entries`: keys are spread over the maps, each of which has its part of the room.
    pub(super) fn new(max_entries: usize) -> Self {
        let shards = (max_entries / SMALL).clamp(1, SHARDS);
        let room = max_entries.div_ceil(shards);
        let shard =
            || Mutex::new(Shard { kept: HashMap::new(), order: BinaryHeap::new(), room, dropped: i64::MIN });
        Self { shards: (0..shards).map(|_| shard()).collect() }
    }

    /// Which map a key belongs to.
    pub(super) fn place(&self, key: &Key) -> usize {
        key.spread() % self.shards.len()
    }

    /// Locks the map at a place. Several are locked in the order of their places.
    #[expect(clippy::indexing_slicing, reason = "`place` is a remainder of the length")]
    pub(super) fn lock(&self, place: usize) -> MutexGuard<'_, Shard> {
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many entries there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        (0..self.shards.len()).map(|place| self.lock(place).kept.len()).sum()
    }
}

impl Shard {
    /// The time of an entry, which may have come.
    pub(super) fn get(&self, key: &Key) -> Option<i64> {
        self.kept.get(key).copied()
    }

    /// Keeps an entry until a time.
    ///
    /// # Errors
    /// The key is new and there is no room.
    pub(super) fn put(&mut self, key: Key, until: i64, now: i64) -> Result<(), Full> {
        if let Some(kept) = self.kept.get_mut(&key) {
            *kept = until;
            return Ok(());
        }
        self.sweep(SWEPT, now);
        if self.kept.len() >= self.room {
            self.sweep(SWEPT_WHEN_FULL, now);
        }
        if self.kept.len() >= self.room {
            return Err(Full);
        }
        self.kept.insert(key, until);
        self.order.push(Reverse((until, key)));
        Ok(())
    }

    /// Whether an entry whose time was `until` may have been here once and been dropped.
    pub(super) const fn may_have_dropped(&self, until: i64) -> bool {
        until <= self.dropped
    }

    /// Looks at a number of entries whose turn has come, and drops those whose time has come.
    fn sweep(&mut self, most: usize, now: i64) {
        for _ in 0..most {
            match self.order.peek() {
                Some(Reverse((at, _))) if *at <= now => {}
                _ => return,
            }
            let Some(Reverse((_, key))) = self.order.pop() else { return };
            match self.kept.get(&key) {
                Some(until) if *until > now => self.order.push(Reverse((*until, key))),
                Some(until) => {
                    self.dropped = self.dropped.max(*until);
                    self.kept.remove(&key);
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn key(n: u16) -> Key {
        Key::new("test", &[&n.to_be_bytes()])
    }

    #[test]
    fn a_full_ledger_drops_what_is_past_and_nothing_else() {
        let ledger = Ledger::new(3);
        let mut shard = ledger.lock(0);
        for n in 0..3 {
            assert_eq!(shard.put(key(n), 10 + i64::from(n), 0), Ok(()));
        }
        assert_eq!(shard.put(key(3), 99, 9), Err(Full));
        assert_eq!(shard.put(key(0), 20, 9), Ok(()), "prolonged");
        assert_eq!(shard.put(key(3), 99, 10), Err(Full), "it was prolonged");
        assert_eq!(shard.put(key(3), 99, 11), Ok(()), "the second is past");
        assert_eq!((shard.get(&key(0)), shard.get(&key(1)), shard.get(&key(3))), (Some(20), None, Some(99)));
        assert!(shard.may_have_dropped(11) && !shard.may_have_dropped(12));
    }

    #[test]
    fn a_pile_of_old_entries_goes_step_by_step() {
        let ledger = Ledger::new(1_000);
        for n in 0..1_000 {
            ledger.lock(0).put(key(n), 1, 0).unwrap();
        }
        ledger.lock(0).put(key(1_000), 9, 2).unwrap();
        let left = ledger.len();
        assert!((900..1_000).contains(&left), "{left} after one call");
        for n in 1_001..1_500 {
            ledger.lock(0).put(key(n), 9, 2).unwrap();
        }
        assert_eq!(ledger.len(), 500, "only what is live");
    }

    proptest! {
        /// Against a map that drops everything that is past, at once.
        #[test]
        fn a_ledger_keeps_what_a_map_would(
            steps in prop::collection::vec((0_u16..12, 0_i64..40, 0_i64..6), 1..200),
            room in 1_usize..10,
        ) {
            let ledger = Ledger::new(room);
            let mut shard = ledger.lock(0);
            let mut model: BTreeMap<u16, i64> = BTreeMap::new();
            let mut now = 0;
            for (n, ahead, pause) in steps {
                now += pause;
                model.retain(|_, until| *until > now);
                let fits = model.contains_key(&n) || model.len() < room;
                let until = model.get(&n).map_or(now + ahead, |before| *before.max(&(now + ahead)));
                let put = shard.put(key(n), until, now);
                // What is past may still take room that was its own.
                prop_assert!(put.is_ok() || !fits);
                if put.is_ok() {
                    model.insert(n, until);
                }
                for (n, until) in &model {
                    prop_assert!(*until <= now || shard.get(&key(*n)) == Some(*until));
                }
                prop_assert!(shard.kept.len() <= room && shard.kept.len() == shard.order.len());
            }
        }
    }
}
