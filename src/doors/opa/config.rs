//! `doors.opa:` in the configuration.

use serde::{Deserialize, Serialize};

use crate::model::units::ByteSize;

/// `doors.opa:` in the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What becomes of keys beside `input` in the body of `POST /v1/data`.
    pub extra_keys: ExtraKeys,
    /// Writing policies and data through the API.
    pub writes: Writes,
    /// Whether ad-hoc queries are answered, to whoever has the role of management; in development they always are.
    pub queries: bool,
}

/// What becomes of keys beside `input`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtraKeys {
    /// They are an error.
    #[default]
    Refuse,
    /// Policy does not see them; the record has them, as with OPA.
    Record,
}

/// `doors.opa.writes:` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Writes {
    /// Whether anything is written.
    pub enabled: bool,
    /// The role that callers must have.
    pub role: String,
    /// The most bytes of policies and data together.
    pub max_size: ByteSize,
    /// The most policies.
    pub max_policies: usize,
}

impl Default for Writes {
    fn default() -> Self {
        Self {
            enabled: false,
            role: "verdict-policy-admin".to_owned(),
            max_size: ByteSize::mib(16),
            max_policies: 1000,
        }
    }
}
