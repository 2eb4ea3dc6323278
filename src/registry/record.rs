//! The things that the registry knows, as they are stored and shown.
//!
//! INVARIANT (one shape): what is stored of a thing is its type here, in JSON. What is shown of it is the same, without what
//! guards it ([`Stored::shown`]).

use std::fmt;
use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::key_tag::KeyTag;
use super::revocations::Revocation;
use super::row::Kind;
use crate::model::clock::Timestamp;
use crate::model::limits::HardLimits;

/// Whether what hangs on a record counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It does.
    #[default]
    Active,
    /// Not for now.
    Disabled,
    /// Never again.
    Revoked,
}

impl State {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Revoked => "revoked",
        }
    }
}

/// How the records of one agent are found among those of their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfAgent {
    /// There are none.
    Nothing,
    /// The agent owns their rows.
    Owned,
    /// By looking at each.
    Scattered,
}

/// A record that is kept as a row.
pub trait Stored: Serialize + DeserializeOwned {
    /// The kind of its rows.
    const KIND: Kind;
    /// What it is called in messages.
    const WORD: &'static str;

    /// Its identifier among its kind.
    fn row_id(&self) -> String;
    /// Whose it is; none where it is everybody's.
    fn organisation(&self) -> Option<&str>;
    /// What it goes with.
    fn owner(&self) -> Option<&str>;

    /// How those of one agent are found.
    const OF_AGENT: OfAgent = OfAgent::Nothing;

    /// Whether it is this agent's own affair.
    fn concerns(&self, _agent: &str) -> bool {
        false
    }

    /// What may be shown of it: in answers and in the audit log.
    fn shown(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// An organisation, which is the tenant of its agents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Organisation {
    /// Its identifier, e.g. `acme-corp`.
    pub id: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether its credentials count.
    #[serde(default)]
    pub state: State,
    /// When it was made, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

/// What a member may do in its organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Everything that is the organisation's own affair.
    Admin,
    /// Look at everything, change nothing.
    Auditor,
}

/// A person who manages an organisation: whoever presents a token of this issuer for this subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// The organisation.
    pub organisation: String,
    /// Who vouches for the person (JWT `iss`).
    pub issuer: String,
    /// The person (JWT `sub`).
    pub subject: String,
    /// What it may do.
    pub role: MemberRole,
    /// When it became one.
    pub created_at: Timestamp,
}

/// An agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Agent {
    /// Its identifier, which no other agent has, whatever its organisation.
    pub id: String,
    /// Its organisation, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Its permissions, besides those of its roles.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// What it may do at most.
    #[serde(default = "unlimited", skip_serializing_if = "no_limits")]
    pub limits: Arc<HardLimits>,
    /// What else policy may want to know of it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    /// Whether it counts itself; [`Records::agent_standing`](super::Records::agent_standing) also looks at its organisation
    /// and at revocations.
    #[serde(default)]
    pub state: State,
    /// When it was made, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// An agent calls with it.
    Agent,
    /// A service calls with it, in its own name.
    Service,
    /// The bridge that issues agents and keys to installations.
    Bridge,
    /// One installation of an agent.
    Device,
    /// Whoever has it manages an organisation, or, where it names none, the registry.
    Admin,
}

impl KeyKind {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Service => "service",
            Self::Bridge => "bridge",
            Self::Device => "device",
            Self::Admin => "admin",
        }
    }

    /// Whether it belongs to an agent.
    pub const fn is_of_agent(self) -> bool {
        matches!(self, Self::Agent | Self::Device)
    }
}

