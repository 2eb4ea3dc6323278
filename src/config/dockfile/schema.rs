//! What the `auth:` section of a Dockfile may say.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::roles::Role;
use crate::stores::Quota;

/// A Dockfile: of what else it says, nothing is read.
#[derive(Deserialize)]
pub(super) struct Dockfile {
    pub(super) auth: Option<Auth>,
    /// The other sections.
    #[serde(flatten)]
    _others: BTreeMap<String, serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    pub(super) mode: Mode,
    pub(super) api_keys: Option<ApiKeys>,
    pub(super) jwt: Option<Jwt>,
    pub(super) oauth2: Option<Oauth2>,
    #[serde(default)]
    pub(super) roles: Vec<Role>,
    #[serde(default)]
    pub(super) rate_limits: BTreeMap<String, Quota>,
    pub(super) rate_limit_backend: Option<Backend>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    None,
    ApiKey,
    Jwt,
    Oauth2,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Backend {
    Memory,
    Redis,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ApiKeys {
    pub(super) env_var: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) header: Option<String>,
    pub(super) allow_bearer: bool,
}

impl Default for ApiKeys {
    fn default() -> Self {
        Self { env_var: None, prefix: None, header: None, allow_bearer: true }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Jwt {
    pub(super) jwks_url: Option<String>,
    pub(super) public_key_env: Option<String>,
    pub(super) issuer: Option<String>,
    #[serde(default, deserialize_with = "crate::identity::one_or_many")]
    pub(super) audience: Vec<String>,
    #[serde(default = "rs256")]
    pub(super) algorithms: Vec<String>,
    #[serde(default = "half_a_minute")]
    pub(super) leeway_seconds: u64,
    #[serde(default)]
    pub(super) claims: Claims,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Claims {
    pub(super) user_id: Option<String>,
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
    pub(super) roles: Option<String>,
    pub(super) permissions: Option<String>,
    pub(super) scopes: Option<String>,
    pub(super) tenant_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Oauth2 {
    pub(super) introspection_url: String,
    pub(super) client_id_env: String,
    pub(super) client_secret_env: String,
    #[serde(default)]
    pub(super) required_scopes: Vec<String>,
}

fn rs256() -> Vec<String> {
    vec!["RS256".to_owned()]
}

const fn half_a_minute() -> u64 {
    30
}
