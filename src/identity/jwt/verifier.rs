//! Verifies tokens of several issuers: the kind of credential that this folder is about.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use super::claims;
use super::issuer::{Issuer, Surroundings};
use super::jwk::Thumbprint;
use super::jws::Jws;
use super::key_store::KeyStore;
use super::strict_json;
use crate::identity::candidate::{Candidate, Place};
use crate::identity::config::{ConfigError, IssuerConfig};
use crate::identity::kind::{Accepted, Basis, CredentialKind, Statement, Subject, Verifying};
use crate::identity::refusal::Refusal;
use crate::identity::setup::Setup;
use crate::model::clock::{Clock, Timestamp};
use crate::model::revocation::RevocationFacts;
use crate::model::roles::Roles;
use crate::model::units::Period;

/// What is known of one issuer's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerStatus {
    /// The issuer (`iss`).
    pub issuer: String,
    /// The file or URL of its JWKS, without query; `memory` for the development issuer.
    pub source: String,
    /// How many keys can be used.
    pub keys: usize,
    /// Counts the JWKS documents that differed; 0 means that none was ever obtained.
    pub generation: u64,
    /// Whether they were not read again for `jwks_max_age`, so that they verify nothing any more.
    pub too_old: bool,
    /// When the JWKS was last read with success.
    pub last_success: Option<Timestamp>,
    /// Why it was not, the last time that it was tried.
    pub last_error: Option<String>,
    /// Which keys of the JWKS are left out, and why.
    pub warnings: Vec<String>,
}

/// Tokens of the configured issuers.
pub(in crate::identity) struct Tokens {
    issuers: Vec<Issuer>,
    roles: Arc<Roles>,
    clock: Clock,
}

impl CredentialKind for Tokens {
    fn name(&self) -> &'static str {
        "jwt"
    }

    /// The last of the table: every bearer token that no other kind has taken.
    fn recognises(&self, candidate: &Candidate<'_>) -> bool {
        candidate.place == Place::Bearer
    }

    fn verify<'a>(&'a self, candidate: &'a Candidate<'a>, now: Timestamp) -> Verifying<'a> {
        Box::pin(self.verify_with_fresh_keys(candidate.text, now))
    }
}

/// The key that signed a token: it must still be its issuer's.
struct SignedBy {
    keys: Arc<KeyStore>,
    max_age_nanos: i64,
    key: Thumbprint,
    algorithm: Algorithm,
    /// The last generation of the issuer's keys that is known to hold the key.
    generation: AtomicU64,
}

impl Basis for SignedBy {
    fn holds(&self, now: Timestamp) -> bool {
        let Ok(keys) = self.keys.at(now, self.max_age_nanos) else { return false };
        if self.generation.load(Ordering::Relaxed) == keys.number {
            return true;
        }
        let held = keys.set.contains(&self.key, self.algorithm);
        if held {
            self.generation.store(keys.number, Ordering::Relaxed);
        }
        held
    }
}

impl Tokens {
    /// Makes the issuers ready: reads the JWKS files; fetches nothing.
    pub(in crate::identity) fn new(issuers: &[IssuerConfig], setup: &Setup<'_>) -> Result<Self, ConfigError> {
        let store = |source, refresh: Period| {
            KeyStore::new(source, refresh.0, setup.pace, setup.clock.clone(), setup.client.clone())
        };
        let around = Surroundings { base_dir: setup.base_dir, store: &store };
        let at = |index: usize| format!("identity.issuers[{index}]");
        let ready = issuers.iter().enumerate();
        let ready = ready.map(|(index, issuer)| Issuer::from_config(issuer, &at(index), &around));
        Ok(Self {
            issuers: ready.collect::<Result<_, _>>()?,
            roles: Arc::clone(&setup.roles),
            clock: setup.clock.clone(),
        })
    }

    pub(in crate::identity) fn adopt_keys(&mut self, previous: &Self) {
        for issuer in &mut self.issuers {
            let same = previous.issuers.iter().find(|old| {
                old.name == issuer.name
                    && old.keys.source() == issuer.keys.source()
                    && old.keys.refresh == issuer.keys.refresh
            });
            if let Some(old) = same {
                issuer.keys = Arc::clone(&old.keys);
            }
        }
    }

