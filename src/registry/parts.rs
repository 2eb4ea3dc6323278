//! What records are made of where they are read as a whole, as from a file.

use serde_json::{Map, Value};

use super::key_hash::KeyHash;
use super::record::{Agent, Delegation, KeyKind, Organisation};
use super::revocations::Revocation;
use crate::model::clock::Timestamp;
use crate::model::limits::HardLimits;
use crate::model::roles::Role;

/// What a key is made of, before there are indexes.
#[derive(Debug)]
pub struct KeyParts {
    /// As [`super::record::KeyRecord::id`].
    pub id: String,
    /// As [`super::record::KeyRecord::kind`].
    pub kind: KeyKind,
    /// The agent's id.
    pub agent: Option<String>,
    /// The organisation of a key without agent.
    pub organisation: Option<String>,
    /// The SHA-256 of its text.
    pub hash: KeyHash,
    /// As [`super::record::KeyRecord::prefix`].
    pub prefix: Option<String>,
    /// As [`super::record::KeyRecord::roles`].
    pub roles: Vec<String>,
    /// As [`super::record::KeyRecord::permissions`].
    pub permissions: Vec<String>,
    /// As [`super::record::KeyRecord::limits`].
    pub limits: HardLimits,
    /// As [`super::record::KeyRecord::metadata`].
    pub metadata: Map<String, Value>,
    /// As [`super::record::KeyRecord::expires_at`].
    pub expires_at: Option<Timestamp>,
    /// Whether it is disabled itself.
    pub disabled: bool,
}

/// What records are made of. Whoever makes them has checked that ids are unique and references lead somewhere.
#[derive(Debug, Default)]
pub struct Parts {
    /// All organisations.
    pub organisations: Vec<Organisation>,
    /// All agents.
    pub agents: Vec<Agent>,
    /// All keys.
    pub keys: Vec<KeyParts>,
    /// All delegations.
    pub delegations: Vec<Delegation>,
    /// All roles.
    pub roles: Vec<Role>,
    /// All revocations.
    pub revocations: Vec<Revocation>,
}
