//! Who is calling, once `identity` has verified it.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde_json::{Map, Value};

use super::clock::Timestamp;

/// A verified caller: the `input.subject` that policies see.
///
/// INVARIANT (only after verification): built by `identity` alone, from claims whose signature, issuer, audience and
/// times it has checked (the fence test holds the rest of the code to it).
#[derive(Debug, Serialize)]
pub struct Principal {
    /// The subject identifier (JWT `sub`).
    pub id: String,
    /// What the caller is: `user`, `service`, `agent`, or what the issuer's claim mapping says.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who vouches for it (JWT `iss`).
    pub issuer: String,
    /// Roles, as the issuer's claim mapping finds them.
    pub roles: Vec<String>,
    /// OAuth 2.0 scopes (RFC 6749 section 3.3).
    pub scopes: Vec<String>,
    /// Permissions, as the issuer's claim mapping finds them.
    pub permissions: Vec<String>,
    /// The tenant or organisation, where the issuer names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Who acts for the subject, the current actor first (RFC 8693 section 4.1); empty where it acts itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<Actor>,
    /// Every verified claim, as the token carries it.
    pub claims: Map<String, Value>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// Its identifier (`act.sub`).
    pub id: String,
    /// Who names it (`act.iss`); the credential's issuer where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

/// A slot for what another module derives from a [`Principal`] and wants to keep with it.
#[derive(Default)]
pub struct Prepared(OnceLock<Arc<dyn Any + Send + Sync>>);

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

/// A verified principal and how it was verified.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Who is calling.
    pub principal: Arc<Principal>,
    /// How it was verified, e.g. `jwt`.
    pub method: &'static str,
    /// When the credential ceases to be valid; none if it does not.
    pub expires_at: Option<Timestamp>,
}

/// Whether a call must, may, or need not say who it is (`identity.mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityMode {
    /// A call without a valid credential is refused.
    Required,
    /// Absent is anonymous; bad is refused.
    Optional,
    /// Credentials are not looked at; the input passes as it is (plain OPA behaviour).
    Off,
}
