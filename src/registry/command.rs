//! What can be done to the registry.
//!
//! Each command is one transaction with one entry in the audit log. What it may say is here; what it does, in `change`.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::record::{KeyKind, MemberRole, State};
use super::revocations::{Named, Revocation};
use crate::model::clock::Timestamp;
use crate::model::limits::HardLimits;
use crate::model::secret::Secret;
use crate::model::units::Period;

/// One change.
#[derive(Debug, Clone)]
pub enum Command {
    /// Makes the first operator key, organisation and admin key of a registry that has no operator key.
    Bootstrap(NewRegistry),
    /// Makes an organisation.
    CreateOrganisation(NewOrganisation),
    /// Renames it.
    RenameOrganisation {
        /// Its id.
        id: String,
        /// Its name.
        name: Option<String>,
    },
    /// Enables, disables or revokes it.
    SetOrganisationState {
        /// Its id.
        id: String,
        /// The state that it is to have.
        state: State,
    },
    /// Deletes one that has no agents and no keys.
    DeleteOrganisation {
        /// Its id.
        id: String,
    },
    /// Makes somebody a member, or changes what it may do.
    PutMember(NewMember),
    /// Removes a member.
    RemoveMember {
        /// The organisation; none for what is of all, or the caller's own.
        organisation: Option<String>,
        /// Who vouches for the person.
        issuer: String,
        /// The person.
        subject: String,
    },
    /// Makes an agent.
    CreateAgent(NewAgent),
    /// Changes what is known of an agent.
    UpdateAgent {
        /// Its id.
        id: String,
        /// What is to be different.
        change: AgentChange,
    },
    /// Enables, disables or revokes an agent.
    SetAgentState {
        /// Its id.
        id: String,
        /// The state that it is to have.
        state: State,
    },
    /// Deletes an agent with its keys, secrets and delegations.
    DeleteAgent {
        /// Its id.
        id: String,
    },
    /// Makes a key.
    CreateKey(NewKey),
    /// Makes a key in the place of another, which ends after `overlap`.
    RotateKey {
        /// Its id.
        id: String,
        /// How long the old key stays valid.
        overlap: Period,
    },
    /// Enables, disables or revokes a key.
    SetKeyState {
        /// Its id.
        id: String,
        /// The state that it is to have.
        state: State,
    },
    /// Deletes a key.
    DeleteKey {
        /// Its id.
        id: String,
    },
    /// Lets one agent act for another.
    Delegate(NewDelegation),
    /// Enables, disables or revokes a delegation.
    SetDelegationState {
        /// Its id.
        id: String,
        /// The state that it is to have.
        state: State,
    },
    /// Deletes a delegation.
    DeleteDelegation {
        /// Its id.
        id: String,
    },
    /// Makes a role, or changes its permissions.
    PutRole(NewRole),
    /// Deletes a role.
    DeleteRole {
        /// The organisation; none for what is of all, or the caller's own.
        organisation: Option<String>,
        /// Its name.
        name: String,
    },
    /// Puts a secret of an agent.
    PutSecret(NewSecret),
    /// Deletes a secret.
    DeleteSecret {
        /// The agent.
        agent: String,
        /// Its name.
        name: String,
    },
    /// Sets a setting.
    PutSetting(NewSetting),
    /// Deletes a setting.
    DeleteSetting {
        /// The organisation; none for what is of all, or the caller's own.
        organisation: Option<String>,
        /// Its name.
        key: String,
    },
    /// Revokes what is no record here: a token, a session, a subject, all that a key has signed.
    Revoke(NewRevocation),
    /// Takes a revocation back.
    DeleteRevocation {
        /// Its id.
        id: String,
    },
    /// Revokes what an issuer says, once.
    Receive(NewEvent),
    /// Does something to the keys by which an organisation signs.
    SigningKey {
        /// The organisation.
        organisation: String,
        /// What is done.
        change: SigningKeyChange,
    },
    /// Seals under the current master key what is sealed under an earlier one.
    Rewrap {
        /// Where the batch before ended.
        after: Option<String>,
    },
}

/// What is done to the keys by which an organisation signs.
#[derive(Debug, Clone)]
pub enum SigningKeyChange {
    /// Makes the first one, or the first after one was revoked.
    Create,
    /// Makes one in the place of the one that signs, which stays published for `overlap`.
    Rotate {
        /// How long what the old key signed still verifies.
        overlap: Period,
    },
    /// Revokes one: it signs no more, and is published no more.
    Revoke {
        /// Its id.
        id: String,
    },
    /// Deletes what is known of one that is not published.
    Delete {
        /// Its id.
        id: String,
    },
}

/// What a registry is to begin with.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewRegistry {
    /// The first organisation.
    pub organisation: NewOrganisation,
    /// Its first agent, with a key.
    pub agent: Option<NewAgent>,
}

/// An organisation that is to be.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewOrganisation {
    /// Its id; made up where there is none.
    pub id: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// Whether it gets an admin key with it.
    pub admin_key: bool,
}

