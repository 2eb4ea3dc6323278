//! One version of all that is known, with its indexes.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Map, Value};

use super::ISSUER;
use super::key_hash::KeyHash;
use super::key_index::{KeyIndex, Keyed, NoRandomness};
use super::revocations::{Revocation, RevocationIndex};
use crate::model::clock::Timestamp;
use crate::model::limits::HardLimits;
use crate::model::principal::Prepared;
use crate::model::revocation::RevocationFacts;
use crate::model::roles::{Role, Roles};

/// An organisation, which is the tenant of its agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its identifier, e.g. `acme-corp`.
    pub id: String,
    /// What people call it.
    pub name: Option<String>,
    /// Whether all of its credentials are refused.
    pub disabled: bool,
}

/// An agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// Its identifier, which no other agent has, whatever its organisation.
    pub id: String,
    /// Its organisation, if it has one.
    pub organisation: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// Its roles.
    pub roles: Vec<String>,
    /// Its permissions, besides those of its roles.
    pub permissions: Vec<String>,
    /// What it may do at most.
    pub limits: Arc<HardLimits>,
    /// What else policy may want to know of it.
    pub attributes: Map<String, Value>,
    /// Whether it is disabled itself; [`Records::agent_standing`] also looks at its organisation and at revocations.
    pub disabled: bool,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// An agent calls with it.
    Agent,
    /// A service calls with it, in its own name.
    Service,
    /// The bridge that issues agents and keys to installations.
    Bridge,
    /// One installation of an agent.
    Device,
}

impl KeyKind {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Service => "service",
            Self::Bridge => "bridge",
            Self::Device => "device",
        }
    }
}

/// Whether credentials of a record count, besides expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They do.
    InForce,
    /// The record, or one that it belongs to, is disabled.
    Disabled,
    /// A revocation names it.
    Revoked,
}

/// A key. What it is found by is its hash; the key itself is nowhere.
pub struct Key {
    /// Its identifier, which records show.
    pub id: String,
    /// What it is for.
    pub kind: KeyKind,
    /// Whose it is, for keys of agents and devices.
    pub agent: Option<Arc<Agent>>,
    /// Its organisation: that of its agent, or of the service.
    pub organisation: Option<String>,
    /// The SHA-256 of its text.
    pub hash: KeyHash,
    /// How it begins, for people to recognise it by.
    pub prefix: Option<String>,
    /// Its roles, besides those of its agent.
    pub roles: Vec<String>,
    /// Its permissions, besides those of its agent.
    pub permissions: Vec<String>,
    /// What it may do at most, for keys without agent; the others have the limits of their agent.
    pub limits: Arc<HardLimits>,
    /// What else policy may want to know of it.
    pub metadata: Map<String, Value>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Whether it counts, as of its version of the records.
    pub standing: Standing,
    /// A slot for what `identity` makes of it: once for each version, not once for each call.
    pub prepared: Prepared,
    /// When it was last verified, in nanoseconds since 1970; later versions of the key share it.
    last_used: Arc<AtomicI64>,
}

/// Stands for a key that was not used yet.
const NEVER: i64 = i64::MIN;

impl Key {
    /// Notes that it was verified.
    pub fn used(&self, now: Timestamp) {
        self.last_used.fetch_max(now.0, Ordering::Relaxed);
    }

    /// When this process last verified it.
    pub fn last_used(&self) -> Option<Timestamp> {
        match self.last_used.load(Ordering::Relaxed) {
            NEVER => None,
            at => Some(Timestamp(at)),
        }
    }

    /// What a revocation can name of it.
    pub fn facts(&self) -> RevocationFacts {
        let agent = self.agent.as_ref().map(|agent| agent.id.clone());
        RevocationFacts {
            key: Some(self.id.clone()),
            issuer: Some(ISSUER.to_owned()),
            subject: Some(agent.clone().unwrap_or_else(|| self.id.clone())),
            agents: agent.into_iter().collect(),
            organisation: self.organisation.clone(),
            ..RevocationFacts::default()
        }
    }
}

