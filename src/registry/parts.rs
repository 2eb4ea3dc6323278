//! What records are made of where they are read as a whole, as from a file.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::key_hash::KeyHash;
use super::record::{Agent, Delegation, KeyKind, KeyRecord, Organisation, State};
use super::records::Records;
use super::revocations::Revocation;
use crate::model::clock::Timestamp;
use crate::model::limits::HardLimits;
use crate::model::roles::Role;

/// What a key is made of, before there are indexes.
#[derive(Debug)]
pub struct KeyParts {
    /// As [`KeyRecord::id`].
    pub id: String,
    /// As [`KeyRecord::kind`].
    pub kind: KeyKind,
    /// The agent's id.
    pub agent: Option<String>,
    /// The organisation of a key without agent.
    pub organisation: Option<String>,
    /// The SHA-256 of its text.
    pub hash: KeyHash,
    /// As [`KeyRecord::prefix`].
    pub prefix: Option<String>,
    /// As [`KeyRecord::roles`].
    pub roles: Vec<String>,
    /// As [`KeyRecord::permissions`].
    pub permissions: Vec<String>,
    /// As [`KeyRecord::limits`].
    pub limits: HardLimits,
    /// As [`KeyRecord::metadata`].
    pub metadata: Map<String, Value>,
    /// As [`KeyRecord::expires_at`].
    pub expires_at: Option<Timestamp>,
    /// Whether it is disabled itself.
    pub disabled: bool,
}

impl KeyParts {
    /// The key, among records that have its agent already.
    pub(super) fn record(self, records: &Records) -> KeyRecord {
        let agent = self.agent.as_ref().and_then(|id| records.agent(id));
        KeyRecord {
            organisation: agent.map_or(self.organisation, |agent| agent.organisation.clone()),
            id: self.id,
            kind: self.kind,
            agent: self.agent,
            name: None,
            tag: records.tag_key().tag(&self.hash),
            prefix: self.prefix,
            roles: self.roles,
            permissions: self.permissions,
            limits: Arc::new(self.limits),
            metadata: self.metadata,
            state: if self.disabled { State::Disabled } else { State::Active },
            created_at: None,
            expires_at: self.expires_at,
            text_prefix: None,
            replaces: None,
        }
    }
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
