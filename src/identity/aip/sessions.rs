//! Opens sessions, verifies their tokens, and issues the next ones.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Map, Value};
use uuid::Uuid;
use verdict_jose::Algorithm;

use super::keys::KeyRing;
use super::place::Place;
use super::token::{Payload, VERSION};
use super::{ISSUER, METHOD, TYPE};
use crate::aip::policy::Terms;
use crate::aip::{Binding, Policies, Policy};
use crate::identity::candidate::{Candidate, Place as Stands};
use crate::identity::config_error::ConfigError;
use crate::identity::jwt::issuer::media_type;
use crate::identity::jwt::jws::{self, Jws};
use crate::identity::jwt::strict_json;
use crate::identity::kind::{
    Accepted, CredentialKind, Lasting, SingleUse, Statement, Subject, Validity, Verifying,
};
use crate::identity::refusal::Refusal;
use crate::identity::setup::Setup;
use crate::model::clock::Timestamp;
use crate::model::principal::{Prepared, Principal, Proof, Verified};
use crate::model::revocation::RevocationFacts;
use crate::model::roles::covers;
use crate::model::secret::Secret;
use crate::registry::Directory;
use crate::stores;

/// By how much the clocks of sidecars that share a key may differ, in nanoseconds (v1alpha2 section 3.7.9).
const CLOCK_SKEW: i64 = 30_000_000_000;

/// Session tokens of the policies in force. Without any they are recognised all the same, and refused.
pub struct Sessions {
    policies: Arc<Policies>,
    ring: Arc<KeyRing>,
    place: Place,
    directory: Option<Arc<dyn Directory>>,
    /// The hashes that policies had before, and how long tokens with them are taken.
    before: HashMap<Arc<str>, Vec<(String, Timestamp)>>,
}

/// A session that was opened.
#[derive(Debug)]
pub struct Opened {
    /// Its first token.
    pub token: Secret<String>,
    /// Its id.
    pub session: String,
    /// Its policy.
    pub policy: Arc<str>,
    /// When the token ceases to be valid.
    pub expires_at: Timestamp,
    /// How long that is from now on.
    pub ttl: Duration,
}

impl CredentialKind for Sessions {
    fn name(&self) -> &'static str {
        METHOD
    }

    /// By what the token says that it is: no kind that is asked later sees it then.
    fn recognises(&self, candidate: &Candidate<'_>) -> bool {
        candidate.place == Stands::Bearer
            && jws::declared_type(candidate.text).is_some_and(|typ| media_type(&typ) == TYPE)
    }

    fn verify<'a>(&'a self, candidate: &'a Candidate<'a>, now: Timestamp) -> Verifying<'a> {
        Box::pin(std::future::ready(self.check(candidate.text, now)))
    }
}

impl Sessions {
    /// Makes the keys ready that files hold.
    ///
    /// # Errors
    /// A key file is none; or used nonces are to be where all sidecars see them, and are not.
    pub(in crate::identity) fn new(setup: &Setup<'_>) -> Result<Self, ConfigError> {
        let (ring, policies) = (Arc::new(KeyRing::default()), Arc::clone(&setup.aip));
        for policy in policies.iter() {
            let wrong = |message: String, hint| {
                let message = format!("{}: {message}", policy.path.display());
                ConfigError::new("aip.policies", message, hint)
            };
            let Some(terms) = &policy.identity else { continue };
            ring.read(terms, setup.clock.now()).map_err(|error| {
                wrong(error, "make one with `openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256`")
            })?;
            if terms.shared_nonces && !setup.replays.is_shared() {
                let message = "`nonce_storage.type: redis` asks for used nonces in Redis".to_owned();
                return Err(wrong(message, "set `shared_store.backend: redis`"));
            }
        }
        let (place, directory) = (Place::here(&setup.variables), setup.directory.clone());
        Ok(Self { policies, ring, place, directory, before: HashMap::new() })
    }

    /// Takes over the keys of before, and the hashes whose time of grace has not ended.
    pub(in crate::identity) fn adopt(&mut self, previous: &Self, now: Timestamp) {
        // The ring that is in use is kept: whoever signs with it now signs with ours.
        let own = std::mem::replace(&mut self.ring, Arc::clone(&previous.ring));
        for policy in self.policies.iter() {
            let Some(terms) = &policy.identity else { continue };
            // It was read a moment ago, and is right.
            if terms.key_file.is_some() && own.signing(terms, now).is_ok() {
                let _ = self.ring.read(terms, now);
            }
            let mut hashes: Vec<_> = previous.before.get(&policy.name).cloned().unwrap_or_default();
            hashes.retain(|(_, until)| now < *until);
            if let Some(old) = previous.policies.named(&policy.name).filter(|old| old.hash != policy.hash) {
                hashes.push((old.hash.clone(), after(now, terms.grace)));
            }
            self.before.insert(Arc::clone(&policy.name), hashes);
        }
    }