impl Keyed for Key {
    fn hash(&self) -> &KeyHash {
        &self.hash
    }
}

/// Without hash and metadata.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What one agent lets another do for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Its identifier.
    pub id: String,
    /// Who delegates.
    pub from: String,
    /// Who may act.
    pub to: String,
    /// For which operations; `stripe:*` is every operation of a provider.
    pub scope: Vec<String>,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// The delegation that it passes on.
    pub parent: Option<String>,
    /// Whether it is disabled itself; [`Records::delegation_standing`] also looks at what it rests on.
    pub disabled: bool,
}

/// What a key is made of, before there are indexes.
#[derive(Debug)]
pub struct KeyParts {
    /// As [`Key::id`].
    pub id: String,
    /// As [`Key::kind`].
    pub kind: KeyKind,
    /// The agent's id.
    pub agent: Option<String>,
    /// The organisation of a key without agent.
    pub organisation: Option<String>,
    /// As [`Key::hash`].
    pub hash: KeyHash,
    /// As [`Key::prefix`].
    pub prefix: Option<String>,
    /// As [`Key::roles`].
    pub roles: Vec<String>,
    /// As [`Key::permissions`].
    pub permissions: Vec<String>,
    /// As [`Key::limits`].
    pub limits: HardLimits,
    /// As [`Key::metadata`].
    pub metadata: Map<String, Value>,
    /// As [`Key::expires_at`].
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

/// How many records there are of each sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Organisations.
    pub organisations: usize,
    /// Agents.
    pub agents: usize,
    /// Keys.
    pub keys: usize,
    /// Delegations.
    pub delegations: usize,
    /// Roles.
    pub roles: usize,
    /// Revocations.
    pub revocations: usize,
}

/// One version of all that is known.
#[derive(Debug, Default)]
pub struct Records {
    organisations: HashMap<String, Organisation>,
    agents: HashMap<String, Arc<Agent>>,
    keys: HashMap<String, Arc<Key>>,
    by_hash: KeyIndex<Key>,
    delegations: HashMap<String, Arc<Delegation>>,
    roles: Roles,
    /// Counts the changes of roles.
    roles_version: u64,
    role_count: usize,
    revocations: RevocationIndex,
}

