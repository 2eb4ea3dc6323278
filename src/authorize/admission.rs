//! How much a caller may ask: calls are counted against its rate limits before their body is read.
//!
//! INVARIANT (own buckets): two callers share a bucket only if they are the same subject, key or tenant of the same
//! issuer. Callers without a credential are told apart by the peer's address; in IPv6, by its first 64 bits, which are one
//! customer's.
//! INVARIANT (not counted is not allowed): where calls cannot be counted, they are refused.

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::clock::Timestamp;
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::{AuthContext, Principal, Verified};
use crate::model::rate::RateStanding;
use crate::stores::rate_limits::DEFAULT_ROLE;
use crate::stores::{Charge, Charges, Key, Quota, RateLimiter, RateLimits, Taken, Unavailable};
use crate::telemetry::metrics::LimitMetrics;

/// Who may ask how much, and where that is counted.
#[derive(Debug)]
pub struct Admission {
    limits: RateLimits,
    limiter: Arc<RateLimiter>,
}

impl Admission {
    /// Nothing, where nothing is limited.
    pub fn new(limits: &RateLimits, limiter: &Arc<RateLimiter>) -> Option<Self> {
        (!limits.is_empty()).then(|| Self { limits: limits.clone(), limiter: Arc::clone(limiter) })
    }

    /// Counts a call as `cost` calls of its caller, and says how the caller stands after that.
    ///
    /// The failure is why the call is refused: the caller has asked too often, asks for more than it ever may, or calls
    /// cannot be counted now.
    pub(super) async fn count(
        &self,
        (auth, peer): (&AuthContext, Option<IpAddr>),
        cost: usize,
        at: Timestamp,
        metrics: &LimitMetrics,
    ) -> (Option<RateStanding>, Result<(), Failure>) {
        let charges = self.charges(auth, peer);
        match self.limiter.take(&charges, cost as u64, at).await {
            Ok(None) => (None, Ok(())),
            Ok(Some(taken)) if taken.allowed => (Some(standing(&taken)), Ok(())),
            Ok(Some(taken)) => {
                metrics.refused(taken.name);
                (Some(standing(&taken)), Err(over(&taken)))
            }
            Err(unavailable) => {
                metrics.failed();
                let message = format!("calls cannot be counted against their rate limits now: {unavailable}");
                let kind = match unavailable {
                    Unavailable::Denied => FailureKind::Misconfigured,
                    Unavailable::Full | Unavailable::Down | Unavailable::ClockWentBack => {
                        FailureKind::VerifierUnavailable
                    }
                };
                (None, Err(Failure::new(kind, message)))
            }
        }
    }

    /// The limits of a caller.
    fn charges(&self, auth: &AuthContext, peer: Option<IpAddr>) -> Charges {
        let mut charges = Charges::default();
        // There is a place for each of the four.
        let mut add = |name, key: Key, quota: Quota| {
            let _ = charges.add(Charge { name, key, quota });
        };
        let RateLimits { keys, users, tenants, roles: _ } = &self.limits;
        let AuthContext::Verified(Verified { principal, key, .. }) = auth else {
            if let Some((name, quota)) = self.limits.of_roles(&[]) {
                add(DEFAULT_ROLE, peer_key(name, peer), quota);
            }
            return charges;
        };
        let (issuer, tenant) = (&principal.issuer, &principal.tenant);
        if let Some((role, quota)) = self.limits.of_roles(&principal.roles) {
            let name = if role == DEFAULT_ROLE { DEFAULT_ROLE } else { "role" };
            add(name, subject_key(role, principal), quota);
        }
        if let (Some(quota), Some(key)) = (keys, key) {
            add("key", Key::new("key", &[issuer.as_bytes(), key.as_bytes()]), *quota);
        }
        if let Some(quota) = users {
            add("user", subject_key("", principal), *quota);
        }
        if let (Some(quota), Some(tenant)) = (tenants, tenant) {
            add("tenant", Key::new("tenant", &[issuer.as_bytes(), tenant.as_bytes()]), *quota);
        }
        charges
    }
}

