//! Finds a record by the key that a call presents.
//!
//! INVARIANT (no oracle): records are found by an HMAC under a key that exists in this process alone, so how long a search
//! takes says nothing of the stored hashes; what was found is compared as a whole, in constant time.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;

use super::key_hash::KeyHash;

/// Something that belongs to a key.
pub trait Keyed {
    /// The hash of the key.
    fn hash(&self) -> &KeyHash;
}

/// Records by their keys.
pub struct KeyIndex<R> {
    /// None where nothing is indexed.
    mac: Option<hmac::Key>,
    records: HashMap<[u8; 32], Arc<R>>,
}

impl<R> Default for KeyIndex<R> {
    fn default() -> Self {
        Self { mac: None, records: HashMap::new() }
    }
}

impl<R: Keyed> KeyIndex<R> {
    /// An index of these records. Of two with the same key, the last.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new(records: impl IntoIterator<Item = Arc<R>>) -> Result<Self, NoRandomness> {
        let mac = hmac::Key::generate(hmac::HMAC_SHA256, &aws_lc_rs::rand::SystemRandom::new())
            .map_err(|_| NoRandomness)?;
        let records = records.into_iter().map(|record| (tag(&mac, record.hash()), record)).collect();
        Ok(Self { mac: Some(mac), records })
    }

    /// The record of a key with this hash.
    pub fn find(&self, presented: &KeyHash) -> Option<&Arc<R>> {
        let found = self.records.get(&tag(self.mac.as_ref()?, presented))?;
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

fn tag(mac: &hmac::Key, hash: &KeyHash) -> [u8; 32] {
    let mut tag = [0; 32];
    tag.copy_from_slice(hmac::sign(mac, hash.bytes()).as_ref());
    tag
}

/// The system's source of random numbers failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system has no random numbers")]
pub struct NoRandomness;

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
