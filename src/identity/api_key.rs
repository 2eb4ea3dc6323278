//! API keys: from environment variables, and from the directory's records.
//!
//! INVARIANT (revocation is immediate): nothing of a verified key is kept between calls but what its record says, and that
//! goes with its version of the records.
//! INVARIANT (who is calling is derived): agent and organisation are those of the key's record, never of the request.
//! INVARIANT (a key has its place): bridge and device keys have headers of their own, and those take no other keys.
//! INVARIANT (guessing is slow): see `guesses`.
//!
//! Deliberately absent: keys in query parameters and cookies; slow hashes, which long random keys do not need.
//!
//! Reading order: [`config`] → [`text`] → `environment` → `caller` → `guesses` → this file.

mod caller;
pub mod config;
mod environment;
mod guesses;
pub use crate::registry::key_text as text;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwapOption;
use http::HeaderName;

use self::caller::Caller;
use self::environment::EnvironmentKey;
use super::candidate::{Candidate, Place};
use super::config::ConfigError;
use super::kind::{
    Accepted, CredentialKind, Key as ProofKey, Lasting, Statement, Subject, Validity, Verifying,
};
use super::refusal::Refusal;
use super::setup::Setup;
use crate::model::clock::Timestamp;
use crate::model::roles::Roles;
use crate::registry::key_hash::KeyHash;
use crate::registry::key_index::KeyIndex;
use crate::registry::{Agent, Directory, Key, KeyKind, Records, Standing};

pub(super) use self::caller::METHOD;
pub use self::config::{ApiKeysConfig, check};
pub(super) use self::guesses::Guesses;

/// How long a key that was verified passes although its peer or prefix is throttled: long enough that callers at work are
/// not locked out by others behind the same gateway.
const RECENT_NANOS: i64 = 3_600 * 1_000_000_000;

/// The header of bridge keys.
const BRIDGE: &str = "x-agentpack-key";
/// The header of device keys.
const DEVICE: &str = "x-agentpack-device-key";

/// Keys of every source.
pub(super) struct ApiKeys {
    environment: KeyIndex<EnvironmentKey>,
    directory: Option<Arc<dyn Directory>>,
    headers: Vec<HeaderName>,
    /// What tokens begin with that stand in the places of keys and are none.
    token_prefixes: Vec<String>,
    roles: Arc<Roles>,
    role_permissions: bool,
    guesses: Arc<Guesses>,
}

impl ApiKeys {
    /// Reads the keys of the environment.
    ///
    /// # Errors
    /// What is wrong with the configuration or with a variable. No error shows a key.
    pub(super) fn new(
        config: &ApiKeysConfig,
        token_prefixes: Vec<String>,
        setup: &Setup<'_>,
    ) -> Result<Self, ConfigError> {
        if let Some(error) = check(config).into_iter().next() {
            return Err(error);
        }
        let keys = environment::keys(config, &setup.variables, &setup.roles)?;
        let environment = KeyIndex::new(keys.into_iter().map(Arc::new))
            .map_err(|error| ConfigError::new("identity.api_keys", error.to_string(), "try again"))?;
        let directory = setup.directory.clone();
        let used = !environment.is_empty() || directory.is_some() || !token_prefixes.is_empty();
        let headers = config.headers.iter().filter(|_| used);
        Ok(Self {
            environment,
            directory,
            token_prefixes,
            headers: headers.filter_map(|name| name.parse().ok()).collect(),
            roles: Arc::clone(&setup.roles),
            role_permissions: setup.role_permissions,
            guesses: Arc::new(Guesses::new(config)?),
        })
    }

    /// Whether there can be any key.
    pub(super) fn is_used(&self) -> bool {
        !self.environment.is_empty() || self.directory.is_some()
    }

    /// The headers in which keys are looked for, and tokens with a prefix.
    pub(super) fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    /// What is known of guesses.
    pub(super) const fn guesses(&self) -> &Arc<Guesses> {
        &self.guesses
    }

