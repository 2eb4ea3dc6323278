//! What built-ins have made of their operands (compiled expressions, read schemas), kept for all evaluations.

use std::hash::Hash;
use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

/// What knows about how much memory it takes.
pub trait Bytes {
    /// In bytes.
    fn bytes(&self) -> u64;
}

/// Keeps as many as fit into a number of bytes; those that are used often stay.
pub struct Kept<K, T>(Cache<K, Arc<T>, ByBytes>);

#[derive(Clone)]
pub struct ByBytes;

impl<K, T: Bytes> Weighter<K, Arc<T>> for ByBytes {
    fn weight(&self, _: &K, kept: &Arc<T>) -> u64 {
        kept.bytes().max(1)
    }
}

impl<K: Hash + Eq + Clone, T: Bytes> Kept<K, T> {
    /// Within so many bytes, in which about `count` fit.
    pub fn within(bytes: u64, count: usize) -> Self {
        Self(Cache::with_weighter(count, bytes, ByBytes))
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What is kept under a key, or else is made now.
    ///
    /// # Errors
    /// When it cannot be made; the next call tries again.
    pub fn get<Q, E>(&self, key: &Q, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(kept) = self.0.get(key) {
            return Ok(kept);
        }
        let made = Arc::new(make()?);
        self.0.insert(key.to_owned(), Arc::clone(&made));
        Ok(made)
    }
}
