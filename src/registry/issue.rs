//! What the registry says to outsiders in the name of its organisations: keys, agents' cards, assertions, exchanged tokens.
//!
//! INVARIANT (in force): nothing is said of an organisation or an agent that is disabled or revoked, and nothing at all while it
//! is not known whether they are.
//! INVARIANT (noted): an assertion or a token leaves only after an event says for whom it was made, and for which audience.
//! INVARIANT (short): what proves an identity lives for at most [`LONGEST`].
//!
//! Deliberately absent: what outsiders think of it (`identity` has that, for those of others).

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::actor::{Actor, Right};
use super::directory::Directory as _;
use super::record::{Agent, Stored as _};
use super::records::{Records, Standing};
use super::rejection::Rejection;
use super::row::AuthEvent;
use super::service::Registry;
use super::signers::Card;
use super::store::{StoreError, StoreErrorKind, WriteError};
use crate::model::clock::Timestamp;
use crate::model::secret::Secret;
use crate::model::subject;
use crate::model::units::Period;

/// The `typ` of an assertion.
pub const ASSERTION: &str = "agent-assertion+jwt";
/// The `typ` of an agent's card.
pub const CARD: &str = "agent-card+jwt";
/// The longest that an assertion or an exchanged token lives.
pub const LONGEST: Period = Period::secs(300);
/// How long an assertion lives unless it says so.
const USUAL: Period = Period::secs(60);
/// How long a card is valid, in nanoseconds.
const CARD_LIFE: i64 = 3600 * SECOND;
/// How often outsiders are to look for other keys, in seconds.
const REFRESH_HINT: u64 = 60;
const SECOND: i64 = 1_000_000_000;

/// An assertion that is to be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAssertion {
    /// Who is to accept it.
    pub audience: String,
    /// How long it is valid: 60 seconds, at most 5 minutes.
    #[serde(default)]
    pub ttl: Option<Period>,
}

/// A token that is to be, in the place of another.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The agent.
    pub agent: String,
    /// Who is to accept it; by default the first that is allowed.
    pub audience: Option<String>,
    /// What it is for.
    pub scopes: Vec<String>,
    /// When the other ends: this one does not live longer.
    pub not_after: Option<Timestamp>,
}

/// What was issued.
#[derive(Debug)]
pub struct Issued {
    /// The token.
    pub token: Secret<String>,
    /// How long it is valid, in seconds.
    pub expires_in: i64,
    /// Its identifier.
    pub id: String,
}

impl Registry {
    /// The public keys of an organisation (RFC 7517 section 5); none where it shows nothing to outsiders.
    ///
    /// # Errors
    /// It is not known which keys are in force.
    pub fn jwks(&self, organisation: &str) -> Result<Option<Value>, WriteError> {
        let records = self.fresh()?;
        Ok(self.keys_of(&records, organisation, "sig").map(|(keys, _)| json!({ "keys": keys })))
    }

    /// The public keys of an organisation as a SPIFFE bundle (SPIFFE Trust Domain and Bundle section 4).
    ///
    /// # Errors
    /// It is not known which keys are in force.
    pub fn spiffe_bundle(&self, organisation: &str) -> Result<Option<Value>, WriteError> {
        let records = self.fresh()?;
        let keys = self.keys_of(&records, organisation, "jwt-svid");
        let keys = keys.filter(|_| self.rules.outward.trust_domain.is_some());
        Ok(keys.map(|(keys, sequence)| {
            json!({ "keys": keys, "spiffe_sequence": sequence, "spiffe_refresh_hint": REFRESH_HINT })
        }))
    }

    fn keys_of(&self, records: &Records, organisation: &str, purpose: &str) -> Option<(Vec<Value>, u64)> {
        self.rules.outward.url.as_ref()?;
        if records.organisation_standing(organisation) != Standing::InForce {
            return None;
        }
        let (keys, now) = (records.signing_keys(organisation)?, self.clock.now());
        let shown = keys.published(now).into_iter().map(|key| key.public_key.jwk(&key.id, purpose));
        Some((shown.collect(), keys.sequence(now)))
    }

    /// The card of an agent: a signed document that says whose it is. None where there is no such agent, it is not to have
    /// one, or its organisation has never had a key. May block.
    ///
    /// # Errors
    /// It is not known who is in force, or the key cannot be opened.
    pub fn card(&self, agent: &str) -> Result<Option<String>, WriteError> {
        let records = self.fresh()?;
        let Ok((agent, organisation)) = in_force(&records, agent) else { return Ok(None) };
        let shown = match agent.attributes.get("card") {
            None | Some(Value::Bool(true)) => Map::new(),
            Some(Value::Object(card)) => card.clone(),
            Some(_) => return Ok(None),
        };
        let (Some(issuer), Some(key)) =
            (self.rules.outward.issuer(organisation), self.known_signing_key(organisation))
        else {
            return Ok(None);
        };
        let mut claims = json!({
            "iss": issuer, "sub": agent.id, "organisation": organisation, "kid": key.id, "card": shown,
        });
        let (says, now) = (claims.to_string(), self.clock.now());
        if let Some(card) = self.signers.card(&agent.id, &says, now) {
            return Ok(Some(card));
        }
        if let Some(members) = claims.as_object_mut() {
            members.remove("kid");
        }
        put(&mut claims, "iat", now.unix_seconds());
        put(&mut claims, "exp", Timestamp(now.0.saturating_add(CARD_LIFE)).unix_seconds());
        let text = self.sign(&key, CARD, &claims)?;
        let until = Timestamp(now.0.saturating_add(CARD_LIFE / 2));
        self.signers.keep_card(&agent.id, Card { says, text: text.clone(), until });
        Ok(Some(text))
    }