/// An API key. The key itself is nowhere.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct KeyRecord {
    /// Its identifier, which records show.
    pub id: String,
    /// What it is for.
    pub kind: KeyKind,
    /// The agent whose it is, for keys of agents and devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Its organisation: that of its agent, or of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is found by.
    #[schemars(skip)]
    pub tag: KeyTag,
    /// Its first 8 characters, for people to recognise it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Its roles, besides those of its agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Its permissions, besides those of its agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// What it may do at most, for keys without agent; the others have the limits of their agent.
    #[serde(default = "unlimited", skip_serializing_if = "no_limits")]
    pub limits: Arc<HardLimits>,
    /// What else policy may want to know of it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Whether it counts itself.
    #[serde(default)]
    pub state: State,
    /// When it was made, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// From when on it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What its text begins with, before the random part; absent where it was made elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_prefix: Option<String>,
    /// The key that it was made in the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

impl KeyRecord {
    /// Whether it manages the registry, and not only an organisation.
    pub fn is_operators(&self) -> bool {
        self.kind == KeyKind::Admin && self.organisation.is_none()
    }
}

/// Without tag and metadata.
impl fmt::Debug for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRecord").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What one agent lets another do for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delegation {
    /// Its identifier.
    pub id: String,
    /// The organisation of both agents, if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Who delegates.
    pub from: String,
    /// Who may act.
    pub to: String,
    /// For which operations; `stripe:*` is every operation of a provider.
    pub scope: Vec<String>,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// The delegation that it passes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Whether it counts itself; [`Records::delegation_standing`](super::Records::delegation_standing) also looks at what it
    /// rests on.
    #[serde(default)]
    pub state: State,
    /// When it was granted, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

/// A role of an organisation, or of all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnedRole {
    /// The organisation; none where it is a role of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// The name that credentials and records use.
    pub name: String,
    /// What whoever has the role may do.
    pub permissions: Vec<String>,
}

/// A sealed value of an agent; the value stands beside its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretRecord {
    /// The agent.
    pub agent: String,
    /// Its organisation.
    pub organisation: String,
    /// Its name among those of the agent.
    pub name: String,
    /// Counts its values, from 1.
    pub version: u64,
    /// When its value was put.
    pub updated_at: Timestamp,
}

/// A tunable of an organisation, or of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// The organisation; none where it is for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// When it was set.
    pub updated_at: Timestamp,
}

fn no_limits(limits: &HardLimits) -> bool {
    limits.is_none()
}

/// What most records have, once for all of them.
fn unlimited() -> Arc<HardLimits> {
    static UNLIMITED: LazyLock<Arc<HardLimits>> = LazyLock::new(Arc::default);
    Arc::clone(&UNLIMITED)
}

/// The id of a row for which an organisation and a name make one: no organisation has a `/` in its id.
fn within(organisation: Option<&str>, name: &str) -> String {
    format!("{}/{name}", organisation.unwrap_or_default())
}

impl Stored for Organisation {
    const KIND: Kind = Kind::Organisation;
    const WORD: &'static str = "organisation";

    fn row_id(&self) -> String {
        self.id.clone()
    }

    fn organisation(&self) -> Option<&str> {
        Some(&self.id)
    }

    fn owner(&self) -> Option<&str> {
        None
    }
}

impl Member {
    /// The id of the row of a member.
    pub fn id_of(organisation: &str, issuer: &str, subject: &str) -> String {
        within(Some(organisation), &serde_json::json!([issuer, subject]).to_string())
    }
}

impl Stored for Member {
    const KIND: Kind = Kind::Member;
    const WORD: &'static str = "member";

    fn row_id(&self) -> String {
        Self::id_of(&self.organisation, &self.issuer, &self.subject)
    }

    fn organisation(&self) -> Option<&str> {
        Some(&self.organisation)
    }

    fn owner(&self) -> Option<&str> {
        Some(&self.organisation)
    }
}

impl Stored for Agent {
    const KIND: Kind = Kind::Agent;
    const WORD: &'static str = "agent";

    const OF_AGENT: OfAgent = OfAgent::Scattered;

    fn row_id(&self) -> String {
        self.id.clone()
    }

    fn organisation(&self) -> Option<&str> {
        self.organisation.as_deref()
    }

    fn owner(&self) -> Option<&str> {
        self.organisation.as_deref()
    }

