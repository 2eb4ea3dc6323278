//! What a database keeps of the registry: rows of one shape, whatever they are about.
//!
//! INVARIANT (the rows are the change log): each commit has a number, and a row has that of the commit that last changed it.
//! What is deleted stays as a row without body. So whoever knows all up to some commit finds what is new by one condition.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::clock::Timestamp;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A tenant.
    Organisation,
    /// A person who manages an organisation.
    Member,
    /// An agent.
    Agent,
    /// An API key, of whatever kind.
    Key,
    /// What one agent lets another do for it.
    Delegation,
    /// A role with its permissions.
    Role,
    /// A sealed value of an agent.
    Secret,
    /// A tunable.
    Setting,
    /// What is revoked besides records that say so themselves.
    Revocation,
    /// A key by which an organisation signs.
    SigningKey,
    /// What an issuer said of its subjects, so that it counts once.
    Event,
    /// What the registry makes its own keys of, sealed.
    Root,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Organisation,
        Self::Member,
        Self::Agent,
        Self::Key,
        Self::Delegation,
        Self::Role,
        Self::Secret,
        Self::Setting,
        Self::Revocation,
        Self::SigningKey,
        Self::Event,
        Self::Root,
    ];

    /// As databases and audit entries have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Member => "member",
            Self::Agent => "agent",
            Self::Key => "key",
            Self::Delegation => "delegation",
            Self::Role => "role",
            Self::Secret => "secret",
            Self::Setting => "setting",
            Self::Revocation => "revocation",
            Self::SigningKey => "signing_key",
            Self::Event => "event",
            Self::Root => "root",
        }
    }

    /// The kind with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One row. Its place is `kind` and `id`, which no other row has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub kind: Kind,
    /// Its identifier among its kind.
    pub id: String,
    /// The organisation that it belongs to; none for what is everybody's.
    pub organisation: Option<String>,
    /// The id of what it goes with: an agent's for keys and secrets, an organisation's for agents and members.
    pub owner: Option<String>,
    /// The commit that last changed it, from 1.
    pub seq: u64,
    /// The record in JSON; none where it was deleted.
    pub body: Option<String>,
    /// What is kept sealed with it. Not read with the row: [`Store::sealed`](super::store::Store::sealed).
    pub sealed: Option<Vec<u8>>,
}

/// How far a database has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Differs between any two databases.
    pub database: String,
    /// The number of the last commit; 0 before the first.
    pub seq: u64,
    /// The hash of the last audit entry.
    pub audit_hash: [u8; 32],
    /// Seals number and hash of the last entry under a key that the database does not have.
    pub audit_mac: [u8; 32],
}

/// One page of rows that exist, in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Select {
    /// Of this organisation alone.
    pub organisation: Option<String>,
    /// Of this owner alone.
    pub owner: Option<String>,
    /// With greater ids than this.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// One entry of the audit log, as it is stored. Its text is what the hash is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// The number of the commit that it is about.
    pub seq: u64,
    /// When, in nanoseconds since 1970.
    pub at: Timestamp,
    /// The organisation whose affair it is; none where it is the operator's.
    pub organisation: Option<String>,
    /// What was done, e.g. `key.rotate`.
    pub action: String,
    /// The whole entry in JSON.
    pub body: String,
    /// The SHA-256 that closes the chain up to it.
    pub hash: [u8; 32],
}

/// Which entries of the audit log, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SelectAudit {
    /// Of this organisation alone.
    pub organisation: Option<String>,
    /// Of this action, or of all actions that begin like this, where it ends with a full stop (`key.`).
    pub action: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// With smaller numbers than this.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

/// Attempts to authenticate that were alike within a short time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuthEvent {
    /// When the first of them was.
    pub at: Timestamp,
    /// The organisation; none where nobody was recognised.
    pub organisation: Option<String>,
    /// The agent, where one was recognised.
    pub agent: Option<String>,
    /// How the key begins: its first 8 characters.
    pub key_prefix: Option<String>,
    /// `authenticated`, `auth_failed`, `key_rotated`, `secret_read`.
    pub action: String,
    /// Why it failed, e.g. `credential_revoked`.
    pub reason: Option<String>,
    /// The address that it came from.
    pub peer: Option<String>,
    /// How many there were.
    pub count: u64,
}

/// Which events, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SelectEvents {
    /// Of this organisation alone.
    pub organisation: Option<String>,
    /// Of this agent alone.
    pub agent: Option<String>,
    /// Of this action alone.
    pub action: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Stored before the event with this number.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}
