//! From a presented credential to what the pipeline may believe.

use std::sync::Arc;

use tokio::task::AbortHandle;

use super::cache::{CredentialCache, CredentialHash, Entry, hash_of};
use super::config::{Config, ConfigError};
use super::jwt::check::check;
use super::jwt::key_store::KeyStore;
use super::jwt::verifier::{IssuerStatus, Tokens};
use super::kind::{Accepted, CredentialKind, Found};
use super::modes::Modes;
use super::refusal::Refusal;
use super::setup::Setup;
use crate::model::clock::{Clock, Timestamp};
use crate::model::failure::{Failure, FailureKind};
use crate::model::presented::Presented;
use crate::model::principal::{AuthContext, IdentityMode, Verified};
use crate::model::request::EntryPath;
use crate::model::units::Period;

/// Verifies credentials by one configuration. A changed configuration is another `Authenticator`, with a cache of its
/// own; [`Authenticator::adopt_keys`] spares it the fetches.
pub struct Authenticator {
    tokens: Tokens,
    modes: Modes,
    cache: CredentialCache,
    clock: Clock,
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
    /// Every kind of credential: the table of verifiers.
    fn kinds(&self) -> [&dyn CredentialKind; 1] {
        [&self.tokens]
    }

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
        Ok(Self {
            tokens: Tokens::new(issuers, setup)?,
            modes,
            cache: CredentialCache::new(*cache_entries, cache_ttl.0),
            clock: setup.clock.clone(),
        })
    }

    /// Takes over the keys, and the time of the last fetch, of every issuer that has the same source in `previous`:
    /// a reload neither refuses calls until keys are fetched anew, nor lets anyone provoke more fetches.
    pub fn adopt_keys(&mut self, previous: &Self) {
        self.tokens.adopt_keys(&previous.tokens);
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
    /// cannot be had. Waits for keys at most [`super::Pace::wait`].
    pub async fn authenticate(
        &self,
        mode: IdentityMode,
        presented: &Presented<'_>,
    ) -> Result<AuthContext, Failure> {
        if mode == IdentityMode::Off {
            return Ok(AuthContext::Unchecked);
        }
        let mut known: Option<Verified> = None;
        for kind in self.kinds() {
            let credential = match kind.find(presented) {
                Found::Absent => continue,
                Found::Malformed(reason) => return Err(Failure::new(FailureKind::CredentialInvalid, reason)),
                Found::Credential(credential) => credential,
            };
            let verified = self.verify(kind, credential).await?;
            known = Some(agreed(known, verified)?);
        }
        match known {
            Some(verified) => Ok(AuthContext::Verified(verified)),
            None if mode == IdentityMode::Optional => Ok(AuthContext::Anonymous),
            None => Err(Failure::new(FailureKind::CredentialMissing, "a bearer token is required")),
        }
    }

    /// Verifies a credential, from the cache where it can.
    async fn verify(&self, kind: &dyn CredentialKind, credential: &str) -> Result<Verified, Refusal> {
        let now = self.clock.now();
        let hash = hash_of(kind.name(), credential);
        if let Some(known) = self.recall(&hash, now) {
            return known;
        }
        let accepted: Accepted = kind.verify(credential, now).await?;
        let verified = accepted.verified.clone();
        self.cache.insert(hash, Entry { accepted, length: credential.len(), inserted_at: now });
        Ok(verified)
    }

    /// What is known of a credential that was verified before: `None` where it must be verified from the beginning.
    fn recall(&self, hash: &CredentialHash, now: Timestamp) -> Option<Result<Verified, Refusal>> {
        let entry = self.cache.get(hash, now)?;
        let Accepted { verified, validity, basis } = &entry.accepted;
        // An entry whose basis is gone for now may hold again: what matters is that each use asks.
        if !basis.holds(now) {
            return None;
        }
        Some(validity.check(now).map(|()| verified.clone()))
    }

    /// Keeps the keys of every issuer fresh, from now until the [`Refresh`] is dropped. Needs a Tokio runtime.
    pub fn spawn_refresh(&self) -> Refresh {
        let tasks = self.tokens.key_stores().map(|keys| tokio::spawn(keys.keep_fresh()));
        Refresh(tasks.map(|task| task.abort_handle()).collect())
    }

    /// What keeps the keys of every issuer fresh; for the supervisor to run. Keys held in memory need none.
    pub fn key_refreshes(&self) -> Vec<KeyRefresh> {
        self.tokens.key_stores().filter(|keys| keys.is_refreshed()).map(KeyRefresh).collect()
    }

    /// Reads every JWKS now, whatever the cooldown says: for an operator who asks (SIGHUP). Needs a Tokio runtime.
    pub async fn refresh_now(&self) {
        self.tokens.fetch_keys().await;
    }

    /// What is known of every issuer's keys, in the order of the configuration.
    pub fn status(&self) -> Vec<IssuerStatus> {
        self.tokens.status(self.clock.now())
    }

    /// How many verified tokens are kept.
    pub fn cached_tokens(&self) -> usize {
        self.cache.len()
    }
}

/// Names and counts only: no keys, no tokens.
impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator")
            .field("issuers", &self.tokens.names())
            .field("cached_tokens", &self.cache.len())
            .finish_non_exhaustive()
    }
}

/// INVARIANT (all of them, and alike): of several credentials each must verify, and all must name the same subject.
fn agreed(known: Option<Verified>, verified: Verified) -> Result<Verified, Refusal> {
    match known {
        Some(first) if first.principal.is_same_as(&verified.principal) => Ok(first),
        Some(_) => Err(Refusal::Disagreement),
        None => Ok(verified),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::principal::{Prepared, Principal};

    fn subject(id: &str, method: &'static str) -> Verified {
        let principal = Principal {
            id: id.to_owned(),
            kind: "user".to_owned(),
            issuer: "https://idp.example".to_owned(),
            roles: Vec::new(),
            scopes: Vec::new(),
            permissions: Vec::new(),
            tenant: None,
            actors: Vec::new(),
            claims: serde_json::Map::new(),
            prepared: Prepared::default(),
        };
        Verified { principal: Arc::new(principal), method, expires_at: None }
    }

    #[test]
    fn several_credentials_name_one_subject_or_are_refused() {
        let first = agreed(None, subject("alice", "jwt")).unwrap();
        assert_eq!(agreed(Some(first.clone()), subject("alice", "api_key")).unwrap().method, "jwt");
        assert_eq!(agreed(Some(first), subject("bob", "api_key")).unwrap_err(), Refusal::Disagreement);
    }
}
