//! What objects and sets are made of: entries in order of their keys, found by bisection or, where an index has been
//! made, by hash.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use hashbrown::HashTable;

use super::budget;
use super::value::Value;

/// From how many entries on an index is worth its memory.
const INDEXED: usize = 16;

/// Entries with distinct keys, in their order. `V` is `()` for sets.
#[derive(Clone)]
pub struct Keyed<V> {
    entries: Vec<(Value, V)>,
    /// Made for documents that are looked up in again and again; gone with the first change.
    index: Option<Box<Index>>,
}

#[derive(Clone)]
struct Index {
    state: RandomState,
    /// Positions in `entries`.
    table: HashTable<u32>,
}

impl<V> Keyed<V> {
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
    pub fn entries(&self) -> &[(Value, V)] {
        &self.entries
    }

    /// Keys with their values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Value, &V)> + ExactSizeIterator {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator {
        self.entries.iter().map(|(key, _)| key)
    }

    /// The values, in order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.entries.iter().map(|(_, value)| value)
    }

    /// The value at a key.
    pub fn get(&self, key: &Value) -> Option<&V> {
        self.entries.get(self.position(key)?).map(|(_, value)| value)
    }

    /// The key as it is stored.
    pub fn get_key(&self, key: &Value) -> Option<&Value> {
        self.entries.get(self.position(key)?).map(|(key, _)| key)
    }

    /// Whether there is an entry with this key.
    pub fn contains(&self, key: &Value) -> bool {
        self.position(key).is_some()
    }

    /// The value at a textual key.
    pub fn get_str(&self, key: &str) -> Option<&V> {
        let found = match &self.index {
            Some(index) => index.find(hash_text(&index.state, key), |at| self.text_at(at) == Some(key)),
            None => self.entries.binary_search_by(|(there, _)| compare_text(there, key)).ok(),
        };
        self.entries.get(found?).map(|(_, value)| value)
    }

    /// Puts a value at a key, and gives back what was there.
    pub fn insert(&mut self, key: Value, value: V) -> Option<V> {
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
    pub fn remove(&mut self, key: &Value) -> Option<V> {
        let at = self.position(key)?;
        self.index = None;
        Some(self.entries.remove(at).1)
    }

    /// The value at a key, to be changed.
    pub fn get_mut(&mut self, key: &Value) -> Option<&mut V> {
        let at = self.position(key)?;
        self.entries.get_mut(at).map(|(_, value)| value)
    }

    /// From entries in any order; of several with one key the last stays.
    pub fn from_entries(mut entries: Vec<(Value, V)>) -> Self {
        if entries.is_sorted_by(|a, b| a.0 < b.0) {
            return Self { entries, index: None };
        }
        // Stable, so the last of equal keys is the last in the row.
        entries.sort_by(|a, b| {
            budget::work(1);
            a.0.cmp(&b.0)
        });
        entries.reverse();
        entries.dedup_by(|a, b| a.0 == b.0);
        entries.reverse();
        Self { entries, index: None }
    }

    /// All entries, in order.
    pub fn into_entries(self) -> Vec<(Value, V)> {
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
        let hash = |at: &u32| self.entries.get(*at as usize).map_or(0, |(key, _)| hash_value(&state, key));
        let mut table = HashTable::with_capacity(count);
        for at in 0..count as u32 {
            table.insert_unique(hash(&at), at, hash);
        }
        self.index = Some(Box::new(Index { state, table }));
    }

    fn position(&self, key: &Value) -> Option<usize> {
        match &self.index {
            Some(index) => index.find(hash_value(&index.state, key), |at| {
                self.entries.get(at).is_some_and(|(there, _)| there == key)
            }),
            None => self.entries.binary_search_by(|(there, _)| there.cmp(key)).ok(),
        }
    }

    fn text_at(&self, at: usize) -> Option<&str> {
        self.entries.get(at).and_then(|(key, _)| key.as_str())
    }
}

impl<V> Default for Keyed<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl Keyed<()> {
    /// Adds an element; whether it was new.
    pub fn add(&mut self, element: Value) -> bool {
        self.insert(element, ()).is_none()
    }
}

impl Index {
    fn find(&self, hash: u64, is: impl Fn(usize) -> bool) -> Option<usize> {
        self.table.find(hash, |at| is(*at as usize)).map(|at| *at as usize)
    }
}

/// Texts have a hash of their own, so that they are found without a [`Value`] being made of them.
fn hash_text(state: &RandomState, text: &str) -> u64 {
    state.hash_one(text)
}

fn hash_value(state: &RandomState, value: &Value) -> u64 {
    match value {
        Value::String(text) => hash_text(state, text),
        other => state.hash_one(other),
    }
}

/// Where a key stands relative to a text.
fn compare_text(key: &Value, text: &str) -> Ordering {
    match key {
        Value::String(key) => (**key).cmp(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ordering::Less,
        Value::Array(_) | Value::Object(_) | Value::Set(_) => Ordering::Greater,
    }
}

impl<V: Ord> Ord for Keyed<V> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.entries.cmp(&other.entries)
    }
}

impl<V: Ord> PartialOrd for Keyed<V> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<V: PartialEq> PartialEq for Keyed<V> {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl<V: Eq> Eq for Keyed<V> {}

impl<V: Hash> Hash for Keyed<V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entries.hash(state);
    }
}

impl<V: std::fmt::Debug> std::fmt::Debug for Keyed<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<V> FromIterator<(Value, V)> for Keyed<V> {
    fn from_iter<I: IntoIterator<Item = (Value, V)>>(entries: I) -> Self {
        Self::from_entries(entries.into_iter().collect())
    }
}

impl FromIterator<Value> for Keyed<()> {
    fn from_iter<I: IntoIterator<Item = Value>>(elements: I) -> Self {
        elements.into_iter().map(|element| (element, ())).collect()
    }
}
