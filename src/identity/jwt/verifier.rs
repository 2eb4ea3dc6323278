//! Verifies tokens of several issuers: the kind of credential that this folder is about.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinSet;
use verdict_jose::Algorithm;

use super::claims::{self, Claims};
use super::facts;
use super::issuer::{self, Issuer};
use super::jws::Jws;
use super::key::Thumbprint;
use super::key_store::KeyStore;
use super::source::Around;
use super::token_type::TokenType;
use super::{access_token, principal, strict_json};
use crate::identity::candidate::{Candidate, Place};
use crate::identity::config::{ConfigError, IssuerConfig};
use crate::identity::dev;
use crate::identity::kind::{Accepted, Basis, CredentialKind, Statement, Subject, Verifying};
use crate::identity::refusal::Refusal;
use crate::identity::setup::Setup;
use crate::model::clock::{Clock, Timestamp};
use crate::model::roles::Roles;
use crate::model::units::Period;

/// What is known of one issuer's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerStatus {
    /// The issuer (`iss`).
    pub issuer: String,
    /// Where its keys come from: a file, a URL without query, the discovery document, an environment variable;
    /// `public_key` for keys in the configuration, `memory` for the development issuer.
    pub source: String,
    /// How many keys can be used.
    pub keys: usize,
    /// Counts the documents with keys that differed; 0 means that none was ever obtained.
    pub generation: u64,
    /// Whether they were not read again for `jwks_max_age`, so that they verify nothing any more.
    pub too_old: bool,
    /// When they were last read with success.
    pub last_success: Option<Timestamp>,
    /// Why they were not, the last time that it was tried.
    pub last_error: Option<String>,
    /// Which keys of a JWKS are left out, and why.
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

    /// The last of the table: every bearer token that no other kind has taken, and in other places what begins as the tokens
    /// of an issuer do.
    fn recognises(&self, candidate: &Candidate<'_>) -> bool {
        let prefixes = || self.issuers.iter().filter_map(|issuer| issuer.prefix.as_deref());
        candidate.place == Place::Bearer || prefixes().any(|prefix| candidate.text.starts_with(prefix))
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
    /// Makes the issuers of one type of tokens ready: reads files and environment variables; fetches nothing.
    pub(in crate::identity) fn of_type(
        token_type: TokenType,
        issuers: &[IssuerConfig],
        setup: &Setup<'_>,
    ) -> Result<Self, ConfigError> {
        let of_type = issuers.iter().enumerate().filter(|(_, issuer)| issuer.token_type == token_type);
        Self::ready("identity.issuers", of_type, setup)
    }

    /// Makes issuers ready that another key of the configuration lists.
    pub(in crate::identity) fn below(
        list: &str,
        issuers: &[IssuerConfig],
        setup: &Setup<'_>,
    ) -> Result<Self, ConfigError> {
        Self::ready(list, issuers.iter().enumerate(), setup)
    }

    /// Makes issuers ready, each with its place in the list.
    fn ready<'c>(
        list: &str,
        issuers: impl Iterator<Item = (usize, &'c IssuerConfig)>,
        setup: &Setup<'_>,
    ) -> Result<Self, ConfigError> {
        let store = |source, refresh: Period| {
            KeyStore::new(source, refresh.0, setup.pace, setup.clock.clone(), setup.client.clone())
        };
        let around = Around {
            base_dir: setup.base_dir,
            variables: &setup.variables,
            allow_plain_http: setup.allow_insecure_issuers,
        };
        let at = |index: usize| format!("{list}[{index}]");
        let ready = issuers.map(|(index, issuer)| Issuer::from_config(issuer, &at(index), &around, &store));
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

    /// Reads all keys now, whatever the cooldown says.
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
    pub(in crate::identity) async fn verify_with_fresh_keys(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Accepted, Refusal> {
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
            Refusal::UnknownKey if issuer.name == dev::ISSUER => Refusal::OtherDevIssuer,
            Refusal::UnknownKey if issuer.keys.in_doubt() => Refusal::KeysUnavailable,
            refusal => refusal,
        })
    }

    /// Verifies a token with the keys at hand. The order matters: nothing of the payload but `iss` is judged before the
    /// signature is.
    fn verify_now(&self, token: &str, now: Timestamp) -> Result<Accepted, Unverified<'_>> {
        let (owner, token) = self.by_prefix(token);
        let jws = Jws::parse(token)?;
        let claims: Claims = strict_json::object(&jws.payload)
            .map_err(|_| Refusal::Malformed("its payload is not one strict json object"))?;
        let issuer = self.issuer_of(owner, &claims)?;
        issuer.check_header(&jws)?;
        let judged = |generation| {
            move |refusal: Refusal| match refusal.newer_keys_may_help() {
                true => Unverified::Outdated { issuer, generation, refusal },
                false => Unverified::Refused(refusal),
            }
        };
        let keys = issuer.keys_at(now).map_err(judged(0))?;
        let key = keys.set.verify(&jws).map_err(judged(keys.number))?;
        let basis = SignedBy {
            keys: Arc::clone(&issuer.keys),
            max_age_nanos: issuer.max_age_nanos,
            key,
            algorithm: jws.algorithm,
            generation: AtomicU64::new(keys.number),
        };
        Ok(self.judge(claims, issuer, jws, basis, now)?)
    }

    /// Judges what a token says, once its signature is known to be its issuer's.
    fn judge(
        &self,
        claims: Claims,
        issuer: &Issuer,
        jws: Jws<'_>,
        basis: SignedBy,
        now: Timestamp,
    ) -> Result<Accepted, Refusal> {
        claims::check_audience(&claims, &issuer.audience)?;
        let validity = claims::validity(&claims, issuer.leeway_nanos, issuer.max_lifetime_nanos)?;
        validity.check(now)?;
        let is_access_token = issuer::is_access_token(&jws);
        if is_access_token {
            access_token::check(&claims)?;
        } else {
            access_token::check_no_event(&claims)?;
        }
        claims::check_required(&claims, issuer)?;
        let expires_at = claims::expires_at(&claims)?;
        let bound_to = facts::binding(&claims)?;
        let single_use = match issuer.single_use {
            true => Some(facts::single_use(&claims, &issuer.name, &validity)?),
            false => None,
        };
        let mut principal = principal::principal(claims, &issuer.name, &issuer.mapping, is_access_token)?;
        self.roles.grant(&principal.roles, &mut principal.permissions);
        Ok(Accepted {
            facts: facts::revocation(&principal, &issuer.mapping, jws.kid)?,
            says: Statement::Subject(Subject { principal: Arc::new(principal), limits: None, scope: None }),
            validity,
            expires_at,
            basis: Box::new(basis),
            bound_to,
            proves: None,
            // What may be used once is never taken from the cache.
            kept: single_use.is_none(),
            single_use,
        })
    }

    /// The issuer whose prefix a token has, and the token without it.
    fn by_prefix<'t>(&self, token: &'t str) -> (Option<&Issuer>, &'t str) {
        let stripped = self.issuers.iter().find_map(|issuer| {
            let rest = token.strip_prefix(issuer.prefix.as_deref()?)?;
            Some((Some(issuer), rest))
        });
        stripped.unwrap_or((None, token))
    }

    /// INVARIANT (a prefix is its issuer's): a token with a prefix is judged by that issuer alone, and may leave out `iss`;
    /// one without is never that issuer's.
    fn issuer_of<'i>(&'i self, owner: Option<&'i Issuer>, claims: &Claims) -> Result<&'i Issuer, Refusal> {
        if let Some(owner) = owner {
            let other = claims.contains_key("iss") && claims::required_text(claims, "iss")? != owner.name;
            return match other {
                true => Err(claims::wrong("iss", "is not the issuer that the token's prefix belongs to")),
                false => Ok(owner),
            };
        }
        // A transaction token may leave it out: `aud`, the trust domain, is judged all the same.
        if let [only] = self.issuers.as_slice()
            && only.token_type == TokenType::Transaction
            && !claims.contains_key("iss")
        {
            return Ok(only);
        }
        let name = claims::required_text(claims, "iss")?;
        let named = self.issuers.iter().find(|issuer| issuer.name == name);
        match named.ok_or(Refusal::UnknownIssuer)? {
            Issuer { prefix: Some(_), .. } => {
                Err(claims::wrong("iss", "is an issuer whose tokens have a prefix"))
            }
            named => Ok(named),
        }
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