    /// Takes over what is known of guesses and of recent use: a reload gives nobody another try.
    pub(super) fn adopt(&mut self, previous: &Self) {
        self.guesses = Arc::new(self.guesses.with_counts_of(&previous.guesses));
        for key in self.environment.iter() {
            if let Some(known) = previous.environment.find(&key.hash) {
                key.last_used.store(known.last_used.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
    }

    fn verify_key(&self, candidate: &Candidate<'_>, now: Timestamp) -> Result<Accepted, Refusal> {
        if text::form(candidate.text) == text::Form::Mistyped {
            self.guesses.check(candidate, now)?;
            return Err(self.guesses.wrong(candidate, now));
        }
        let hash = KeyHash::of(candidate.text);
        let records = self.directory.as_ref().map(|directory| directory.records()).transpose()?;
        let found = match self.environment.find(&hash) {
            Some(key) => Some(Found::Environment(key)),
            None => records
                .as_deref()
                .and_then(|records| Some(Found::Record(records.key_by_hash(&hash)?, records))),
        };
        let recent = |at: Timestamp| now.0.saturating_sub(at.0) < RECENT_NANOS;
        if !found.as_ref().and_then(Found::last_used).is_some_and(recent) {
            // Right or wrong: the answer to a throttled peer says nothing of the key.
            self.guesses.check(candidate, now)?;
        }
        match found {
            None => Err(self.guesses.wrong(candidate, now)),
            Some(Found::Environment(key)) => {
                belongs(None, candidate.place)?;
                key.last_used.fetch_max(now.0, Ordering::Relaxed);
                Ok(accepted(&key.caller, None, None))
            }
            Some(Found::Record(key, records)) => self.verify_record(key, records, candidate.place, now),
        }
    }

    fn verify_record(
        &self,
        key: &Key,
        records: &Records,
        place: Place<'_>,
        now: Timestamp,
    ) -> Result<Accepted, Refusal> {
        match records.key_standing(key) {
            Standing::InForce => {}
            Standing::Disabled => return Err(Refusal::Revoked("the api key is disabled")),
            Standing::Revoked => return Err(Refusal::Revoked("the api key is revoked")),
        }
        if key.expires_at.is_some_and(|end| now.0 >= end.0) {
            return Err(Refusal::KeyExpired);
        }
        belongs(Some(key.kind), place)?;
        records.used(key, now);
        let caller = self.caller(key, records);
        Ok(accepted(&caller, key.expires_at, Some(key.id.clone())))
    }

    /// Who calls with a key: made for the first call of each version of its record and of the configuration.
    fn caller(&self, key: &Key, records: &Records) -> Arc<Caller> {
        let slot: Arc<ArcSwapOption<Made>> = key.prepared.get_or_make(Arc::default);
        let agent = key.agent.as_ref().and_then(|id| records.agent(id));
        let made = slot.load();
        if let Some(made) = made.as_ref().filter(|made| made.is_of(&self.roles, agent, records)) {
            return Arc::clone(&made.caller);
        }
        let grant = |roles: &[String], permissions: &mut Vec<String>| {
            if self.role_permissions {
                self.roles.grant(roles, permissions);
                records.grant(key.organisation.as_deref(), roles, permissions);
            }
        };
        let caller = Arc::new(Caller::of(key, agent.map(|agent| &**agent), grant));
        slot.store(Some(Arc::new(Made {
            with: Arc::clone(&self.roles),
            agent: agent.map(Arc::clone),
            roles_version: records.roles_version(),
            caller: Arc::clone(&caller),
        })));
        caller
    }
}

/// What is kept with a key's record.
struct Made {
    /// The roles of the configuration that it was made with: each configuration has its own.
    with: Arc<Roles>,
    /// The version of its agent's record.
    agent: Option<Arc<Agent>>,
    /// The version of the directory's roles.
    roles_version: u64,
    caller: Arc<Caller>,
}

impl Made {
    /// Whether it would be made of the same today.
    fn is_of(&self, roles: &Arc<Roles>, agent: Option<&Arc<Agent>>, records: &Records) -> bool {
        let same_agent = match (&self.agent, agent) {
            (Some(then), Some(now)) => Arc::ptr_eq(then, now),
            (None, None) => true,
            _ => false,
        };
        same_agent && Arc::ptr_eq(&self.with, roles) && self.roles_version == records.roles_version()
    }
}

/// A key that was found, wherever it is kept.
enum Found<'a> {
    Environment(&'a Arc<EnvironmentKey>),
    Record(&'a Arc<Key>, &'a Records),
}

impl Found<'_> {
    fn last_used(&self) -> Option<Timestamp> {
        match self {
            Self::Environment(key) => Some(Timestamp(key.last_used.load(Ordering::Relaxed))),
            Self::Record(key, _) => key.last_used(),
        }
    }
}

/// Whether a key of this kind may stand there; keys of the environment have none.
fn belongs(kind: Option<KeyKind>, place: Place<'_>) -> Result<(), Refusal> {
    let Place::Header(name) = place else { return Ok(()) };
    match (kind, name.as_str()) {
        (Some(KeyKind::Bridge), BRIDGE) | (Some(KeyKind::Device), DEVICE) => Ok(()),
        (Some(KeyKind::Bridge), _) => Err(Refusal::WrongUse(
            "a bridge key is accepted in `x-agentpack-key` alone, or as a bearer token",
        )),
        (Some(KeyKind::Device), _) => Err(Refusal::WrongUse(
            "a device key is accepted in `x-agentpack-device-key` alone, or as a bearer token",
        )),
        (_, BRIDGE) => Err(Refusal::WrongUse("`x-agentpack-key` is for bridge keys")),
        (_, DEVICE) => Err(Refusal::WrongUse("`x-agentpack-device-key` is for device keys")),
        _ => Ok(()),
    }
}

fn accepted(caller: &Caller, expires_at: Option<Timestamp>, id: Option<String>) -> Accepted {
    Accepted {
        says: Statement::Subject(Subject {
            principal: Arc::clone(&caller.principal),
            limits: caller.limits.clone(),
            scope: None,
        }),
        validity: Validity { from: None, until: expires_at.map(|end| end.0) },
        expires_at,
        basis: Box::new(Lasting),
        facts: caller.facts.clone(),
        bound_to: None,
        proves: Some(ProofKey::Id(id.unwrap_or_else(|| caller.principal.id.clone()))),
        single_use: None,
        kept: false,
    }
}

impl CredentialKind for ApiKeys {
    fn name(&self) -> &'static str {
        METHOD
    }

    fn recognises(&self, candidate: &Candidate<'_>) -> bool {
        let here = match candidate.place {
            Place::Bearer => !candidate.looks_signed(),
            Place::Header(name) => self.headers.contains(name),
            Place::Certificate(_) => false,
        };
        let is_token =
            || self.token_prefixes.iter().any(|prefix| candidate.text.starts_with(prefix.as_str()));
        self.is_used() && here && !is_token()
    }

    fn verify<'a>(&'a self, candidate: &'a Candidate<'a>, now: Timestamp) -> Verifying<'a> {
        Box::pin(std::future::ready(self.verify_key(candidate, now)))
    }
}

#[cfg(test)]
mod tests;