/// A member that is to be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// The organisation; by default the caller's own.
    #[serde(default)]
    pub organisation: Option<String>,
    /// Who vouches for the person (JWT `iss`).
    pub issuer: String,
    /// The person (JWT `sub`).
    pub subject: String,
    /// What it may do.
    pub role: MemberRole,
}

/// An agent that is to be.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewAgent {
    /// The organisation; by default the caller's own.
    pub organisation: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// Its roles.
    pub roles: Vec<String>,
    /// Its permissions.
    pub permissions: Vec<String>,
    /// What it may do at most.
    pub limits: HardLimits,
    /// What else policy may want to know of it.
    pub attributes: Map<String, Value>,
    /// Its first key, if it is to have one: `true`, or what is special about it.
    pub key: Option<FirstKey>,
}

/// The first key of an agent, which is made with it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FirstKey {
    /// Whether there is one.
    Wanted(bool),
    /// There is one, and it is special.
    Special(NewAgentKey),
}

/// A key of an agent that is made with it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewAgentKey {
    /// What people call it.
    pub name: Option<String>,
    /// How it begins; by default `sk_agent`.
    pub prefix: Option<String>,
    /// Its roles, besides those of its agent.
    pub roles: Vec<String>,
    /// Its permissions, besides those of its agent.
    pub permissions: Vec<String>,
    /// What else policy may want to know of it.
    pub metadata: Map<String, Value>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

/// What is to be known of an agent; what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AgentChange {
    /// What people call it; null takes the name away.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    pub name: Option<Option<String>>,
    /// Its roles.
    pub roles: Option<Vec<String>>,
    /// Its permissions.
    pub permissions: Option<Vec<String>>,
    /// What it may do at most; `{}` is no limit.
    pub limits: Option<HardLimits>,
    /// What else policy may want to know of it.
    pub attributes: Option<Map<String, Value>>,
}

/// A key that is to be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What it is for.
    pub kind: KeyKind,
    /// The agent, for keys of agents and devices.
    #[serde(default)]
    pub agent: Option<String>,
    /// The organisation, for the others; by default the caller's own. An admin key without one is an operator's.
    #[serde(default)]
    pub organisation: Option<String>,
    /// What people call it.
    #[serde(default)]
    pub name: Option<String>,
    /// How it begins; by default after its kind.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Its roles, besides those of its agent.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Its permissions, besides those of its agent.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// What it may do at most, for keys without agent.
    #[serde(default)]
    pub limits: HardLimits,
    /// What else policy may want to know of it.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// From when on it is refused.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

impl NewKey {
    /// A key of this kind, with nothing else said.
    pub fn of(kind: KeyKind) -> Self {
        Self {
            kind,
            agent: None,
            organisation: None,
            name: None,
            prefix: None,
            roles: Vec::new(),
            permissions: Vec::new(),
            limits: HardLimits::default(),
            metadata: Map::new(),
            expires_at: None,
        }
    }
}

impl FirstKey {
    /// The key that it asks for, if it does.
    pub fn of(&self, agent: &str) -> Option<NewKey> {
        let NewAgentKey { name, prefix, roles, permissions, metadata, expires_at } = match self {
            Self::Wanted(false) => return None,
            Self::Wanted(true) => NewAgentKey::default(),
            Self::Special(key) => key.clone(),
        };
        let agent = Some(agent.to_owned());
        Some(NewKey {
            agent,
            name,
            prefix,
            roles,
            permissions,
            metadata,
            expires_at,
            ..NewKey::of(KeyKind::Agent)
        })
    }
}

/// A delegation that is to be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDelegation {
    /// Who delegates; by default the agent that calls.
    #[serde(default)]
    pub from: Option<String>,
    /// Who may act.
    pub to: String,
    /// For which operations.
    pub scope: Vec<String>,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// The delegation that it passes on.
    #[serde(default)]
    pub parent: Option<String>,
}

/// A role that is to be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// The organisation; by default the caller's own, and with an operator that of all.
    #[serde(default)]
    pub organisation: Option<String>,
    /// Its name.
    pub name: String,
    /// What whoever has it may do.
    pub permissions: Vec<String>,
}

/// A secret that is to be.
#[derive(Debug, Clone)]
pub struct NewSecret {
    /// The agent; by default the agent that calls.
    pub agent: Option<String>,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Secret<String>,
}

/// A setting that is to be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSetting {
    /// The organisation; by default the caller's own, and with an operator that of all.
    #[serde(default)]
    pub organisation: Option<String>,
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: Value,
}

/// A revocation that is to be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRevocation {
    /// The organisation whose credentials it covers; by default the caller's own, and with an operator all.
    #[serde(default)]
    pub organisation: Option<String>,
    /// What it names.
    pub named: Named,
    /// Only what was issued before.
    #[serde(default)]
    pub issued_before: Option<Timestamp>,
    /// Why, for the record.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What an issuer says of its subjects, after its signature was verified.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Who says it.
    pub issuer: String,
    /// Its name there: with the issuer, no other event has it.
    pub jti: String,
    /// What it says, e.g. `session-revoked`.
    pub event: &'static str,
    /// What that revokes; nothing, where it only has to be remembered.
    pub revokes: Vec<Revocation>,
}

/// What is there is given, even if it is null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}