    /// The public keys of every policy with tokens.
    pub(in crate::identity) fn jwks(&self, now: Timestamp) -> Value {
        for terms in self.policies.iter().filter_map(|policy| policy.identity.as_ref()) {
            if let Err(error) = self.ring.signing(terms, now) {
                tracing::error!(%error, "session tokens cannot be signed");
            }
        }
        self.ring.jwks()
    }

    /// Opens a session.
    ///
    /// # Errors
    /// The policy has no tokens, or none can be signed.
    pub(in crate::identity) fn open(&self, policy: &Policy, now: Timestamp) -> Result<Opened, String> {
        let terms = policy.identity.as_ref().ok_or("the policy has no session tokens")?;
        let session = Uuid::new_v4().to_string();
        let payload = self.payload(policy, terms, &session, now);
        let token = self.sign(terms, &payload, now)?;
        tracing::debug!(event = "TOKEN_ISSUED", policy = %policy.name, session_id = %session, "a session was opened");
        let (expires_at, policy) = (payload.expires_at, Arc::clone(&policy.name));
        Ok(Opened { token, session, policy, expires_at, ttl: terms.ttl })
    }

    /// The next token of a session, one of whose tokens was accepted. None where the session has ended with its policy.
    pub(in crate::identity) fn next(&self, principal: &Principal, now: Timestamp) -> Option<Secret<String>> {
        let used = Payload::read(&principal.claims).ok()?;
        let policy = self.policies.named(&used.agent_id)?;
        let terms = policy.identity.as_ref()?;
        let mut payload = self.payload(policy, terms, &used.session_id, now);
        payload.binding = used.binding;
        let lived = Duration::from_nanos(u64::try_from(now.0.saturating_sub(used.issued_at.0)).unwrap_or(0));
        let rotated = !terms.rotation.is_zero() && lived >= terms.rotation;
        if !rotated && (used.policy_hash == policy.hash || terms.rotation.is_zero()) {
            (payload.issued_at, payload.expires_at) = (used.issued_at, used.expires_at);
        }
        match self.sign(terms, &payload, now) {
            Ok(token) => Some(token),
            Err(error) => {
                tracing::error!(%error, "the next session token cannot be signed");
                None
            }
        }
    }

    fn payload(&self, policy: &Policy, terms: &Terms, session: &str, now: Timestamp) -> Payload {
        Payload {
            version: VERSION.to_owned(),
            aud: terms.audience.clone(),
            policy_hash: policy.hash.clone(),
            session_id: session.to_owned(),
            agent_id: policy.name.to_string(),
            issued_at: now,
            expires_at: after(now, terms.ttl),
            nonce: String::new(),
            binding: self.place.of(&policy.path),
        }
    }

    fn sign(&self, terms: &Terms, payload: &Payload, now: Timestamp) -> Result<Secret<String>, String> {
        let mut random = [0; 16];
        SystemRandom::new().fill(&mut random).map_err(|_| "there is no randomness")?;
        let nonce = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let payload = Payload { nonce, ..payload.clone() };
        let payload = serde_json::to_value(payload).map_err(|error| error.to_string())?;
        let key = self.ring.signing(terms, now)?;
        key.sign(&payload).ok_or_else(|| "the key does not sign".to_owned())
    }

    /// The order is the specification's (section 5.4.3), after the signature: revocation, expiry, audience, policy, binding. The
    /// nonce is asked about when nothing else speaks against the call.
    fn check(&self, token: &str, now: Timestamp) -> Result<Accepted, Refusal> {
        if self.policies.is_empty() {
            return Err(Refusal::UnknownKind);
        }
        let jws = Jws::parse(token)?;
        if !matches!(jws.algorithm, Algorithm::Es256 | Algorithm::EdDsa) {
            return Err(Refusal::Algorithm);
        }
        if jws.typ.as_deref().is_none_or(|typ| media_type(typ) != TYPE) {
            return Err(Refusal::Type);
        }
        let kid = jws.kid.ok_or(Refusal::Malformed("it has no `kid`"))?;
        let key = self.ring.find(&kid).ok_or(Refusal::UnknownKey)?;
        if !key.verifies(jws.algorithm, jws.signing_input, jws.signature) {
            return Err(Refusal::Signature);
        }
        let claims = strict_json::object(&jws.payload)
            .map_err(|_| Refusal::Malformed("its payload is not one strict json object"))?;
        let payload = Payload::read(&claims)?;
        self.check_revoked(&payload)?;
        if now >= payload.expires_at {
            return Err(Refusal::Expired);
        }
        if payload.issued_at.0 > now.0.saturating_add(CLOCK_SKEW) {
            return Err(Refusal::NotYet);
        }
        let policy = self.policies.named(&payload.agent_id).ok_or(Refusal::PolicyChanged)?;
        let terms = policy.identity.as_ref().ok_or(Refusal::PolicyChanged)?;
        if !self.ring.counts_for(&key, terms, now) {
            return Err(Refusal::UnknownKey);
        }
        if payload.aud != terms.audience {
            return Err(Refusal::Audience);
        }
        self.check_hash(policy, &payload.policy_hash, now)?;
        self.check_binding(policy, terms, &payload)?;
        Ok(accepted(payload, claims, kid, terms))
    }

