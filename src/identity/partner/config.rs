//! What `identity.partners` may say in the configuration.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::identity::one_or_many::one_or_many;
use crate::model::units::Period;
use crate::net::UrlText;

/// One entry of `identity.partners`: an organisation elsewhere whose agents may call. Exactly one source of keys is set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerConfig {
    /// What the organisation is called here: the tenant of its agents in policy.
    pub organisation: String,
    /// The exact `iss` of its assertions.
    pub issuer: String,
    /// What an assertion's `aud` must name, one of these: who we are to the partner.
    #[serde(deserialize_with = "one_or_many")]
    pub audience: Vec<String>,
    /// Its keys, as the URL of a JWKS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<UrlText>,
    /// Its keys, as a JWKS file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<PathBuf>,
    /// How often keys are fetched again.
    #[serde(default = "default_refresh")]
    pub jwks_refresh: Period,
    /// How long keys are used that could not be read again since.
    #[serde(default = "default_max_age")]
    pub jwks_max_age: Period,
    /// How far clocks may differ.
    #[serde(default = "default_leeway")]
    pub leeway: Period,
}

const fn default_refresh() -> Period {
    Period::secs(60)
}

/// What a partner has revoked is refused after this time at the latest, also while the partner cannot be reached.
const fn default_max_age() -> Period {
    Period::secs(60 * 60)
}

const fn default_leeway() -> Period {
    Period::secs(30)
}
