//! What `identity.api_keys:` may say in the configuration.

use std::collections::BTreeMap;

use http::HeaderName;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};

use crate::identity::config::ConfigError;
use crate::model::subject;
use crate::stores::Quota;

/// `identity.api_keys:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiKeysConfig {
    /// The headers in which keys are looked for, besides bearer tokens.
    pub headers: Vec<String>,
    /// Keys that are in environment variables.
    pub env: Vec<VariableConfig>,
    /// Keys that are in all environment variables with a prefix.
    pub env_prefix: Vec<PrefixConfig>,
    /// How many wrong keys one peer may try.
    pub guesses_per_peer: String,
    /// How many wrong keys may be tried that begin alike.
    pub guesses_per_prefix: String,
}

impl ApiKeysConfig {
    /// Whether it names variables with keys.
    pub const fn has_variables(&self) -> bool {
        !self.env.is_empty() || !self.env_prefix.is_empty()
    }
}

impl Default for ApiKeysConfig {
    fn default() -> Self {
        let headers = ["x-api-key", "x-relay-api-key", "x-agentpack-key", "x-agentpack-device-key"];
        Self {
            headers: headers.map(str::to_owned).into(),
            env: Vec::new(),
            env_prefix: Vec::new(),
            guesses_per_peer: "60/minute".to_owned(),
            guesses_per_prefix: "600/minute".to_owned(),
        }
    }
}

/// One entry of `identity.api_keys.env`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableConfig {
    /// The variable that holds the key.
    pub variable: String,
    /// The caller's id; the variable's name unless it says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The caller's type.
    #[serde(rename = "type", default = "default_kind")]
    pub kind: String,
    /// The caller's roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The caller's scopes.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The caller's permissions.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// The caller's tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What else policy may want to know.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// One entry of `identity.api_keys.env_prefix`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrefixConfig {
    /// What the names of the variables begin with. The rest of a name is the caller's id.
    pub prefix: String,
    /// The callers' type.
    #[serde(rename = "type", default = "default_kind")]
    pub kind: String,
    /// The callers' roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The callers' scopes.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The callers' permissions.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// The callers' tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What else policy may want to know.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

fn default_kind() -> String {
    "service".to_owned()
}

impl VariableConfig {
    /// The key of a variable, with nothing else said.
    pub fn of(variable: String) -> Self {
        Self {
            variable,
            id: None,
            kind: default_kind(),
            roles: Vec::new(),
            scopes: Vec::new(),
            permissions: Vec::new(),
            tenant: None,
            metadata: BTreeMap::new(),
        }
    }
}

impl PrefixConfig {
    /// The keys of all variables with a prefix, with nothing else said.
    pub fn of(prefix: String) -> Self {
        Self {
            prefix,
            kind: default_kind(),
            roles: Vec::new(),
            scopes: Vec::new(),
            permissions: Vec::new(),
            tenant: None,
            metadata: BTreeMap::new(),
        }
    }
}

/// Checks what the types cannot say; what the variables hold is looked at when they are read.
pub fn check(config: &ApiKeysConfig) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    for (n, name) in config.headers.iter().enumerate() {
        let at = format!("identity.api_keys.headers[{n}]");
        match name.parse::<HeaderName>() {
            Err(_) => errors.push(ConfigError::new(
                at,
                format!("`{name}` is not the name of a header"),
                "write e.g. `x-api-key`",
            )),
            Ok(name) if name == AUTHORIZATION || name == http::header::COOKIE => {
                errors.push(ConfigError::new(
                    at,
                    format!("`{name}` has a form of its own"),
                    "name another header; bearer tokens are looked at anyway",
                ));
            }
            Ok(_) if config.headers.iter().take(n).any(|other| other.eq_ignore_ascii_case(name)) => {
                errors.push(ConfigError::new(at, format!("`{name}` is there twice"), "remove one of them"));
            }
            Ok(_) => {}
        }
    }
    for (n, entry) in config.env.iter().enumerate() {
        let at = format!("identity.api_keys.env[{n}]");
        if entry.variable.is_empty() {
            errors.push(ConfigError::new(
                format!("{at}.variable"),
                "is empty",
                "name the environment variable with the key",
            ));
        }
        let id = entry.id.as_deref().map(|id| ("id", subject::check_id(id)));
        caller(&at, id, &entry.kind, entry.tenant.as_deref(), &mut errors);
    }
    for (n, entry) in config.env_prefix.iter().enumerate() {
        let at = format!("identity.api_keys.env_prefix[{n}]");
        if entry.prefix.is_empty() {
            errors.push(ConfigError::new(
                format!("{at}.prefix"),
                "is empty, and would take every variable",
                "write e.g. `AGENT_KEY_`",
            ));
        }
        caller(&at, None, &entry.kind, entry.tenant.as_deref(), &mut errors);
    }
    for (key, text) in
        [("guesses_per_peer", &config.guesses_per_peer), ("guesses_per_prefix", &config.guesses_per_prefix)]
    {
        if let Err(error) = quota(key, text) {
            errors.push(error);
        }
    }
    errors
}

/// The limit under a key.
pub(super) fn quota(key: &str, text: &str) -> Result<Quota, ConfigError> {
    let hint = "it limits wrong keys, not calls";
    text.parse()
        .map_err(|message: String| ConfigError::new(format!("identity.api_keys.{key}"), message, hint))
}

type Checked = (&'static str, Result<(), &'static str>);

fn caller(at: &str, id: Option<Checked>, kind: &str, tenant: Option<&str>, errors: &mut Vec<ConfigError>) {
    let tenant = tenant.map(|tenant| ("tenant", subject::check_tenant(tenant)));
    for (key, checked) in [id, Some(("type", subject::check_kind(kind))), tenant].into_iter().flatten() {
        if let Err(problem) = checked {
            errors.push(ConfigError::new(
                format!("{at}.{key}"),
                problem,
                "write a name that people can read",
            ));
        }
    }
}