impl Records {
    /// Puts the parts together. When a key was last used is taken over from `previous`, where it has the same key.
    ///
    /// INVARIANT (dangling is refused): a key whose agent is not there counts as disabled.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new(parts: Parts, previous: Option<&Self>) -> Result<Self, NoRandomness> {
        let Parts { organisations, agents, keys, delegations, roles, revocations } = parts;
        let mut records = Self {
            organisations: organisations.into_iter().map(|one| (one.id.clone(), one)).collect(),
            agents: agents.into_iter().map(|agent| (agent.id.clone(), Arc::new(agent))).collect(),
            delegations: delegations.into_iter().map(|one| (one.id.clone(), Arc::new(one))).collect(),
            roles: Roles::new(&roles),
            role_count: roles.len(),
            revocations: RevocationIndex::new(revocations),
            ..Self::default()
        };
        records.roles_version = match previous {
            Some(previous) if previous.roles == records.roles => previous.roles_version,
            Some(previous) => previous.roles_version + 1,
            None => 0,
        };
        for parts in keys {
            let key = Arc::new(records.key_of(parts, previous));
            records.keys.insert(key.id.clone(), key);
        }
        records.by_hash = KeyIndex::new(records.keys.values().cloned())?;
        Ok(records)
    }

    fn key_of(&self, parts: KeyParts, previous: Option<&Self>) -> Key {
        let known = previous.and_then(|records| records.keys.get(&parts.id));
        let last_used = known.filter(|known| known.hash == parts.hash);
        let agent = parts.agent.as_ref().and_then(|id| self.agents.get(id)).cloned();
        let dangling = parts.agent.is_some() && agent.is_none();
        let organisation = match &agent {
            Some(agent) => agent.organisation.clone(),
            None => parts.organisation,
        };
        let mut key = Key {
            id: parts.id,
            kind: parts.kind,
            organisation,
            hash: parts.hash,
            prefix: parts.prefix,
            roles: parts.roles,
            permissions: parts.permissions,
            limits: Arc::new(parts.limits),
            metadata: parts.metadata,
            expires_at: parts.expires_at,
            standing: Standing::InForce,
            prepared: Prepared::default(),
            last_used: last_used
                .map_or_else(|| Arc::new(AtomicI64::new(NEVER)), |known| Arc::clone(&known.last_used)),
            agent,
        };
        let agent_disabled = key.agent.as_ref().is_some_and(|agent| agent.disabled);
        key.standing = if self.revocations.covers(&key.facts()) {
            Standing::Revoked
        } else if parts.disabled
            || dangling
            || agent_disabled
            || self.is_disabled(key.organisation.as_deref())
        {
            Standing::Disabled
        } else {
            Standing::InForce
        };
        key
    }

    fn is_disabled(&self, organisation: Option<&str>) -> bool {
        organisation.is_some_and(|id| self.organisations.get(id).is_none_or(|one| one.disabled))
    }

    /// The organisation with this id.
    pub fn organisation(&self, id: &str) -> Option<&Organisation> {
        self.organisations.get(id)
    }

    /// The agent with this id.
    pub fn agent(&self, id: &str) -> Option<&Arc<Agent>> {
        self.agents.get(id)
    }

    /// The key with this id.
    pub fn key(&self, id: &str) -> Option<&Arc<Key>> {
        self.keys.get(id)
    }

    /// The key whose text has this hash.
    pub fn key_by_hash(&self, hash: &KeyHash) -> Option<&Arc<Key>> {
        self.by_hash.find(hash)
    }

    /// The delegation with this id.
    pub fn delegation(&self, id: &str) -> Option<&Arc<Delegation>> {
        self.delegations.get(id)
    }

    /// The permissions of roles.
    pub const fn roles(&self) -> &Roles {
        &self.roles
    }

    /// Differs from that of the version before if the roles do.
    pub const fn roles_version(&self) -> u64 {
        self.roles_version
    }

    /// What is revoked.
    pub const fn revocations(&self) -> &RevocationIndex {
        &self.revocations
    }

    /// Whether an agent's credentials count: whoever vouches for them.
    pub fn agent_standing(&self, agent: &Agent) -> Standing {
        let facts = RevocationFacts {
            issuer: Some(ISSUER.to_owned()),
            subject: Some(agent.id.clone()),
            agents: vec![agent.id.clone()],
            organisation: agent.organisation.clone(),
            ..RevocationFacts::default()
        };
        if self.revocations.covers(&facts) {
            Standing::Revoked
        } else if agent.disabled || self.is_disabled(agent.organisation.as_deref()) {
            Standing::Disabled
        } else {
            Standing::InForce
        }
    }

    /// Whether a delegation counts: it and all that it passes on are enabled, and whoever delegates is.
    pub fn delegation_standing(&self, delegation: &Delegation) -> Standing {
        let mut next = Some(delegation);
        // A chain without circles is no longer than there are delegations.
        for _ in 0..=self.delegations.len() {
            let Some(link) = next else { return Standing::InForce };
            if link.disabled {
                return Standing::Disabled;
            }
            match self.agents.get(&link.from).map_or(Standing::Disabled, |agent| self.agent_standing(agent)) {
                Standing::InForce => {}
                other => return other,
            }
            next = match &link.parent {
                None => None,
                Some(id) => match self.delegations.get(id) {
                    Some(parent) => Some(parent),
                    None => return Standing::Disabled,
                },
            };
        }
        Standing::Disabled
    }

    /// How many there are of each sort.
    pub fn counts(&self) -> Counts {
        Counts {
            organisations: self.organisations.len(),
            agents: self.agents.len(),
            keys: self.keys.len(),
            delegations: self.delegations.len(),
            roles: self.role_count,
            revocations: self.revocations.len(),
        }
    }
}