    /// An assertion of an agent's identity for one audience. Blocks.
    ///
    /// # Errors
    /// The actor may not have one made, the agent is not in force, or the database fails.
    pub fn assertion(&self, actor: &Actor, agent: &str, new: &NewAssertion) -> Result<Issued, WriteError> {
        let records = self.fresh()?;
        let (agent, organisation) = in_force(&records, agent)?;
        if !actor.sees(Some(organisation)) {
            return Err(Rejection::not_found(Agent::WORD, &agent.id).into());
        }
        if actor.agent() != Some(&agent.id) {
            actor.require(Right::Provision, Some(organisation))?;
        }
        subject::check_id(&new.audience).map_err(|problem| Rejection::invalid("audience", problem))?;
        let ttl = new.ttl.unwrap_or(USUAL);
        if ttl < Period::secs(1) || ttl > LONGEST {
            return Err(Rejection::invalid("ttl", format!("is not between 1s and {LONGEST}")).into());
        }
        let issuer = self.rules.outward.issuer(organisation).ok_or_else(|| unset("registry.public_url"))?;
        let claims =
            json!({ "iss": issuer, "sub": agent.id, "organisation": organisation, "aud": new.audience });
        let made =
            Making { agent, organisation, typ: ASSERTION, action: "assertion_issued", actor: Some(actor) };
        self.issue(&made, claims, seconds(ttl))
    }

    /// A token of the form of a JWT-SVID, in the place of another that named the agent. Blocks.
    ///
    /// # Errors
    /// The agent is not in force, the audience is not allowed, or the database fails.
    pub fn exchanged(&self, new: &NewToken) -> Result<Issued, WriteError> {
        let records = self.fresh()?;
        let (agent, organisation) = in_force(&records, &new.agent)?;
        let outward = &self.rules.outward;
        let issuer = outward.issuer(organisation).ok_or_else(|| unset("registry.public_url"))?;
        let id = outward.spiffe_id(&agent.id).ok_or_else(|| unset("registry.trust_domain"))?;
        let audience = match &new.audience {
            None => outward.audiences.first(),
            Some(named) => outward.audiences.iter().find(|allowed| *allowed == named),
        };
        let Some(audience) = audience else {
            let message = "is not among those that the configuration allows (`registry.token_audiences`)";
            return Err(Rejection::invalid("audience", message).into());
        };
        let left = new.not_after.map_or(i64::MAX, |end| end.unix_seconds() - self.clock.now().unix_seconds());
        let lifetime = seconds(LONGEST).min(left);
        if lifetime < 1 {
            return Err(Rejection::invalid("subject_token", "ends now").into());
        }
        let mut claims = json!({
            "iss": issuer, "sub": id, "agent": agent.id, "organisation": organisation, "aud": [audience],
        });
        if !new.scopes.is_empty() {
            put(&mut claims, "scope", new.scopes.join(" "));
        }
        let made = Making { agent, organisation, typ: "JWT", action: "token_exchanged", actor: None };
        self.issue(&made, claims, lifetime)
    }

    /// The records in force, which must not be too old.
    fn fresh(&self) -> Result<std::sync::Arc<Records>, WriteError> {
        self.records().map_err(|error| StoreError::new(StoreErrorKind::Gone, error.to_string()).into())
    }

    /// Adds the times and the identifier, notes it, and signs.
    fn issue(&self, making: &Making<'_>, mut claims: Value, lifetime: i64) -> Result<Issued, WriteError> {
        let Making { agent, organisation, typ, action, actor } = making;
        let key = self.signing_key(organisation)?;
        let (now, id) = (self.clock.now(), self.random_id()?);
        let audience = claims.get("aud").map(ToString::to_string).unwrap_or_default();
        put(&mut claims, "iat", now.unix_seconds());
        put(&mut claims, "exp", now.unix_seconds().saturating_add(lifetime));
        put(&mut claims, "jti", id.as_str());
        let token = Secret::new(self.sign(&key, typ, &claims)?);
        let event = AuthEvent {
            at: now,
            organisation: Some((*organisation).to_owned()),
            agent: Some(agent.id.clone()),
            key_prefix: None,
            action: (*action).to_owned(),
            reason: Some(format!("audience {audience}, jti {id}")),
            peer: actor.and_then(|actor| actor.peer).map(|peer| peer.to_string()),
            count: 1,
        };
        self.store.append_events(&[event], u64::MAX)?;
        Ok(Issued { token, expires_in: lifetime, id })
    }

    fn random_id(&self) -> Result<String, WriteError> {
        let mut bytes = [0; 16];
        (self.rules.random)(&mut bytes)?;
        Ok(bytes.iter().fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }
}

/// What is made, and for whom.
struct Making<'a> {
    agent: &'a Agent,
    organisation: &'a str,
    typ: &'static str,
    action: &'static str,
    actor: Option<&'a Actor>,
}

/// An agent of an organisation, if both are in force.
fn in_force<'r>(records: &'r Records, id: &str) -> Result<(&'r Agent, &'r str), Rejection> {
    let agent = records.agent(id).filter(|agent| records.agent_standing(agent) == Standing::InForce);
    let found = agent.and_then(|agent| Some((&**agent, agent.organisation.as_deref()?)));
    let found = found.filter(|(_, id)| records.organisation_standing(id) == Standing::InForce);
    found.ok_or_else(|| Rejection::not_found(Agent::WORD, id))
}

fn put(claims: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(members) = claims.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}

fn unset(key: &str) -> Rejection {
    Rejection::conflict(format!("`{key}` is not set, and outsiders could not verify what would be made"))
}

fn seconds(period: Period) -> i64 {
    i64::try_from(period.0.as_secs()).unwrap_or(i64::MAX)
}