/// The bucket of a subject: by the role whose limit it is, for that of another role is no measure of it.
fn subject_key(role: &str, principal: &Principal) -> Key {
    let (role, issuer, id) = (role.as_bytes(), principal.issuer.as_bytes(), principal.id.as_bytes());
    match &principal.tenant {
        None => Key::new("subject", &[role, issuer, id]),
        Some(tenant) => Key::new("subject", &[role, issuer, id, tenant.as_bytes()]),
    }
}

fn peer_key(role: &str, peer: Option<IpAddr>) -> Key {
    let role = role.as_bytes();
    match peer.map(|address| address.to_canonical()) {
        // Over a Unix socket, all are one.
        None => Key::new("peer", &[role]),
        Some(IpAddr::V4(address)) => Key::new("peer", &[role, &address.octets()]),
        Some(IpAddr::V6(address)) => {
            let network = u128::from(address) >> 64;
            Key::new("peer", &[role, &network.to_be_bytes()])
        }
    }
}

fn over(taken: &Taken) -> Failure {
    let Taken { name, limit, retry_after, .. } = taken;
    match retry_after {
        Some(wait) => {
            let message = format!("the rate limit `{name}` of {limit} is exceeded");
            Failure::new(FailureKind::RateLimited, message).retry_after(*wait)
        }
        None => {
            let message =
                format!("the batch counts as more calls than the rate limit `{name}` of {limit} allows");
            Failure::new(FailureKind::TooLarge, message)
        }
    }
}

fn standing(taken: &Taken) -> RateStanding {
    let Taken { name, limit, remaining, reset_after, .. } = *taken;
    let reset = u64::try_from(reset_after.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX);
    RateStanding { name, quota: limit.count(), window: limit.seconds(), remaining, reset }
}

/// So many calls of the admin API are allowed to one caller, whatever the configuration says.
const ADMIN: (&str, &str) = ("admin", "50/second");
/// So often may one peer try to begin a registry.
const BEGINNINGS: (&str, &str) = ("bootstrap", "10/minute");
/// The most callers whose calls are counted at a time.
const MOST_CALLERS: usize = 10_000;

/// What the admin API allows at most, counted in this process.
#[derive(Debug)]
pub(super) struct AdminLimits(RateLimiter);

impl AdminLimits {
    pub(super) fn new() -> Self {
        Self(RateLimiter::in_memory(MOST_CALLERS))
    }

