//! What `identity.introspection` may say in the configuration.

use serde::{Deserialize, Serialize};

use crate::identity::claim_mapping::ClaimMapping;
use crate::identity::one_or_many::one_or_many;
use crate::model::units::Period;
use crate::net::UrlText;

/// `identity.introspection` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntrospectionConfig {
    /// The introspection endpoint (RFC 7662 section 2).
    pub url: UrlText,
    /// Who issues the tokens: the issuer of their subjects, and what the `iss` of an answer must be. Without it, the issuer is the
    /// origin of `url`, and `iss` is not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The environment variable that holds the client id which Verdict has there.
    pub client_id_env: String,
    /// The environment variable that holds the client's secret.
    pub client_secret_env: String,
    /// What the `aud` of an answer must name, one of these; none is any.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// The scopes that every token must have.
    #[serde(default)]
    pub required_scopes: Vec<String>,
    /// What its tokens begin with, where other opaque credentials are accepted, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Where the subject's attributes stand in an answer.
    #[serde(default)]
    pub claims: ClaimMapping,
    /// How long an answer is relied on: a token that is revoked at its issuer is accepted as long.
    #[serde(default = "default_cache")]
    pub cache_ttl: Period,
    /// How long an answer may take.
    #[serde(default = "default_timeout")]
    pub timeout: Period,
    /// How far clocks may differ.
    #[serde(default = "default_leeway")]
    pub leeway: Period,
}

impl IntrospectionConfig {
    /// With the defaults for all that is not given.
    pub fn new(url: &str, client_id_env: String, client_secret_env: String) -> Self {
        Self {
            url: UrlText::from(url),
            issuer: None,
            client_id_env,
            client_secret_env,
            audience: Vec::new(),
            required_scopes: Vec::new(),
            prefix: None,
            claims: ClaimMapping::default(),
            cache_ttl: default_cache(),
            timeout: default_timeout(),
            leeway: default_leeway(),
        }
    }
}

const fn default_cache() -> Period {
    Period::secs(10)
}

const fn default_timeout() -> Period {
    Period::secs(2)
}

const fn default_leeway() -> Period {
    Period::secs(30)
}
