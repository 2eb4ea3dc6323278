//! How fast keys can be guessed: not at all, once a peer or a prefix has had too many wrong ones.
//!
//! INVARIANT (only wrong keys are charged): a caller with a right key uses nothing up.
//! INVARIANT (no oracle): a throttled peer is answered alike for right keys and wrong ones. Keys in recent use pass
//! (`api_key.rs`), so nobody can lock out the callers at work behind the same gateway.
//! INVARIANT (bounded): so many peers and prefixes are kept and no more; past that, wrong keys are throttled at once.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::config::{ApiKeysConfig, quota};
use super::text;
use crate::identity::candidate::Candidate;
use crate::identity::config::ConfigError;
use crate::identity::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::stores::{Charge, Charges, Key, Quota, RateLimiter};

/// How many peers and prefixes are kept at a time: a few MiB.
const MOST_KEPT: usize = 50_000;
/// What a peer is told that cannot be kept.
const FULL: Duration = Duration::from_secs(10);

/// Counts wrong keys, in this process alone: what one sidecar sees of a guesser is enough.
pub(in crate::identity) struct Guesses {
    limiter: Arc<RateLimiter>,
    per_peer: Quota,
    per_prefix: Quota,
}

impl Guesses {
    pub(super) fn new(config: &ApiKeysConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            limiter: Arc::new(RateLimiter::in_memory(MOST_KEPT)),
            per_peer: quota("guesses_per_peer", &config.guesses_per_peer)?,
            per_prefix: quota("guesses_per_prefix", &config.guesses_per_prefix)?,
        })
    }

    /// With these limits, and what has been counted by those.
    pub(super) fn with_counts_of(&self, previous: &Self) -> Self {
        let Self { limiter: _, per_peer, per_prefix } = *self;
        Self { limiter: Arc::clone(&previous.limiter), per_peer, per_prefix }
    }

    /// What a wrong key is charged to.
    fn charges(&self, candidate: &Candidate<'_>) -> Charges {
        let mut charges = self.peer_charge(candidate);
        let key = Key::new("guess prefix", &[text::prefix(candidate.text).as_bytes()]);
        // There is room for more than two.
        let _ = charges.add(Charge { name: "prefix", key, quota: self.per_prefix });
        charges
    }

    fn peer_charge(&self, candidate: &Candidate<'_>) -> Charges {
        let key = Key::new("guess peer", &[&network(candidate.peer)]);
        let mut charges = Charges::default();
        let _ = charges.add(Charge { name: "peer", key, quota: self.per_peer });
        charges
    }

    /// # Errors
    /// [`Refusal::Throttled`] where a wrong key would be over a limit.
    pub(super) fn check(&self, candidate: &Candidate<'_>, now: Timestamp) -> Result<(), Refusal> {
        self.within(&self.charges(candidate), now)
    }

    fn within(&self, charges: &Charges, now: Timestamp) -> Result<(), Refusal> {
        match self.limiter.peek(charges, now) {
            Some(taken) if !taken.allowed => {
                Err(Refusal::Throttled { retry_after: taken.retry_after.unwrap_or(FULL) })
            }
            _ => Ok(()),
        }
    }

    /// The same, where what a credential begins with says nothing, and its peer alone counts.
    ///
    /// # Errors
    /// [`Refusal::Throttled`] where a bad one would be over the limit.
    pub(in crate::identity) fn check_peer(
        &self,
        candidate: &Candidate<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.within(&self.peer_charge(candidate), now)
    }

    /// Charges a bad credential to its peer, and says how it is refused: as `refusal`, or later.
    pub(in crate::identity) fn wrong_by_peer(
        &self,
        candidate: &Candidate<'_>,
        now: Timestamp,
        refusal: Refusal,
    ) -> Refusal {
        self.charged(&self.peer_charge(candidate), now, refusal)
    }

    /// Charges a wrong key, and says how it is refused.
    pub(super) fn wrong(&self, candidate: &Candidate<'_>, now: Timestamp) -> Refusal {
        self.charged(&self.charges(candidate), now, Refusal::UnknownApiKey)
    }

    fn charged(&self, charges: &Charges, now: Timestamp, refusal: Refusal) -> Refusal {
        match self.limiter.take_in_memory(charges, 1, now) {
            Ok(Some(taken)) if !taken.allowed => {
                Refusal::Throttled { retry_after: taken.retry_after.unwrap_or(FULL) }
            }
            Ok(_) => refusal,
            Err(_) => Refusal::Throttled { retry_after: FULL },
        }
    }
}

/// Whoever has an IPv6 address has a /64 of them. Calls whose peer is not known count together.
fn network(peer: Option<IpAddr>) -> Vec<u8> {
    match peer.map(|peer| peer.to_canonical()) {
        None => Vec::new(),
        Some(IpAddr::V4(address)) => address.octets().to_vec(),
        Some(IpAddr::V6(address)) => address.octets().into_iter().take(8).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_an_address_or_a_network() {
        let of = |text: &str| network(Some(text.parse().unwrap()));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    }
}