    fn concerns(&self, agent: &str) -> bool {
        self.id == agent
    }
}

impl Stored for KeyRecord {
    const KIND: Kind = Kind::Key;
    const WORD: &'static str = "key";

    const OF_AGENT: OfAgent = OfAgent::Owned;

    fn row_id(&self) -> String {
        self.id.clone()
    }

    fn organisation(&self) -> Option<&str> {
        self.organisation.as_deref()
    }

    fn owner(&self) -> Option<&str> {
        self.agent.as_deref().or(self.organisation.as_deref())
    }

    fn shown(&self) -> Value {
        let mut shown = serde_json::to_value(self).unwrap_or_default();
        if let Some(members) = shown.as_object_mut() {
            members.remove("tag");
        }
        shown
    }

    fn concerns(&self, agent: &str) -> bool {
        self.agent.as_deref() == Some(agent)
    }
}

impl Stored for Delegation {
    const KIND: Kind = Kind::Delegation;
    const WORD: &'static str = "delegation";

    const OF_AGENT: OfAgent = OfAgent::Scattered;

    fn row_id(&self) -> String {
        self.id.clone()
    }

    fn organisation(&self) -> Option<&str> {
        self.organisation.as_deref()
    }

    fn owner(&self) -> Option<&str> {
        Some(&self.from)
    }

    fn concerns(&self, agent: &str) -> bool {
        self.from == agent || self.to == agent
    }
}

impl OwnedRole {
    /// The id of the row of a role.
    pub fn id_of(organisation: Option<&str>, name: &str) -> String {
        within(organisation, name)
    }
}

impl Stored for OwnedRole {
    const KIND: Kind = Kind::Role;
    const WORD: &'static str = "role";

    fn row_id(&self) -> String {
        Self::id_of(self.organisation.as_deref(), &self.name)
    }

    fn organisation(&self) -> Option<&str> {
        self.organisation.as_deref()
    }

    fn owner(&self) -> Option<&str> {
        self.organisation.as_deref()
    }
}

impl SecretRecord {
    /// The id of the row of a secret: no agent has a `/` in its id.
    pub fn id_of(agent: &str, name: &str) -> String {
        within(Some(agent), name)
    }
}

impl Stored for SecretRecord {
    const KIND: Kind = Kind::Secret;
    const WORD: &'static str = "secret";

    const OF_AGENT: OfAgent = OfAgent::Owned;

    fn row_id(&self) -> String {
        Self::id_of(&self.agent, &self.name)
    }

    fn organisation(&self) -> Option<&str> {
        Some(&self.organisation)
    }

    fn owner(&self) -> Option<&str> {
        Some(&self.agent)
    }

    fn concerns(&self, agent: &str) -> bool {
        self.agent == agent
    }
}

impl Setting {
    /// The id of the row of a setting.
    pub fn id_of(organisation: Option<&str>, key: &str) -> String {
        within(organisation, key)
    }
}

/// A revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevocationRecord {
    /// Its identifier.
    pub id: String,
    /// What is revoked.
    #[serde(flatten)]
    pub revocation: Revocation,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Stored for RevocationRecord {
    const KIND: Kind = Kind::Revocation;
    const WORD: &'static str = "revocation";

    fn row_id(&self) -> String {
        self.id.clone()
    }

    fn organisation(&self) -> Option<&str> {
        self.revocation.organisation.as_deref()
    }

    fn owner(&self) -> Option<&str> {
        self.revocation.organisation.as_deref()
    }
}

impl Stored for Setting {
    const KIND: Kind = Kind::Setting;
    const WORD: &'static str = "setting";

    fn row_id(&self) -> String {
        Self::id_of(self.organisation.as_deref(), &self.key)
    }

    fn organisation(&self) -> Option<&str> {
        self.organisation.as_deref()
    }

    fn owner(&self) -> Option<&str> {
        self.organisation.as_deref()
    }
}
