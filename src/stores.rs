//! What must be counted or remembered across calls: rate limits and used nonces, in the memory of this process, or in a
//! Redis that several sidecars share.
//!
//! INVARIANT (bounded): what is kept has a limit. At the limit nothing that still counts is dropped: the call is refused.
//! INVARIANT (down is not a pass): a store that cannot answer says so within its timeout, and lets nothing through. Rate
//! limits may fall back to this process's own (`on_failure: local`); nonces may not.
//! INVARIANT (no names): keys are hashes of what they stand for ([`key`]); no user's or tenant's name is in Redis.
//!
//! Deliberately absent: what is limited, and for whom (`authorize`); which nonces there are (`identity`); Redis Cluster
//! and Sentinel; nonces that outlive the process without Redis.
//!
//! Reading order: [`config`] → [`quota`] → [`rate_limits`] → [`key`] → `gcra` → `ledger` → [`limiter`] → [`replay`] → `link`.

pub mod config;
mod gcra;
pub mod key;
mod ledger;
pub mod limiter;
mod link;
pub mod quota;
pub mod rate_limits;
pub mod replay;
mod unavailable;

use std::sync::Arc;

use self::link::Link;

pub use self::config::{Backend, Config, ConfigError, OnFailure, check};
pub use self::key::Key;
pub use self::limiter::{Charge, Charges, RateLimiter, Taken};
pub use self::quota::Quota;
pub use self::rate_limits::RateLimits;
pub use self::replay::{Remembered, ReplayStore};
pub use self::unavailable::Unavailable;

/// The stores of one process.
#[derive(Debug, Clone)]
pub struct Stores {
    /// Counts calls against rate limits.
    pub limiter: Arc<RateLimiter>,
    /// Remembers nonces that have been used.
    pub replays: Arc<ReplayStore>,
}

impl Stores {
    /// Makes the stores. Redis, where it is configured, is connected to by the first call that needs it.
    ///
    /// # Errors
    /// As [`check`].
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        check(config)?;
        let link = match config.backend {
            Backend::Memory => None,
            Backend::Redis => Some(Arc::new(Link::new(&config.redis)?)),
        };
        Ok(Self {
            limiter: Arc::new(RateLimiter::new(config.max_entries, link.clone(), config.on_failure)),
            replays: Arc::new(ReplayStore::new(config.max_entries, link)),
        })
    }
}
