//! The caller of a case: a subject, or a credential.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::fixture_document::Document;
use crate::model::principal::IdentityMode;
use crate::model::units::Period;
use verdict_rego::Value;

/// The caller.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A subject as if it had been verified.
    Subject(Box<Subject>),
    /// Anonymous: no credential, with optional identity.
    Anonymous,
    /// Identity is off: the request is the input, as with plain OPA.
    Unchecked,
    /// The caller that the credential identifies.
    Credential(Presented, IdentityMode),
}

/// A subject: what policy sees as `input.subject`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// `input.subject.id`.
    pub id: String,
    /// `input.subject.type`.
    #[serde(rename = "type", default = "default_kind")]
    pub kind: String,
    /// `input.subject.issuer`.
    #[serde(default = "default_issuer")]
    pub issuer: String,
    /// `input.subject.roles`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// `input.subject.scopes`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// `input.subject.permissions`.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// `input.subject.tenant`.
    #[serde(default)]
    pub tenant: Option<String>,
    /// `input.subject.claims`.
    #[serde(default)]
    pub claims: BTreeMap<String, Document>,
}

impl Subject {
    /// The subject in the form that policy sees.
    ///
    /// # Errors
    /// A claim that cannot be converted.
    pub fn document(&self) -> Result<Value, String> {
        let Self { id, kind, issuer, roles, scopes, permissions, tenant, claims } = self;
        let mut document = json!({
            "id": id,
            "type": kind,
            "issuer": issuer,
            "roles": roles,
            "scopes": scopes,
            "permissions": permissions,
            "claims": claims,
        });
        if let (Some(tenant), Some(members)) = (tenant, document.as_object_mut()) {
            members.insert("tenant".to_owned(), json!(tenant));
        }
        Value::from_serialize(&document).map_err(|error| format!("`subject`: {error}"))
    }
}

/// The credential of the call.
#[derive(Debug, Clone)]
pub enum Presented {
    /// Nothing.
    Nothing,
    /// A token that was not signed by the issuer.
    Bad,
    /// An expired token.
    Expired,
    /// A malformed header.
    Malformed,
    /// A valid token with these contents.
    Token(Box<Token>),
}

/// The contents of a token to mint for the case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// `sub`.
    pub sub: String,
    /// `type`.
    #[serde(rename = "type", default = "default_kind")]
    pub kind: String,
    /// `roles`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Additional claims.
    #[serde(default)]
    pub claims: BTreeMap<String, Document>,
    /// How long the token is valid from the case's `now`.
    #[serde(default = "default_ttl")]
    pub ttl: Period,
}

fn default_kind() -> String {
    "user".to_owned()
}

fn default_issuer() -> String {
    "fixture".to_owned()
}

const fn default_ttl() -> Period {
    Period::secs(300)
}

/// The value of `subject`.
pub(super) enum RawSubject {
    Anonymous,
    Ready(Box<Subject>),
}
