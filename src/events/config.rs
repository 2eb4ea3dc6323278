//! What `events:` may say in the configuration.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::identity::{IssuerConfig, one_or_many};
use crate::model::units::Period;
use crate::net::UrlText;

/// The `typ` of a security event token (RFC 8417 section 2.3).
pub const TYPE: &str = "secevent+jwt";

/// `events:` in the configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whose events are taken.
    pub streams: Vec<StreamConfig>,
}

/// One entry of `events.streams`. It has one source of keys, and one of `push` and `poll`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamConfig {
    /// The exact `iss` of its events.
    pub issuer: String,
    /// What an event's `aud` must name, one of these.
    #[serde(deserialize_with = "one_or_many")]
    pub audience: Vec<String>,
    /// The signature algorithms that its events may use.
    pub algorithms: Vec<String>,
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
    /// The issuers of tokens that it speaks for; by default itself.
    #[serde(default)]
    pub token_issuers: Vec<String>,
    /// Members of complex subjects without which an event must not be understood.
    #[serde(default)]
    pub critical_subject_members: Vec<String>,
    /// The `state` of the verification that its operator asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_state: Option<String>,
    /// It sends its events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushConfig>,
    /// It is asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<PollConfig>,
}

/// How events are sent to us (RFC 8935).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushConfig {
    /// The environment variable that holds the bearer token with which they come.
    pub token_env: String,
}

/// How events are asked for (RFC 8936).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollConfig {
    /// Where.
    pub url: UrlText,
    /// The environment variable that holds the bearer token with which we ask.
    pub token_env: String,
    /// How long after a question the next one is asked, at the soonest.
    #[serde(default = "default_interval")]
    pub interval: Period,
}

impl Config {
    /// The files that it names, to be made absolute.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.streams.iter_mut().filter_map(|stream| stream.jwks_file.as_mut())
    }
}

impl StreamConfig {
    /// The issuers of tokens that it speaks for.
    pub fn speaks_for(&self) -> Vec<String> {
        match self.token_issuers.is_empty() {
            true => vec![self.issuer.clone()],
            false => self.token_issuers.clone(),
        }
    }

    /// The rules for the signatures of its events, in the words of those for tokens.
    pub fn signer(&self) -> IssuerConfig {
        IssuerConfig {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            algorithms: self.algorithms.clone(),
            jwks_url: self.jwks_url.clone(),
            jwks_file: self.jwks_file.clone(),
            jwks_refresh: self.jwks_refresh,
            jwks_max_age: self.jwks_max_age,
            types: vec![TYPE.to_owned()],
            ..IssuerConfig::default()
        }
    }
}

const fn default_refresh() -> Period {
    Period::secs(300)
}

const fn default_max_age() -> Period {
    Period::secs(24 * 60 * 60)
}

const fn default_interval() -> Period {
    Period::secs(10)
}
