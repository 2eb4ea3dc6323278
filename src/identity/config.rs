//! What `identity:` may say in the configuration. Checked as a whole by [`super::Authenticator::new`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::principal::IdentityMode;
use crate::model::units::Period;

/// `identity:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether calls must, may, or need not present a credential.
    pub mode: IdentityMode,
    /// Another mode for a document and all below it, e.g. `{"app/allow": optional}`; the longest path wins.
    pub entrypoints: BTreeMap<String, IdentityMode>,
    /// Who may vouch for callers.
    pub issuers: Vec<IssuerConfig>,
    /// How many verified tokens are kept.
    pub cache_entries: usize,
    /// The longest that a verified token is kept before it is verified again.
    pub cache_ttl: Period,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: IdentityMode::Required,
            entrypoints: BTreeMap::new(),
            issuers: Vec::new(),
            cache_entries: 10_000,
            cache_ttl: Period::secs(60),
        }
    }
}

/// One entry of `identity.issuers`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// The exact `iss` of its tokens (RFC 7519 section 4.1.1).
    pub issuer: String,
    /// What a token's `aud` must name, one of these (RFC 7519 section 4.1.3).
    #[serde(default, deserialize_with = "one_or_many")]
    pub audience: Vec<String>,
    /// The signature algorithms that its tokens may use, e.g. `[RS256]` (RFC 7518 section 3.1, RFC 8037).
    pub algorithms: Vec<String>,
    /// Its keys, as a JWKS file (RFC 7517 section 5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<PathBuf>,
    /// Its keys, as the text of a JWKS held in memory: for the development issuer and for tests, not for a file.
    #[serde(skip)]
    pub jwks: Option<String>,
    /// Its keys, as the URL of a JWKS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// How often the JWKS is fetched again.
    #[serde(default = "default_refresh")]
    pub jwks_refresh: Period,
    /// Where the subject's attributes stand in the claims.
    #[serde(default)]
    pub claims: ClaimMapping,
    /// How far clocks may differ.
    #[serde(default = "default_leeway")]
    pub leeway: Period,
    /// The header `typ` values that its tokens may have, without `application/`; a token without `typ` is a JWT.
    #[serde(default = "default_types")]
    pub types: Vec<String>,
}

/// Dotted paths into the claims; an attribute without a path is looked for under the names that are in common use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimMapping {
    /// The subject's id; `sub` unless it says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The subject's type; `type`, else `user`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The subject's roles; `roles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<String>,
    /// The subject's scopes; `scope` (text, separated by spaces) or `scp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
    /// The subject's permissions; `permissions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<String>,
    /// The subject's tenant; `tenant`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

const fn default_refresh() -> Period {
    Period::secs(300)
}

const fn default_leeway() -> Period {
    Period::secs(30)
}

fn default_types() -> Vec<String> {
    vec!["JWT".to_owned(), "at+jwt".to_owned()]
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text, or a list of texts")]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}
