//! Sorted entries, the storage of objects and sets: found by binary search or, with an index, by hash.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use hashbrown::HashTable;

use crate::budget;

/// From how many entries on an index is worth its memory.
const INDEXED: usize = 16;

/// What entries are found by: values, in their order; those that are texts also by the text.
pub trait Key: Ord + Hash {
    /// The text, if it is one.
    fn as_text(&self) -> Option<&str>;

    /// Where it stands relative to a text.
    fn cmp_text(&self, text: &str) -> Ordering;
}

/// Entries with distinct keys, in their order. `V` is `()` for sets.
#[derive(Clone)]
pub struct Entries<K, V> {
    entries: Vec<(K, V)>,
    /// Made for documents that are looked up in again and again; gone with the first change.
    index: Option<Box<Index>>,
}

#[derive(Clone)]
struct Index {
    state: RandomState,
    /// Positions in `entries`.
    table: HashTable<u32>,
}

impl<K: Key, V> Entries<K, V> {
    /// Without entries.
    pub const fn new() -> Self {
        Self { entries: Vec::new(), index: None }
    }

    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries, in order.
    pub fn entries(&self) -> &[(K, V)] {
        &self.entries
    }

    /// Keys with their values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + ExactSizeIterator {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator {
        self.entries.iter().map(|(key, _)| key)
    }

    /// The values, in order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.entries.iter().map(|(_, value)| value)
    }

    /// The value at a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(self.position(key)?).map(|(_, value)| value)
    }

    /// The key as it is stored.
    pub fn get_key(&self, key: &K) -> Option<&K> {
        self.entries.get(self.position(key)?).map(|(key, _)| key)
    }

    /// Whether there is an entry with this key.
    pub fn contains(&self, key: &K) -> bool {
        self.position(key).is_some()
    }

    /// The value at a textual key.
    pub fn get_str(&self, key: &str) -> Option<&V> {
        let found = match &self.index {
            Some(index) => index.find(hash_text(&index.state, key), |at| self.text_at(at) == Some(key)),
            None => self.entries.binary_search_by(|(there, _)| there.cmp_text(key)).ok(),
        };
        self.entries.get(found?).map(|(_, value)| value)
    }

    /// Puts a value at a key, and gives back what was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.entries.binary_search_by(|(there, _)| there.cmp(&key)) {
            Ok(at) => self.entries.get_mut(at).map(|(_, old)| std::mem::replace(old, value)),
            Err(at) => {
                self.index = None;
                self.entries.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.position(key)?;
        self.index = None;
        Some(self.entries.remove(at).1)
    }

    /// The value at a key, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.position(key)?;
        self.entries.get_mut(at).map(|(_, value)| value)
    }

    /// From entries in any order; of several with one key the last value stays.
    pub fn from_entries(mut entries: Vec<(K, V)>) -> Self {
        if entries.is_sorted_by(|a, b| a.0 < b.0) {
            return Self { entries, index: None };
        }
        // Stable: of equal keys, which may be written in several ways, the first stays, with the last value.
        entries.sort_by(|a, b| {
            budget::work(1);
            a.0.cmp(&b.0)
        });
        entries.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                std::mem::swap(&mut later.1, &mut kept.1);
            }
            same
        });
        Self { entries, index: None }
    }

    /// All entries, in order.
    pub fn into_entries(self) -> Vec<(K, V)> {
        self.entries
    }

    /// The values in place; keys stay.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// Makes lookups independent of the number of entries, where there are many.
    pub fn make_index(&mut self) {
        let count = self.entries.len();
        if count < INDEXED || u32::try_from(count).is_err() {
            return;
        }
        let state = RandomState::new();
        let hash = |at: &u32| self.entries.get(*at as usize).map_or(0, |(key, _)| hash_key(&state, key));
        let mut table = HashTable::with_capacity(count);
        for at in 0..count as u32 {
            table.insert_unique(hash(&at), at, hash);
        }
        self.index = Some(Box::new(Index { state, table }));
    }

    /// Whether nothing is left for [`Self::make_index`] to do.
    pub fn has_index(&self) -> bool {
        self.index.is_some() || self.entries.len() < INDEXED || u32::try_from(self.entries.len()).is_err()
    }

    fn position(&self, key: &K) -> Option<usize> {
        match &self.index {
            Some(index) => index.find(hash_key(&index.state, key), |at| {
                self.entries.get(at).is_some_and(|(there, _)| there == key)
            }),
            None => self.entries.binary_search_by(|(there, _)| there.cmp(key)).ok(),
        }
    }

    fn text_at(&self, at: usize) -> Option<&str> {
        self.entries.get(at).and_then(|(key, _)| key.as_text())
    }
}

impl<K: Key, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Key> Entries<K, ()> {
    /// Adds an element; whether it was new.
    pub fn add(&mut self, element: K) -> bool {
        self.insert(element, ()).is_none()
    }
}

impl Index {
    fn find(&self, hash: u64, is: impl Fn(usize) -> bool) -> Option<usize> {
        self.table.find(hash, |at| is(*at as usize)).map(|at| *at as usize)
    }
}

/// Texts have a hash of their own, so that they are found without a key being made of them.
fn hash_text(state: &RandomState, text: &str) -> u64 {
    state.hash_one(text)
}

fn hash_key<K: Key>(state: &RandomState, key: &K) -> u64 {
    key.as_text().map_or_else(|| state.hash_one(key), |text| hash_text(state, text))
}

impl<K: Ord, V: Ord> Ord for Entries<K, V> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.entries.cmp(&other.entries)
    }
}

impl<K: Ord, V: Ord> PartialOrd for Entries<K, V> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Entries<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl<K: Eq, V: Eq> Eq for Entries<K, V> {}

impl<K: Hash, V: Hash> Hash for Entries<K, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entries.hash(state);
    }
}

impl<K: Key + std::fmt::Debug, V: std::fmt::Debug> std::fmt::Debug for Entries<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Key, V> FromIterator<(K, V)> for Entries<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self::from_entries(entries.into_iter().collect())
    }
}

impl<K: Key> FromIterator<K> for Entries<K, ()> {
    fn from_iter<I: IntoIterator<Item = K>>(elements: I) -> Self {
        elements.into_iter().map(|element| (element, ())).collect()
    }
}
