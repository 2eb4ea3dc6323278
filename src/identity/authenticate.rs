//! From a presented credential to what the pipeline may believe.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde_json::{Map, Value};
use tokio::task::{AbortHandle, JoinSet};

use super::cache::{Entry, TokenCache, TokenHash, token_hash};
use super::config::{Config, ConfigError};
use super::jwt::check::check;
use super::jwt::issuer::{Issuer, Surroundings};
use super::jwt::jws::Jws;
use super::jwt::key_store::{KeyStore, Pace};
use super::jwt::strict_json;
use super::jwt::{self, claims};
use super::kind::Found;
use super::modes::Modes;
use super::refusal::Refusal;
use crate::model::clock::{Clock, Timestamp};
use crate::model::failure::{Failure, FailureKind};
use crate::model::presented::Presented;
use crate::model::principal::{AuthContext, IdentityMode, Verified};
use crate::model::request::EntryPath;
use crate::model::units::Period;
use crate::net::Client;

/// What an [`Authenticator`] needs besides its configuration.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// What relative paths of the configuration start from.
    pub base_dir: &'a Path,
    /// The time that tokens are judged by.
    pub clock: Clock,
    /// For JWKS URLs.
    pub client: Client,
    /// Accepts issuers without audience, and JWKS over plain http from elsewhere. For a loudly named flag alone.
    pub allow_insecure_issuers: bool,
    /// How often keys are fetched; the default is for everything but tests.
    pub pace: Pace,
}

impl<'a> Setup<'a> {
    /// The usual setup: nothing insecure, the default pace.
    pub fn new(base_dir: &'a Path, clock: Clock, client: Client) -> Self {
        Self { base_dir, clock, client, allow_insecure_issuers: false, pace: Pace::default() }
    }
}

/// Verifies credentials by one configuration. A changed configuration is another `Authenticator`, with a cache of its
/// own; [`Authenticator::adopt_keys`] spares it the fetches.
pub struct Authenticator {
    issuers: Vec<Issuer>,
    modes: Modes,
    cache: TokenCache,
    clock: Clock,
}

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

/// Ends the background refresh when dropped.
#[must_use = "the refresh ends when this is dropped"]
#[derive(Debug)]
pub struct Refresh(Vec<AbortHandle>);

impl Drop for Refresh {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// The refresh of one issuer's keys.
#[derive(Clone)]
pub struct KeyRefresh(Arc<KeyStore>);

impl KeyRefresh {
    /// The file or URL of the keys, without secrets.
    pub fn source(&self) -> String {
        self.0.source().to_string()
    }

    /// Keeps the keys fresh until it is dropped.
    pub async fn run(self) {
        self.0.keep_fresh().await;
    }
}

impl Authenticator {
    /// Checks the configuration and reads the JWKS files; fetches nothing.
    ///
    /// # Errors
    /// What is wrong, with the key that says it, e.g. `identity.issuers[1].algorithms`.
    pub fn new(config: &Config, setup: &Setup<'_>) -> Result<Self, ConfigError> {
        let Config { mode, entrypoints, issuers, cache_entries, cache_ttl } = config;
        let modes = Modes::new(*mode, entrypoints)?;
        if issuers.is_empty() && modes.need_issuers() {
            return Err(ConfigError::new(
                "identity.issuers",
                "callers must be verified, but there is no issuer",
                "add one, or set `identity.mode: off`",
            ));
        }
        let allowed = |error: &ConfigError| error.risk.is_some() && setup.allow_insecure_issuers;
        if let Some(error) = check(config, Period(setup.pace.cooldown)).into_iter().find(|e| !allowed(e)) {
            return Err(error);
        }
        let store = |source, refresh: Period| {
            KeyStore::new(source, refresh.0, setup.pace, setup.clock.clone(), setup.client.clone())
        };
        let around = Surroundings { base_dir: setup.base_dir, store: &store };
        let at = |index: usize| format!("identity.issuers[{index}]");
        let ready = issuers.iter().enumerate();
        let ready = ready.map(|(index, issuer)| Issuer::from_config(issuer, &at(index), &around));
        let ready = ready.collect::<Result<_, _>>()?;
        Ok(Self {
            issuers: ready,
            modes,
            cache: TokenCache::new(*cache_entries, cache_ttl.0),
            clock: setup.clock.clone(),
        })
    }

