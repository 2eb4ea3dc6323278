//! What `identity.resource` may say in the configuration.

use serde::{Deserialize, Serialize};

/// `identity.resource` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceConfig {
    /// Its URL: what clients name as `resource`, and tokens as `aud`.
    pub url: String,
    /// The scopes that tokens for it can have.
    #[serde(default)]
    pub scopes: Vec<String>,
}