    /// Session first, then token.
    fn check_revoked(&self, payload: &Payload) -> Result<(), Refusal> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let records = directory.records()?;
        let issued_at = Some(payload.issued_at);
        let organisation = records.agent(&payload.agent_id).and_then(|agent| agent.organisation.clone());
        let known = RevocationFacts { organisation, issued_at, ..RevocationFacts::default() };
        let session = Some(payload.session_id.clone());
        if records.revocations().covers(&RevocationFacts { session, ..known.clone() }) {
            return Err(Refusal::Revoked("the session was revoked"));
        }
        let jti = Some(payload.nonce.clone());
        if records.revocations().covers(&RevocationFacts { jti, ..known }) {
            return Err(Refusal::Revoked("the token was revoked"));
        }
        Ok(())
    }

    fn check_hash(&self, policy: &Policy, hash: &str, now: Timestamp) -> Result<(), Refusal> {
        let before = self.before.get(&policy.name).map(Vec::as_slice).unwrap_or_default();
        let in_grace = before.iter().any(|(old, until)| old == hash && now < *until);
        if policy.hash == hash || in_grace { Ok(()) } else { Err(Refusal::PolicyChanged) }
    }

    fn check_binding(&self, policy: &Policy, terms: &Terms, payload: &Payload) -> Result<(), Refusal> {
        let here = self.place.of(&policy.path);
        match terms.binding {
            Binding::Policy => Ok(()),
            Binding::Process if payload.binding.process_id == here.process_id => Ok(()),
            Binding::Process => Err(Refusal::SessionMismatch),
            Binding::Strict if payload.binding == here => Ok(()),
            Binding::Strict => Err(Refusal::BindingMismatch),
        }
    }
}

/// Whether a caller may open a session of a policy: as the agent of its name, or with the permission `aip:NAME`; in its own name,
/// and not for some operations only.
pub(in crate::identity) fn may_open(verified: &Verified, policy: &str) -> bool {
    let Verified { principal, delegation, restrictions, .. } = verified;
    let own = principal.method != METHOD && principal.actors.is_empty() && delegation.is_none();
    let wanted = format!("aip:{policy}");
    let named = principal.agent.as_deref() == Some(policy);
    let permitted = principal.permissions.iter().any(|permission| covers(permission, &wanted));
    own && !restrictions.names_operations() && (named || permitted)
}

fn accepted(payload: Payload, claims: Map<String, Value>, kid: String, terms: &Terms) -> Accepted {
    let longer = terms.nonce_window.saturating_sub(terms.ttl);
    let Payload { session_id, agent_id, issued_at, expires_at, nonce, .. } = payload;
    let principal = Principal {
        id: agent_id.clone(),
        kind: "agent".to_owned(),
        issuer: ISSUER.to_owned(),
        method: METHOD,
        roles: Vec::new(),
        scopes: Vec::new(),
        permissions: Vec::new(),
        tenant: None,
        agent: Some(agent_id.clone()),
        actors: Vec::new(),
        attributes: Map::new(),
        claims,
        proof: Proof::Bearer,
        prepared: Prepared::default(),
    };
    Accepted {
        says: Statement::Subject(Subject { principal: Arc::new(principal), limits: None, scope: None }),
        validity: Validity { from: None, until: Some(expires_at.0) },
        expires_at: Some(expires_at),
        basis: Box::new(Lasting),
        facts: RevocationFacts {
            jti: Some(nonce.clone()),
            session: Some(session_id),
            key: Some(kid),
            issuer: Some(ISSUER.to_owned()),
            subject: Some(agent_id.clone()),
            aliases: Vec::new(),
            agents: vec![agent_id],
            organisation: None,
            issued_at: Some(issued_at),
        },
        bound_to: None,
        proves: None,
        single_use: Some(SingleUse {
            nonce: stores::Key::new("aip:nonce", &[nonce.as_bytes()]),
            until: after(expires_at, longer),
            issued_at: Some(issued_at),
        }),
        // What may be used once is never taken from the cache.
        kept: false,
    }
}

fn after(at: Timestamp, wait: Duration) -> Timestamp {
    Timestamp(at.0.saturating_add(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX)))
}