    /// Takes over the keys, and the time of the last fetch, of every issuer that has the same source in `previous`:
    /// a reload neither refuses calls until keys are fetched anew, nor lets anyone provoke more fetches.
    pub fn adopt_keys(&mut self, previous: &Self) {
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

    /// Whether a call for `path` must, may, or need not say who it is: what the longest configured path above it says,
    /// or what a stricter one below it says, whose answer would be part of the document.
    pub fn mode_for(&self, path: &EntryPath) -> IdentityMode {
        self.modes.mode_for(path.segments())
    }

    /// Whether identity is off for any document.
    pub fn is_off_for_some(&self) -> bool {
        self.modes.off_for_some()
    }

    /// Verifies what a call presents.
    ///
    /// INVARIANT (bad is never anonymous): only [`Found::Absent`], and only where the mode is optional, becomes
    /// [`AuthContext::Anonymous`].
    ///
    /// # Errors
    /// `CredentialMissing`, `CredentialInvalid`, `CredentialExpired`, or `VerifierUnavailable` where the issuer's keys
    /// cannot be had. Waits for keys at most [`Pace::wait`].
    pub async fn authenticate(
        &self,
        mode: IdentityMode,
        presented: &Presented<'_>,
    ) -> Result<AuthContext, Failure> {
        if mode == IdentityMode::Off {
            return Ok(AuthContext::Unchecked);
        }
        match jwt::find(presented) {
            Found::Absent if mode == IdentityMode::Optional => Ok(AuthContext::Anonymous),
            Found::Absent => Err(Failure::new(FailureKind::CredentialMissing, "a bearer token is required")),
            Found::Malformed(reason) => Err(Failure::new(FailureKind::CredentialInvalid, reason)),
            Found::Credential(token) => {
                self.bearer(token).await.map(AuthContext::Verified).map_err(Failure::from)
            }
        }
    }

    /// Verifies a token that is presented as a JWT (RFC 7519), from the cache where it can.
    async fn bearer(&self, token: &str) -> Result<Verified, Refusal> {
        let now = self.clock.now();
        let hash = token_hash(token);
        if let Some(known) = self.recall(&hash, now) {
            return known;
        }
        let (issuer, generation, refusal) = match self.verify(token, hash, now) {
            Ok(verified) => return Ok(verified),
            Err(Unverified::Refused(refusal)) => return Err(refusal),
            Err(Unverified::Outdated { issuer, generation, refusal }) => (issuer, generation, refusal),
        };
        issuer.keys.fetch_for_token().await;
        let renewed = issuer.keys.current().number != generation || refusal == Refusal::KeysTooOld;
        let refusal = match renewed.then(|| self.verify(token, hash, self.clock.now())) {
            Some(Ok(verified)) => return Ok(verified),
            Some(Err(Unverified::Refused(refusal) | Unverified::Outdated { refusal, .. })) => refusal,
            None => refusal,
        };
        Err(match refusal {
            Refusal::UnknownKey if issuer.keys.in_doubt() => Refusal::KeysUnavailable,
            refusal => refusal,
        })
    }

    /// What is known of a token that was verified before: `None` where it must be verified anew.
    fn recall(&self, hash: &TokenHash, now: Timestamp) -> Option<Result<Verified, Refusal>> {
        let entry = self.cache.get(hash, now)?;
        let keys = self.issuers.get(entry.issuer)?.keys_at(now).ok()?;
        if !entry.is_known_good_in(keys.number) {
            if !keys.set.contains(&entry.key, entry.algorithm) {
                self.cache.remove(hash);
                return None;
            }
            entry.mark_good_in(keys.number);
        }
        Some(entry.validity.check(now).map(|()| entry.verified.clone()))
    }

    /// Verifies a token from the beginning. The order matters: nothing of the payload but `iss` is judged before the
    /// signature is.
    fn verify(&self, token: &str, hash: TokenHash, now: Timestamp) -> Result<Verified, Unverified<'_>> {
        let jws = Jws::parse(token)?;
        let claims: Map<String, Value> = strict_json::object(&jws.payload)
            .map_err(|_| Refusal::Malformed("its payload is not one strict json object"))?;
        let name = claims::required_text(&claims, "iss")?;
        let (index, issuer) = self
            .issuers
            .iter()
            .enumerate()
            .find(|(_, issuer)| issuer.name == name)
            .ok_or(Refusal::UnknownIssuer)?;
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
        let principal = Arc::new(claims::principal(claims, issuer)?);
        let verified = Verified { principal, method: "jwt", expires_at: validity.expires_at };
        let entry = Entry {
            verified: verified.clone(),
            issuer: index,
            algorithm: jws.algorithm,
            key,
            validity,
            inserted_at: now,
            token_bytes: token.len(),
            generation: AtomicU64::new(keys.number),
        };
        self.cache.insert(hash, Arc::new(entry));
        Ok(verified)
    }

    /// Keeps the keys of every issuer fresh, from now until the [`Refresh`] is dropped. Needs a Tokio runtime.
    pub fn spawn_refresh(&self) -> Refresh {
        let tasks = self.issuers.iter().map(|issuer| tokio::spawn(Arc::clone(&issuer.keys).keep_fresh()));
        Refresh(tasks.map(|task| task.abort_handle()).collect())
    }

    /// What keeps the keys of every issuer fresh; for the supervisor to run. Keys held in memory need none.
    pub fn key_refreshes(&self) -> Vec<KeyRefresh> {
        let stores = self.issuers.iter().map(|issuer| Arc::clone(&issuer.keys));
        stores.filter(|keys| keys.is_refreshed()).map(KeyRefresh).collect()
    }

    /// Reads every JWKS now, whatever the cooldown says: for an operator who asks (SIGHUP). Needs a Tokio runtime.
    pub async fn refresh_now(&self) {
        let mut fetches = JoinSet::new();
        for issuer in &self.issuers {
            let keys = Arc::clone(&issuer.keys);
            fetches.spawn(async move { keys.fetch_now().await });
        }
        while fetches.join_next().await.is_some() {}
    }

    /// What is known of every issuer's keys, in the order of the configuration.
    pub fn status(&self) -> Vec<IssuerStatus> {
        let now = self.clock.now();
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

    /// How many verified tokens are kept.
    pub fn cached_tokens(&self) -> usize {
        self.cache.len()
    }
}

/// Names and counts only: no keys, no tokens.
impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let issuers: Vec<&str> = self.issuers.iter().map(|issuer| issuer.name.as_str()).collect();
        f.debug_struct("Authenticator")
            .field("issuers", &issuers)
            .field("cached_tokens", &self.cache.len())
            .finish_non_exhaustive()
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
