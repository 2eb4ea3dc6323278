//! The caller of a case: a subject, or a credential.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Map;

use super::fixture_credential::Presented;
use super::fixture_document::Document;
use crate::identity::stated::Stated;
use crate::model::limits::HardLimits;
use crate::model::principal::{IdentityMode, Proof, Verified};
use crate::model::roles::Roles;

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

/// A subject: what policy sees as `input.subject`, and what its credential would allow at most.
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
    /// `input.subject.method`.
    #[serde(default)]
    pub method: Method,
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
    /// `input.subject.agent`.
    #[serde(default)]
    pub agent: Option<String>,
    /// `input.subject.act`, in the nested form of RFC 8693 section 4.1.
    #[serde(default)]
    pub act: Option<Document>,
    /// `input.subject.attributes`.
    #[serde(default)]
    pub attributes: BTreeMap<String, Document>,
    /// `input.subject.claims`.
    #[serde(default)]
    pub claims: BTreeMap<String, Document>,
    /// `input.subject.proof.type`.
    #[serde(default)]
    pub proof: ProofName,
    /// The hard limits, which no policy can override.
    #[serde(default)]
    pub limits: HardLimits,
    /// The operations that the credential is for, as the scope of a capability; all without it.
    #[serde(default)]
    pub operations: Option<Vec<String>>,
}

/// By which kind of credential a subject was verified.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A JSON Web Token.
    #[default]
    Jwt,
    /// An API key.
    ApiKey,
    /// A capability token.
    Capability,
}

/// What proves that a credential is the caller's own.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofName {
    /// Nothing but having it.
    #[default]
    Bearer,
    /// Another credential.
    Bound,
    /// A proof of its key (RFC 9449).
    Dpop,
    /// The key of a certificate (RFC 8705).
    Mtls,
}

impl Subject {
    /// The subject as if it had been verified, with the permissions that its roles give.
    ///
    /// # Errors
    /// What no verified subject can be.
    pub fn verified(&self, roles: &Roles) -> Result<Verified, String> {
        let documents = |documents: &BTreeMap<String, Document>| -> Map<String, serde_json::Value> {
            documents.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect()
        };
        let stated = Stated {
            id: self.id.clone(),
            kind: self.kind.clone(),
            issuer: self.issuer.clone(),
            method: match self.method {
                Method::Jwt => "jwt",
                Method::ApiKey => "api_key",
                Method::Capability => "capability",
            },
            roles: self.roles.clone(),
            scopes: self.scopes.clone(),
            permissions: self.permissions.clone(),
            tenant: self.tenant.clone(),
            agent: self.agent.clone(),
            act: self.act.as_ref().map(|act| act.0.clone()),
            attributes: documents(&self.attributes),
            claims: documents(&self.claims),
            proof: match self.proof {
                ProofName::Bearer => Proof::Bearer,
                ProofName::Bound => Proof::Bound,
                ProofName::Dpop => Proof::Dpop,
                ProofName::Mtls => Proof::Mtls,
            },
            limits: Arc::new(self.limits.clone()),
            operations: self.operations.as_deref().map(Arc::from),
        };
        stated.verified(roles).map_err(|error| format!("`subject`: {error}"))
    }
}

fn default_kind() -> String {
    "user".to_owned()
}

fn default_issuer() -> String {
    "fixture".to_owned()
}

/// The value of `subject`.
pub(super) enum RawSubject {
    Anonymous,
    Ready(Box<Subject>),
}
