//! The credentials that were verified not long ago, so that the next call with one costs a hash instead of a signature.
//!
//! INVARIANT (facts, not decisions): what is kept is whose a credential is, when it is valid and what that rests on. Each
//! use checks again what can change. Refusals are never kept.
//! INVARIANT (any kind): nothing here knows what a credential looks like.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::candidate::{Candidate, Place};
use super::certificate::shown::Shown;
use super::kind::Accepted;
use crate::model::clock::Timestamp;

/// The SHA-256 of a credential and the place where it stood. The credential itself is not kept.
pub(super) type CredentialHash = [u8; 32];

pub(super) fn hash_of(candidate: &Candidate<'_>) -> CredentialHash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(match candidate.place {
        Place::Bearer => b"",
        Place::Header(name) => name.as_str().as_bytes(),
        // No header is called so.
        Place::Certificate(Shown::Whole(_)) => b"\x01",
        Place::Certificate(Shown::Told { .. }) => b"\x02",
    });
    context.update(&[0]);
    if let Place::Certificate(shown) = candidate.place {
        add(&mut context, shown);
    }
    context.update(candidate.text.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

fn add(context: &mut digest::Context, shown: &Shown) {
    if let Shown::Told { uris, .. } = shown {
        for uri in uris {
            context.update(&uri.len().to_be_bytes());
            context.update(uri.as_bytes());
        }
    }
    context.update(shown.thumbprint().unwrap_or_default().as_bytes());
}

/// A credential that was verified once.
pub(super) struct Entry {
    pub(super) accepted: Arc<Accepted>,
    /// The credential's length in bytes.
    pub(super) length: usize,
    pub(super) inserted_at: Timestamp,
    /// The version of the directory's roles whose permissions it has.
    pub(super) roles_version: u64,
}

/// An entry counts once for every started KiB of its credential, so that few long ones take the room of many short ones.
#[derive(Clone)]
struct ByLength;

impl Weighter<CredentialHash, Arc<Entry>> for ByLength {
    fn weight(&self, _: &CredentialHash, entry: &Arc<Entry>) -> u64 {
        entry.length.div_ceil(1024).max(1) as u64
    }
}

pub(super) struct CredentialCache {
    entries: Option<Cache<CredentialHash, Arc<Entry>, ByLength>>,
    ttl_nanos: i64,
}

impl CredentialCache {
    /// A cache for `capacity` credentials of at most 1 KiB; with none, or no time to live, it keeps nothing.
    pub(super) fn new(capacity: usize, ttl: Duration) -> Self {
        let wanted = NonZeroU64::new(capacity as u64).filter(|_| !ttl.is_zero());
        Self {
            entries: wanted.map(|weight| Cache::with_weighter(capacity, weight.get(), ByLength)),
            ttl_nanos: i64::try_from(ttl.as_nanos()).unwrap_or(i64::MAX),
        }
    }

    /// The entry, unless it was kept too long, or comes from a future that a corrected clock has taken back.
    pub(super) fn get(&self, hash: &CredentialHash, now: Timestamp) -> Option<Arc<Entry>> {
        let entry = self.entries.as_ref()?.get(hash)?;
        let fresh_until = entry.inserted_at.0.saturating_add(self.ttl_nanos);
        (entry.inserted_at <= now && now.0 < fresh_until).then_some(entry)
    }

    pub(super) fn insert(&self, hash: CredentialHash, entry: Entry) {
        if let Some(entries) = &self.entries {
            entries.insert(hash, Arc::new(entry));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.as_ref().map_or(0, Cache::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::testing::{accepted, principal};

    fn entry(length: usize, at: i64) -> Entry {
        let accepted = Arc::new(accepted(principal("key-7")));
        Entry { accepted, length, inserted_at: Timestamp(at), roles_version: 0 }
    }

    fn bearer(text: &str) -> CredentialHash {
        hash_of(&Candidate { place: Place::Bearer, text, peer: None, dpop: false })
    }

    #[test]
    fn a_credential_that_never_expires_is_kept_for_the_time_to_live() {
        let cache = CredentialCache::new(10, Duration::from_secs(1));
        let hash = bearer("secret");
        cache.insert(hash, entry(6, 5));
        assert!(cache.get(&hash, Timestamp(1_000_000_004)).is_some());
        assert!(cache.get(&hash, Timestamp(1_000_000_005)).is_none());
        assert!(cache.get(&hash, Timestamp(4)).is_none(), "from a future that was taken back");
        let name = http::HeaderName::from_static("x-api-key");
        let elsewhere =
            hash_of(&Candidate { place: Place::Header(&name), text: "secret", peer: None, dpop: false });
        assert!(cache.get(&elsewhere, Timestamp(5)).is_none(), "in another place");
    }

    #[test]
    fn long_credentials_count_more() {
        let cache = CredentialCache::new(8, Duration::from_secs(1));
        for n in 0..100_u8 {
            cache.insert([n; 32], entry(8 << 10, 0));
        }
        assert!(cache.len() <= 1, "{}", cache.len());
    }
}