    /// Counts a call of whoever was authenticated, else of a peer that wants to begin.
    pub(super) fn count(
        &self,
        auth: &AuthContext,
        peer: Option<IpAddr>,
        at: Timestamp,
    ) -> Result<(), Failure> {
        let ((name, quota), key) = match auth {
            AuthContext::Verified(Verified { principal, key, .. }) => match key {
                Some(key) => (ADMIN, Key::new("admin key", &[principal.issuer.as_bytes(), key.as_bytes()])),
                None => (ADMIN, subject_key("admin", principal)),
            },
            AuthContext::Anonymous | AuthContext::Unchecked => (BEGINNINGS, peer_key("bootstrap", peer)),
        };
        let quota = quota.parse().map_err(|message: String| Failure::new(FailureKind::Internal, message))?;
        let mut charges = Charges::default();
        // There is a place for it.
        let _ = charges.add(Charge { name, key, quota });
        match self.0.take_in_memory(&charges, 1, at) {
            Ok(Some(taken)) if !taken.allowed => Err(over(&taken)),
            Ok(_) => Ok(()),
            Err(unavailable) => {
                let message = format!("calls cannot be counted now: {unavailable}");
                Err(Failure::new(FailureKind::VerifierUnavailable, message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Map, json};

    use super::*;
    use crate::model::principal::{Prepared, Proof};
    use crate::stores::{Config, Stores};

    fn admission() -> Admission {
        let limits = json!({
            "roles": {"admin": "1000/m", "default": "10/m"}, "keys": "1/s", "users": "2/s", "tenants": "3/s",
        });
        let stores = Stores::new(&Config::default()).unwrap();
        Admission::new(&serde_json::from_value(limits).unwrap(), &stores.limiter).unwrap()
    }

    /// Who calls, as issuer, id, role, tenant and API key.
    fn verified([issuer, id, role, tenant, key]: [&str; 5]) -> AuthContext {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let principal = Principal {
            id: id.to_owned(),
            kind: "user".to_owned(),
            issuer: issuer.to_owned(),
            method: "jwt",
            roles: given(role).into_iter().collect(),
            scopes: Vec::new(),
            permissions: Vec::new(),
            tenant: given(tenant),
            agent: None,
            actors: Vec::new(),
            attributes: Map::new(),
            claims: Map::new(),
            proof: Proof::Bearer,
            prepared: Prepared::default(),
        };
        AuthContext::Verified(Verified {
            next_token: None,
            principal: Arc::new(principal),
            expires_at: None,
            key: given(key).map(Arc::from),
            transaction: None,
            delegation: None,
            restrictions: Default::default(),
        })
    }

    /// The names of a caller's limits, with their buckets.
    fn limits(auth: &AuthContext, peer: Option<&str>) -> Vec<(&'static str, Key, String)> {
        let charges = admission().charges(auth, peer.map(|peer| peer.parse().unwrap()));
        charges.iter().map(|charge| (charge.name, charge.key, charge.quota.to_string())).collect()
    }

    #[test]
    fn a_caller_has_the_limits_that_fit_it() {
        let peer = Some("192.0.2.1");
        for (auth, expected) in [
            (AuthContext::Anonymous, &["default 10/minute"][..]),
            (AuthContext::Unchecked, &["default 10/minute"]),
            (verified(["i", "a", "", "", ""]), &["default 10/minute", "user 2/second"]),
            (
                verified(["i", "a", "admin", "t", "k"]),
                &["role 1000/minute", "key 1/second", "user 2/second", "tenant 3/second"],
            ),
        ] {
            let found: Vec<String> =
                limits(&auth, peer).into_iter().map(|(name, _, quota)| format!("{name} {quota}")).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn no_two_callers_share_a_bucket_that_is_not_theirs() {
        // Each pair has the names of the limits that the two share.
        for (one, other, shared) in [
            (
                ["i", "a", "admin", "t", "k"],
                ["i", "a", "admin", "t", "k"],
                &["key", "role", "tenant", "user"][..],
            ),
            (["i", "a", "admin", "t", "k"], ["i", "b", "admin", "t", "k"], &["key", "tenant"]),
            (["i", "a", "admin", "t", "k"], ["i", "a", "admin", "u", "k"], &["key"]),
            (["i", "a", "admin", "t", "k"], ["j", "a", "admin", "t", "k"], &[]),
            (["i", "a", "admin", "t", "k"], ["i", "a", "", "t", "l"], &["tenant", "user"]),
            (["i", "ab", "", "", ""], ["ia", "b", "", "", ""], &[]),
            (["i", "a", "", "", ""], ["i", "a", "", "a", ""], &[]),
            (["i", "a", "", "t", ""], ["i", "t", "", "a", ""], &[]),
            (["admin", "i", "", "a", ""], ["i", "a", "admin", "", ""], &[]),
        ] {
            let buckets = |who| limits(&verified(who), None).into_iter().map(|(name, key, _)| (key, name));
            let (one, other): (BTreeSet<_>, BTreeSet<_>) = (buckets(one).collect(), buckets(other).collect());
            let mut both: Vec<&str> = one.intersection(&other).map(|(_, name)| *name).collect();
            both.sort_unstable();
            assert_eq!(both, shared, "{one:?} {other:?}");
        }
    }

    #[test]
    fn strangers_are_told_apart_by_address_and_in_ipv6_by_network() {
        let bucket = |peer| limits(&AuthContext::Anonymous, peer)[0].1;
        for (one, other, same) in [
            (Some("192.0.2.1"), Some("192.0.2.1"), true),
            (Some("192.0.2.1"), Some("::ffff:192.0.2.1"), true),
            (Some("192.0.2.1"), Some("192.0.2.2"), false),
            (Some("2001:db8::1"), Some("2001:db8::ffff:2"), true),
            (Some("2001:db8::1"), Some("2001:db8:0:1::1"), false),
            (Some("192.0.2.1"), None, false),
            (None, None, true),
        ] {
            assert_eq!(bucket(one) == bucket(other), same, "{one:?} {other:?}");
        }
    }
}
