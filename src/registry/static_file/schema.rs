//! What the file may say, by its keys.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::{Map, Value};

use crate::model::clock::Timestamp;
use crate::model::limits::HardLimits;
use crate::model::roles::Role;
use crate::registry::record::KeyKind;

/// The whole file.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) organisations: Vec<OrganisationEntry>,
    pub(super) agents: Vec<AgentEntry>,
    pub(super) keys: Vec<KeyEntry>,
    pub(super) delegations: Vec<DelegationEntry>,
    pub(super) roles: Vec<Role>,
    pub(super) revocations: Vec<RevocationEntry>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganisationEntry {
    pub(super) id: String,
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) disabled: bool,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentEntry {
    pub(super) id: String,
    pub(super) organisation: Option<String>,
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) roles: Vec<String>,
    #[serde(default)]
    pub(super) permissions: Vec<String>,
    #[serde(default)]
    pub(super) limits: HardLimits,
    #[serde(default)]
    pub(super) attributes: Map<String, Value>,
    #[serde(default)]
    pub(super) disabled: bool,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyEntry {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) agent: Option<String>,
    pub(super) organisation: Option<String>,
    pub(super) hash: HashText,
    pub(super) prefix: Option<String>,
    #[serde(default)]
    pub(super) roles: Vec<String>,
    #[serde(default)]
    pub(super) permissions: Vec<String>,
    #[serde(default)]
    pub(super) limits: HardLimits,
    #[serde(default)]
    pub(super) metadata: Map<String, Value>,
    pub(super) expires_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) disabled: bool,
}

#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Agent,
    Service,
    Bridge,
    Device,
}

impl From<Kind> for KeyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Agent => Self::Agent,
            Kind::Service => Self::Service,
            Kind::Bridge => Self::Bridge,
            Kind::Device => Self::Device,
        }
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DelegationEntry {
    pub(super) id: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) scope: Vec<String>,
    pub(super) expires_at: Timestamp,
    pub(super) parent: Option<String>,
    #[serde(default)]
    pub(super) disabled: bool,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevocationEntry {
    pub(super) jti: Option<String>,
    pub(super) session: Option<String>,
    pub(super) key: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) organisation: Option<String>,
    pub(super) issued_before: Option<Timestamp>,
}

/// What stands where a hash belongs. It may be a key, so no error repeats it.
pub(super) struct HashText(pub(super) String);

impl fmt::Debug for HashText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashText")
    }
}

impl<'de> Deserialize<'de> for HashText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HashVisitor)
    }
}

struct HashVisitor;

impl Visitor<'_> for HashVisitor {
    type Value = HashText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hash such as `sha256:…`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<HashText, E> {
        Ok(HashText(text.to_owned()))
    }

    // A key of digits alone reads as a number, which the usual error would show.
    fn visit_u64<E: de::Error>(self, _: u64) -> Result<HashText, E> {
        Ok(HashText(String::new()))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<HashText, E> {
        Ok(HashText(String::new()))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<HashText, E> {
        Ok(HashText(String::new()))
    }
}