    /// Where the keys are kept, an issuer each.
    pub(in crate::identity) fn key_stores(&self) -> impl Iterator<Item = Arc<KeyStore>> + '_ {
        self.issuers.iter().map(|issuer| Arc::clone(&issuer.keys))
    }

    /// The issuers' names.
    pub(in crate::identity) fn names(&self) -> Vec<&str> {
        self.issuers.iter().map(|issuer| issuer.name.as_str()).collect()
    }

    /// Reads every JWKS now, whatever the cooldown says.
    pub(in crate::identity) async fn fetch_keys(&self) {
        let mut fetches = JoinSet::new();
        for keys in self.key_stores() {
            fetches.spawn(async move { keys.fetch_now().await });
        }
        while fetches.join_next().await.is_some() {}
    }

    pub(in crate::identity) fn status(&self, now: Timestamp) -> Vec<IssuerStatus> {
        let of = |issuer: &Issuer| {
            let (keys, health) = (issuer.keys.current(), issuer.keys.health());
            IssuerStatus {
                issuer: issuer.name.clone(),
                source: issuer.keys.source().to_string(),
                keys: keys.set.len(),
                generation: keys.number,
                too_old: issuer.has_old_keys(now),
                last_success: health.last_success,
                last_error: health.last_error,
                warnings: keys.set.warnings().to_vec(),
            }
        };
        self.issuers.iter().map(of).collect()
    }

    /// Verifies a token; where newer keys might, with those.
    async fn verify_with_fresh_keys(&self, token: &str, now: Timestamp) -> Result<Accepted, Refusal> {
        let (issuer, generation, refusal) = match self.verify_now(token, now) {
            Ok(accepted) => return Ok(accepted),
            Err(Unverified::Refused(refusal)) => return Err(refusal),
            Err(Unverified::Outdated { issuer, generation, refusal }) => (issuer, generation, refusal),
        };
        issuer.keys.fetch_for_token().await;
        let renewed = issuer.keys.current().number != generation || refusal == Refusal::KeysTooOld;
        let refusal = match renewed.then(|| self.verify_now(token, self.clock.now())) {
            Some(Ok(accepted)) => return Ok(accepted),
            Some(Err(Unverified::Refused(refusal) | Unverified::Outdated { refusal, .. })) => refusal,
            None => refusal,
        };
        Err(match refusal {
            Refusal::UnknownKey if issuer.keys.in_doubt() => Refusal::KeysUnavailable,
            refusal => refusal,
        })
    }

    /// Verifies a token with the keys at hand. The order matters: nothing of the payload but `iss` is judged before the
    /// signature is.
    fn verify_now(&self, token: &str, now: Timestamp) -> Result<Accepted, Unverified<'_>> {
        let jws = Jws::parse(token)?;
        let claims: Map<String, Value> = strict_json::object(&jws.payload)
            .map_err(|_| Refusal::Malformed("its payload is not one strict json object"))?;
        let name = claims::required_text(&claims, "iss")?;
        let issuer = self.issuers.iter().find(|issuer| issuer.name == name).ok_or(Refusal::UnknownIssuer)?;
        issuer.check_header(&jws)?;
        let judged = |generation| {
            move |refusal: Refusal| match refusal.newer_keys_may_help() {
                true => Unverified::Outdated { issuer, generation, refusal },
                false => Unverified::Refused(refusal),
            }
        };
        let keys = issuer.keys_at(now).map_err(judged(0))?;
        let key = keys.set.verify(&jws).map_err(judged(keys.number))?;
        claims::check_audience(&claims, issuer)?;
        let validity = claims::validity(&claims, issuer)?;
        validity.check(now)?;
        let expires_at = claims::expires_at(&claims)?;
        let mut principal = claims::principal(claims, issuer)?;
        self.roles.grant(&principal.roles, &mut principal.permissions);
        let facts = RevocationFacts {
            key: jws.kid.clone(),
            issuer: Some(principal.issuer.clone()),
            subject: Some(principal.id.clone()),
            agents: principal
                .agent
                .iter()
                .cloned()
                .chain(principal.actors.iter().map(|actor| actor.id.clone()))
                .collect(),
            organisation: principal.tenant.clone(),
            ..RevocationFacts::default()
        };
        let basis = SignedBy {
            keys: Arc::clone(&issuer.keys),
            max_age_nanos: issuer.max_age_nanos,
            key,
            algorithm: jws.algorithm,
            generation: AtomicU64::new(keys.number),
        };
        Ok(Accepted {
            says: Statement::Subject(Subject { principal: Arc::new(principal), limits: None, scope: None }),
            validity,
            expires_at,
            basis: Box::new(basis),
            facts,
            bound_to: None,
            proves: None,
            single_use: None,
            kept: true,
        })
    }
}

/// Why a token was not verified.
enum Unverified<'a> {
    Refused(Refusal),
    /// By this generation of the issuer's keys, of which a newer one might verify it.
    Outdated {
        issuer: &'a Issuer,
        generation: u64,
        refusal: Refusal,
    },
}

impl From<Refusal> for Unverified<'_> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
