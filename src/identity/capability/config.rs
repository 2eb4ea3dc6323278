//! What `identity.capabilities` may say in the configuration. [`super::check`] says whether it holds together.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::units::Period;

/// `identity.capabilities` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The exact `iss` of the tokens (RFC 7519 section 4.1.1).
    pub issuer: String,
    /// What a token's `aud` must name (RFC 7519 section 4.1.3).
    pub audience: String,
    /// The public keys that tokens may be signed with.
    pub keys: Vec<KeyConfig>,
    /// The longest time from `iat` to `exp`.
    #[serde(default = "default_max_ttl")]
    pub max_ttl: Period,
    /// How far clocks may differ.
    #[serde(default = "default_leeway")]
    pub leeway: Period,
    /// Whether a token is accepted once only, by its `jti`.
    #[serde(default)]
    pub single_use: bool,
    /// A header that carries capabilities, besides `Authorization: Bearer`, e.g. `x-agentpack-capability`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

impl Config {
    /// Trusts these keys, with the usual limits.
    pub fn new(issuer: &str, audience: &str, keys: Vec<KeyConfig>) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            keys,
            max_ttl: default_max_ttl(),
            leeway: default_leeway(),
            single_use: false,
            header: None,
        }
    }
}

/// One entry of `identity.capabilities.keys`. Exactly one of its sources is set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// What a token's header calls the key.
    pub kid: String,
    /// The public key, as PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// The file of the public key, as PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key_file: Option<PathBuf>,
}

const fn default_max_ttl() -> Period {
    Period::secs(15 * 60)
}

const fn default_leeway() -> Period {
    Period::secs(30)
}
