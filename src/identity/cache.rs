//! The tokens that were verified not long ago, so that the next call with one costs a hash instead of a signature.
//!
//! INVARIANT (facts, not decisions): what is kept is what the token said and when it is valid. A hit proves again what
//! can change: the times, and that the issuer still has the key. Refusals are never kept.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::digest;
use jsonwebtoken::Algorithm;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::jwt::claims::Validity;
use super::jwt::jwk::Thumbprint;
use crate::model::clock::Timestamp;
use crate::model::principal::Verified;

/// The SHA-256 of a whole token. The token itself is not kept.
pub(super) type TokenHash = [u8; 32];

pub(super) fn token_hash(token: &str) -> TokenHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}

/// A token that was verified once.
pub(super) struct Entry {
    pub(super) verified: Verified,
    pub(super) issuer: usize,
    pub(super) algorithm: Algorithm,
    pub(super) key: Thumbprint,
    pub(super) validity: Validity,
    pub(super) inserted_at: Timestamp,
    pub(super) token_bytes: usize,
    /// The last generation of the issuer's keys that is known to hold the key.
    pub(super) generation: AtomicU64,
}

impl Entry {
    pub(super) fn is_known_good_in(&self, generation: u64) -> bool {
        self.generation.load(Ordering::Relaxed) == generation
    }

    pub(super) fn mark_good_in(&self, generation: u64) {
        self.generation.store(generation, Ordering::Relaxed);
    }
}

/// An entry counts once for every started KiB of its token, so that few long tokens take the room of many short ones.
#[derive(Clone)]
struct ByLength;

impl Weighter<TokenHash, Arc<Entry>> for ByLength {
    fn weight(&self, _: &TokenHash, entry: &Arc<Entry>) -> u64 {
        entry.token_bytes.div_ceil(1024).max(1) as u64
    }
}

pub(super) struct TokenCache {
    entries: Option<Cache<TokenHash, Arc<Entry>, ByLength>>,
    ttl_nanos: i64,
}

impl TokenCache {
    /// A cache for `capacity` tokens of at most 1 KiB; with none, or no time to live, it keeps nothing.
    pub(super) fn new(capacity: usize, ttl: Duration) -> Self {
        let wanted = NonZeroU64::new(capacity as u64).filter(|_| !ttl.is_zero());
        Self {
            entries: wanted.map(|weight| Cache::with_weighter(capacity, weight.get(), ByLength)),
            ttl_nanos: i64::try_from(ttl.as_nanos()).unwrap_or(i64::MAX),
        }
    }

    /// The entry, unless it was kept too long, or comes from a future that a corrected clock has taken back.
    pub(super) fn get(&self, hash: &TokenHash, now: Timestamp) -> Option<Arc<Entry>> {
        let entry = self.entries.as_ref()?.get(hash)?;
        let fresh_until = entry.inserted_at.0.saturating_add(self.ttl_nanos);
        (entry.inserted_at <= now && now.0 < fresh_until).then_some(entry)
    }

    pub(super) fn insert(&self, hash: TokenHash, entry: Arc<Entry>) {
        if let Some(entries) = &self.entries {
            entries.insert(hash, entry);
        }
    }

    pub(super) fn remove(&self, hash: &TokenHash) {
        if let Some(entries) = &self.entries {
            entries.remove(hash);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.as_ref().map_or(0, Cache::len)
    }
}
