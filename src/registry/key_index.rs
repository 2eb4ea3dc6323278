//! Finds a record by the key that a call presents.
//!
//! INVARIANT (no oracle): records are found by a tag under a key that exists in this process alone, so how long a search
//! takes says nothing of the stored hashes; what was found is compared as a whole, in constant time.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::key_hash::KeyHash;
use super::key_tag::{ByTag, KeyTag, NoRandomness, TagKey};

/// Something that belongs to a key.
pub trait Keyed {
    /// The hash of the key.
    fn hash(&self) -> &KeyHash;
}

/// Records by their keys.
pub struct KeyIndex<R> {
    /// None where nothing is indexed.
    tag_key: Option<TagKey>,
    records: HashMap<KeyTag, Arc<R>, ByTag>,
}

impl<R> Default for KeyIndex<R> {
    fn default() -> Self {
        Self { tag_key: None, records: HashMap::default() }
    }
}

impl<R: Keyed> KeyIndex<R> {
    /// An index of these records. Of two with the same key, the last.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new(records: impl IntoIterator<Item = Arc<R>>) -> Result<Self, NoRandomness> {
        let tag_key = TagKey::random()?;
        let records = records.into_iter().map(|record| (tag_key.tag(record.hash()), record)).collect();
        Ok(Self { tag_key: Some(tag_key), records })
    }

    /// The record of a key with this hash.
    pub fn find(&self, presented: &KeyHash) -> Option<&Arc<R>> {
        let found = self.records.get(&self.tag_key.as_ref()?.tag(presented))?;
        (found.hash() == presented).then_some(found)
    }

    /// Every record, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<R>> {
        self.records.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

impl<R> fmt::Debug for KeyIndex<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyIndex").field("len", &self.records.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Named(&'static str, KeyHash);

    impl Keyed for Named {
        fn hash(&self) -> &KeyHash {
            &self.1
        }
    }

    #[test]
    fn a_record_is_found_by_its_own_key_alone() {
        let named = |name| Arc::new(Named(name, KeyHash::of(name)));
        let index = KeyIndex::new(["a", "b"].map(named)).unwrap();
        assert_eq!(index.find(&KeyHash::of("a")).map(|record| record.0), Some("a"));
        assert_eq!(index.find(&KeyHash::of("b")).map(|record| record.0), Some("b"));
        assert!(index.find(&KeyHash::of("c")).is_none());
        assert!(KeyIndex::<Named>::default().find(&KeyHash::of("a")).is_none());
    }
}
