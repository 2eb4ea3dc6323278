//! The credentials of a case, which are minted for the run.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fixture_document::Document;
use crate::model::limits::HardLimits;
use crate::model::units::Period;

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
    /// Valid credentials with these contents.
    Valid(Box<Credentials>),
}

/// What a call presents together.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// A token of an issuer.
    pub token: Option<Token>,
    /// A capability token.
    pub capability: Option<Capability>,
    /// An API key that the directory knows.
    pub api_key: Option<ApiKey>,
    /// A delegation that the directory knows.
    pub delegation: Option<Delegation>,
}

impl Credentials {
    /// Whether nothing is presented.
    pub const fn is_empty(&self) -> bool {
        let Self { token, capability, api_key, delegation } = self;
        token.is_none() && capability.is_none() && api_key.is_none() && delegation.is_none()
    }
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

/// The contents of a capability token to mint for the case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// `sub`.
    pub agent: String,
    /// `scope`: the operations that it is for; all that the agent may do without it.
    #[serde(default)]
    pub scope: Option<Vec<String>>,
    /// `permissions`.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// `org`.
    #[serde(default)]
    pub organisation: Option<String>,
    /// `act`, the current actor first.
    #[serde(default)]
    pub act: Vec<String>,
    /// `cnf.kid`: the id of the API key that must be presented with it.
    #[serde(default)]
    pub bound_to: Option<String>,
    /// How long the token is valid from the case's `now`; more than 15 minutes is refused.
    #[serde(default = "default_ttl")]
    pub ttl: Period,
}

/// The record of an API key to make for the case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// The key's id.
    pub id: String,
    /// The agent whose key it is; without one it is a service's.
    #[serde(default)]
    pub agent: Option<String>,
    /// The organisation of the agent, or of the service.
    #[serde(default)]
    pub organisation: Option<String>,
    /// Roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Permissions, besides those of its roles.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// The hard limits of the agent, or of the service.
    #[serde(default)]
    pub limits: HardLimits,
    /// Whether the key is disabled.
    #[serde(default)]
    pub disabled: bool,
}

/// The record of a delegation to make for the case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegation {
    /// Who delegates.
    pub from: String,
    /// Who may act: the agent of the other credential.
    pub to: String,
    /// For which operations.
    pub scope: Vec<String>,
    /// How long it is valid from the case's `now`.
    #[serde(default = "default_ttl")]
    pub ttl: Period,
    /// Whether it is disabled.
    #[serde(default)]
    pub disabled: bool,
}

fn default_kind() -> String {
    "user".to_owned()
}

const fn default_ttl() -> Period {
    Period::secs(300)
}
