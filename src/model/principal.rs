//! Who is calling, once `identity` has verified it.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::clock::Timestamp;
use super::limits::Restrictions;
use super::secret::Secret;

/// A verified caller: the `input.subject` that policies see.
///
/// INVARIANT (only after verification): built by `identity` alone, from claims whose signature, issuer, audience and
/// times it has checked (the fence test holds the rest of the code to it).
#[derive(Debug, Clone, Serialize)]
pub struct Principal {
    /// The subject identifier (JWT `sub`).
    pub id: String,
    /// What the caller is: `user`, `service`, `agent`, or what the issuer's claim mapping says.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who vouches for it (JWT `iss`).
    pub issuer: String,
    /// The kind of credential that it was verified by, e.g. `jwt`.
    pub method: &'static str,
    /// Roles, as the issuer's claim mapping finds them.
    pub roles: Vec<String>,
    /// OAuth 2.0 scopes (RFC 6749 section 3.3).
    pub scopes: Vec<String>,
    /// Permissions, as the issuer's claim mapping finds them.
    pub permissions: Vec<String>,
    /// The tenant or organisation, where the issuer names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The agent that calls: the subject itself, or who acts for it. Only who may vouch for agents can name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Who acts for the subject, the current actor first; empty where it acts itself. Serialised as `act`, in the nested
    /// form of RFC 8693 section 4.1.
    #[serde(rename = "act", skip_serializing_if = "Vec::is_empty", serialize_with = "nested")]
    pub actors: Vec<Actor>,
    /// What else the credential's mapping or record says of the subject, by name, e.g. `email`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    /// Every verified claim, as the token carries it.
    pub claims: Map<String, Value>,
    /// What proves that the credential is the caller's own.
    pub proof: Proof,
    /// The engine's form of this document: made once for each verified token, not once for each call.
    #[serde(skip)]
    pub prepared: Prepared,
}

impl Principal {
    /// Whether two credentials name the same subject.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.id == other.id && self.issuer == other.issuer && self.tenant == other.tenant
    }
}

/// One of those who act for a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Its identifier (`act.sub`).
    pub id: String,
    /// Who names it (`act.iss`); the credential's issuer where it is absent.
    pub issuer: Option<String>,
}

/// What proves that a credential is the caller's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Proof {
    /// Nothing but having it (RFC 6750).
    Bearer,
    /// Another credential, that this one is bound to (RFC 7800 `cnf`).
    Bound,
    /// A proof of the key that it is bound to (RFC 9449).
    Dpop,
    /// The key of a certificate, in the handshake of TLS (RFC 8705).
    Mtls,
}

/// An actor chain in the nested form of RFC 8693 section 4.1: `{"sub": …, "act": {"sub": …}}`.
#[derive(Debug, Clone, Copy)]
pub struct ActorChain<'a>(pub &'a [Actor]);

impl Serialize for ActorChain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some((actor, before)) = self.0.split_first() {
            map.serialize_entry("sub", &actor.id)?;
            if let Some(issuer) = &actor.issuer {
                map.serialize_entry("iss", issuer)?;
            }
            if !before.is_empty() {
                map.serialize_entry("act", &ActorChain(before))?;
            }
        }
        map.end()
    }
}

fn nested<S: Serializer>(actors: &[Actor], serializer: S) -> Result<S::Ok, S::Error> {
    ActorChain(actors).serialize(serializer)
}

/// A slot for what another module derives from a value and wants to keep with it. A copy of the value has a slot of its
/// own, for it may be changed.
#[derive(Default)]
pub struct Prepared(OnceLock<Arc<dyn Any + Send + Sync>>);

impl Clone for Prepared {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Prepared {
    /// The value that was kept, or the one that `make` returns now. A slot that holds another type is left alone.
    pub fn get_or_make<T: Any + Send + Sync + Clone>(&self, make: impl Fn() -> T) -> T {
        let kept = self.0.get_or_init(|| Arc::new(make()));
        kept.downcast_ref::<T>().cloned().unwrap_or_else(make)
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prepared")
    }
}

/// What authentication found out about one call.
#[derive(Debug, Clone)]
pub enum AuthContext {
    /// Identity is off: the input passes as the caller sent it, as with plain OPA.
    Unchecked,
    /// No credential was presented, and none is required here.
    Anonymous,
    /// The credential was verified.
    Verified(Verified),
}

impl AuthContext {
    /// The caller's organisation, where it was verified.
    pub fn organisation(&self) -> Option<&str> {
        match self {
            Self::Verified(verified) => verified.principal.tenant.as_deref(),
            Self::Unchecked | Self::Anonymous => None,
        }
    }
}

/// A verified principal, and what its credentials allow at most.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Who is calling.
    pub principal: Arc<Principal>,
    /// When the first of its credentials ceases to be valid; none if none does.
    pub expires_at: Option<Timestamp>,
    /// The id of its API key, where it presented one.
    pub key: Option<Arc<str>>,
    /// The transaction that the call is part of, where its caller shows one.
    pub transaction: Option<Arc<Transaction>>,
    /// The delegation that it acts by, where there is one.
    pub delegation: Option<Arc<Delegated>>,
    /// What no policy can allow.
    pub restrictions: Restrictions,
    /// The next token of its session, which the answer carries.
    pub next_token: Option<Arc<Secret<String>>>,
}

impl Verified {
    /// The roles that count for what Verdict itself guards: management and explanations.
    ///
    /// INVARIANT (scopes hold here, too): who may do certain operations only, by a delegation, a capability or a hard limit,
    /// has none of them, whatever roles the one has on whose behalf it acts.
    pub fn own_roles(&self) -> &[String] {
        if self.restrictions.names_operations() { &[] } else { &self.principal.roles }
    }
}

/// The delegation that a caller acts by: `input.subject.delegation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delegated {
    /// Its id.
    pub id: String,
    /// The agent that granted it: the subject, or who passed on what it had been granted.
    pub from: String,
    /// The agent that it was granted to: the one that calls.
    pub to: String,
    /// The operations that it is for.
    pub scope: Vec<String>,
    /// When it, or the first of those that it passes on, ceases to be valid.
    pub expires_at: Timestamp,
}

/// The transaction that a call is part of, as a transaction token says: `input.subject.transaction`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transaction {
    /// Its id.
    pub txn: String,
    /// On whose behalf it was begun.
    pub sub: String,
    /// Who vouches for it.
    pub iss: String,
    /// What it is for.
    pub scope: Vec<String>,
    /// The workload that asked for the token; not the one that calls.
    pub req_wl: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tctx: Option<Map<String, Value>>,
    /// The request that began it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rctx: Option<Map<String, Value>>,
}

/// Whether a call must, may, or need not say who it is (`identity.mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityMode {
    /// A call without a valid credential is refused.
    Required,
    /// Absent is anonymous; bad is refused.
    Optional,
    /// Credentials are not looked at; every caller is anonymous.
    None,
    /// Credentials are not looked at; the input passes as it is (plain OPA behaviour).
    Off,
}

impl IdentityMode {
    /// Whether anybody is answered, whatever is presented.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::None | Self::Off)
    }
}
