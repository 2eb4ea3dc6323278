//! The signing keys of all organisations, by organisation.

use std::collections::BTreeMap;
use std::sync::Arc;

use rpds::HashTrieMapSync as Map;

use super::signing_key::SigningKey;
use crate::model::clock::Timestamp;

/// The signing keys of one organisation.
#[derive(Debug, Clone, Default)]
pub struct OwnSigningKeys {
    keys: BTreeMap<String, Arc<SigningKey>>,
    /// The last commit that changed any of them.
    seq: u64,
}

impl OwnSigningKeys {
    /// The key that signs, if there is one.
    pub fn current(&self) -> Option<&Arc<SigningKey>> {
        self.keys.values().filter(|key| key.is_current()).max_by_key(|key| key.created_at)
    }

    /// The keys whose signatures count, the latest first.
    pub fn published(&self, now: Timestamp) -> Vec<&Arc<SigningKey>> {
        let mut keys: Vec<_> = self.keys.values().filter(|key| key.is_published(now)).collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.created_at));
        keys
    }

    /// Grows whenever other keys are published: with each commit, and with each key whose time ends.
    pub fn sequence(&self, now: Timestamp) -> u64 {
        // There are fewer keys than what one commit counts for, so a commit that takes keys away makes it grow, too.
        let retired = self.keys.values().filter(|key| key.is_retired(now)).count();
        self.seq.saturating_mul(32).saturating_add(u64::try_from(retired.min(31)).unwrap_or_default())
    }
}

/// The signing keys of all organisations.
#[derive(Debug, Clone)]
pub(super) struct SigningKeys(Map<String, Arc<OwnSigningKeys>>);

impl Default for SigningKeys {
    fn default() -> Self {
        Self(Map::new_sync())
    }
}

impl SigningKeys {
    /// Puts a key in its place.
    pub(super) fn put(&mut self, key: SigningKey, seq: u64) {
        let organisation = key.organisation.clone();
        self.change(&organisation, seq, |keys| drop(keys.insert(key.id.clone(), Arc::new(key))));
    }

    /// Forgets a key.
    pub(super) fn remove(&mut self, organisation: &str, id: &str, seq: u64) {
        self.change(organisation, seq, |keys| drop(keys.remove(id)));
    }

    fn change(
        &mut self,
        organisation: &str,
        seq: u64,
        change: impl FnOnce(&mut BTreeMap<String, Arc<SigningKey>>),
    ) {
        let mut own = self.0.get(organisation).map(|own| OwnSigningKeys::clone(own)).unwrap_or_default();
        own.seq = own.seq.max(seq);
        change(&mut own.keys);
        self.0.insert_mut(organisation.to_owned(), Arc::new(own));
    }

    /// Those of one organisation; none where it never had any.
    pub(super) fn of(&self, organisation: &str) -> Option<&Arc<OwnSigningKeys>> {
        self.0.get(organisation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::State;

    fn key(id: &str, created_at: i64, retires_at: Option<i64>, state: State) -> SigningKey {
        let (key, _) = SigningKey::generate("acme", Timestamp(created_at)).unwrap();
        SigningKey { id: id.to_owned(), retires_at: retires_at.map(Timestamp), state, ..key }
    }

    fn published(keys: &SigningKeys, now: i64) -> String {
        let own = keys.of("acme").unwrap();
        own.published(Timestamp(now)).iter().map(|key| key.id.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_published_and_signs_and_how_it_is_numbered() {
        let mut keys = SigningKeys::default();
        assert!(keys.of("acme").is_none());
        keys.put(key("a", 1, None, State::Active), 1);
        let sequence = |keys: &SigningKeys, now| keys.of("acme").unwrap().sequence(Timestamp(now));
        let first = sequence(&keys, 1);
        keys.put(key("b", 2, None, State::Active), 2);
        keys.put(key("a", 1, Some(9), State::Active), 2);
        assert_eq!(published(&keys, 8), "b a");
        assert_eq!(keys.of("acme").unwrap().current().unwrap().id, "b");
        let (before, after) = (sequence(&keys, 8), sequence(&keys, 9));
        assert_eq!(published(&keys, 9), "b");
        assert!(first < before && before < after, "{first} {before} {after}");
        keys.remove("acme", "a", 3);
        assert!(after < sequence(&keys, 9));
        keys.put(key("b", 2, None, State::Revoked), 4);
        assert_eq!(published(&keys, 9), "");
        assert!(keys.of("acme").unwrap().current().is_none());
        assert!(keys.of("other").is_none());
    }
}
