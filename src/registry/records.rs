//! One version of all that is known and that decisions need, with its indexes.
//!
//! INVARIANT (a version is cheap): a copy shares all that does not change with its original, so the version after a change
//! costs what the change costs, however much is known.
//! INVARIANT (dangling is refused): a key whose agent is not there counts as disabled, and so does what belongs to an
//! organisation that is not there.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use rpds::{HashTrieMapSync as Map, HashTrieSetSync as Set};

use super::ISSUER;
use super::indexed::{ById, ByTag, HasId, HasTag};
use super::key_hash::KeyHash;
use super::key_tag::{self, KeyTag, NoRandomness, TagKey};
use super::parts::{KeyParts, Parts};
use super::record::{
    Agent, Delegation, KeyRecord, Member, MemberRole, Organisation, OwnedRole, State, Stored as _,
};
use super::revocations::{Revocation, RevocationIndex};
use super::row::Kind;
use super::signing_key::SigningKey;
use super::signing_keys::{OwnSigningKeys, SigningKeys};
use super::uses::{LastUse, Uses};
use crate::model::clock::Timestamp;
use crate::model::principal::Prepared;
use crate::model::revocation::RevocationFacts;

/// Whether credentials of a record count, besides expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They do.
    InForce,
    /// The record, or one that it belongs to, is disabled.
    Disabled,
    /// It is revoked, or a revocation names it.
    Revoked,
}

impl From<State> for Standing {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::InForce,
            State::Disabled => Self::Disabled,
            State::Revoked => Self::Revoked,
        }
    }
}

/// A key, with what this process makes and knows of it.
pub struct Key {
    record: KeyRecord,
    /// A slot for what `identity` makes of it: once for each version, not once for each call.
    pub prepared: Prepared,
    /// When it was last verified; later versions of the key share it.
    last_used: Arc<LastUse>,
}

impl Deref for Key {
    type Target = KeyRecord;

    fn deref(&self) -> &KeyRecord {
        &self.record
    }
}

impl Key {
    fn new(record: KeyRecord, known: Option<&Arc<Self>>) -> Self {
        let last_used =
            known.filter(|known| known.tag == record.tag).map(|known| Arc::clone(&known.last_used));
        Self { record, prepared: Prepared::default(), last_used: last_used.unwrap_or_default() }
    }

    /// When this process last verified it.
    pub fn last_used(&self) -> Option<Timestamp> {
        self.last_used.get()
    }

    /// What a revocation can name of it.
    pub fn facts(&self) -> RevocationFacts {
        RevocationFacts {
            key: Some(self.id.clone()),
            issuer: Some(ISSUER.to_owned()),
            subject: Some(self.agent.clone().unwrap_or_else(|| self.id.clone())),
            agents: self.agent.iter().cloned().collect(),
            organisation: self.organisation.clone(),
            ..RevocationFacts::default()
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.record.fmt(f)
    }
}

impl HasId for Key {
    fn id(&self) -> &str {
        &self.record.id
    }
}

impl HasTag for Key {
    fn tag(&self) -> &KeyTag {
        &self.record.tag
    }
}

impl HasId for Organisation {
    fn id(&self) -> &str {
        &self.id
    }
}

impl HasId for Agent {
    fn id(&self) -> &str {
        &self.id
    }
}

impl HasId for Delegation {
    fn id(&self) -> &str {
        &self.id
    }
}

fn drop_from<T: HasId>(set: &mut Set<ById<T>>, id: &str) {
    set.remove_mut(id);
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
#[derive(Debug, Clone)]
pub struct Records {
    tag_key: Arc<TagKey>,
    organisations: Set<ById<Organisation>>,
    members: Map<String, Arc<Member>>,
    agents: Set<ById<Agent>>,
    keys: Set<ById<Key>>,
    by_tag: Set<ByTag<Key>, key_tag::ByTag>,
    delegations: Set<ById<Delegation>>,
    /// By the ids of their rows.
    roles: Map<String, Arc<OwnedRole>>,
    /// Counts the changes of roles.
    roles_version: u64,
    revocations: RevocationIndex,
    /// Where it is noted that keys are used, for somebody to store.
    uses: Option<Arc<Uses>>,
    signing_keys: SigningKeys,
}

impl Records {
    /// Nothing, where keys are found by tags that are made under `tag_key`.
    pub fn empty(tag_key: Arc<TagKey>) -> Self {
        Self {
            tag_key,
            organisations: Set::new_sync(),
            members: Map::new_sync(),
            agents: Set::new_sync(),
            keys: Set::new_sync(),
            by_tag: Set::new_with_hasher_with_ptr_kind(key_tag::ByTag::default()),
            delegations: Set::new_sync(),
            roles: Map::new_sync(),
            roles_version: 0,
            revocations: RevocationIndex::default(),
            uses: None,
            signing_keys: SigningKeys::default(),
        }
    }

    /// The same, where it is noted in `uses` that keys are used.
    #[must_use]
    pub fn noting(self, uses: Arc<Uses>) -> Self {
        Self { uses: Some(uses), ..self }
    }

    /// Puts the parts together. When a key was last used is taken over from `previous`, where it has the same key.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new(parts: Parts, previous: Option<&Self>) -> Result<Self, NoRandomness> {
        let tag_key = match previous {
            Some(previous) => Arc::clone(&previous.tag_key),
            None => Arc::new(TagKey::random()?),
        };
        let mut records = Self::empty(tag_key);
        let Parts { organisations, agents, keys, delegations, roles, revocations } = parts;
        organisations.into_iter().for_each(|one| records.put_organisation(one));
        agents.into_iter().for_each(|one| records.put_agent(one));
        for parts in keys {
            let record = records.record_of(parts);
            let known = previous.and_then(|previous| previous.key(&record.id));
            records.put_key_after(record, known.cloned().as_ref());
        }
        delegations.into_iter().for_each(|one| records.put_delegation(one));
        for role in roles {
            records.put_role(OwnedRole {
                organisation: None,
                name: role.name,
                permissions: role.permissions,
            });
        }
        for (number, revocation) in revocations.into_iter().enumerate() {
            records.revocations.put(number.to_string(), revocation);
        }
        records.roles_version = match previous {
            Some(previous) if previous.roles == records.roles => previous.roles_version,
            Some(previous) => previous.roles_version + 1,
            None => 0,
        };
        Ok(records)
    }

    /// The key, where its agent is among the records already.
    fn record_of(&self, parts: KeyParts) -> KeyRecord {
        let agent = parts.agent.as_ref().and_then(|id| self.agent(id));
        KeyRecord {
            organisation: agent.map_or(parts.organisation, |agent| agent.organisation.clone()),
            id: parts.id,
            kind: parts.kind,
            agent: parts.agent,
            name: None,
            tag: self.tag_key.tag(&parts.hash),
            prefix: parts.prefix,
            roles: parts.roles,
            permissions: parts.permissions,
            limits: Arc::new(parts.limits),
            metadata: parts.metadata,
            state: if parts.disabled { State::Disabled } else { State::Active },
            created_at: None,
            expires_at: parts.expires_at,
            text_prefix: None,
            replaces: None,
        }
    }

    /// Takes the place of other records of another story: what was made with their versions is not mistaken for made with these.
    pub fn supersede(&mut self, before: &Self) {
        self.roles_version = self.roles_version.max(before.roles_version) + 1;
    }

    /// Makes tags.
    pub fn tag_key(&self) -> &TagKey {
        &self.tag_key
    }

    /// Puts an organisation in its place.
    pub fn put_organisation(&mut self, one: Organisation) {
        self.organisations.insert_mut(ById(Arc::new(one)));
    }

    /// Puts a member in its place.
    pub fn put_member(&mut self, one: Member) {
        self.members.insert_mut(one.row_id(), Arc::new(one));
    }

    /// Puts an agent in its place.
    pub fn put_agent(&mut self, one: Agent) {
        self.agents.insert_mut(ById(Arc::new(one)));
    }

    /// Puts a key in its place.
    pub fn put_key(&mut self, record: KeyRecord) {
        let known = self.key(&record.id).cloned();
        self.put_key_after(record, known.as_ref());
    }

    fn put_key_after(&mut self, record: KeyRecord, known: Option<&Arc<Key>>) {
        if let Some(known) = self.key(&record.id).filter(|known| known.tag != record.tag) {
            let tag = known.tag;
            self.by_tag.remove_mut(&tag);
        }
        let key = Arc::new(Key::new(record, known));
        self.by_tag.insert_mut(ByTag(Arc::clone(&key)));
        self.keys.insert_mut(ById(key));
    }

    /// Puts a delegation in its place.
    pub fn put_delegation(&mut self, one: Delegation) {
        self.delegations.insert_mut(ById(Arc::new(one)));
    }

    /// Puts a role in its place.
    pub fn put_role(&mut self, one: OwnedRole) {
        self.roles.insert_mut(one.row_id(), Arc::new(one));
        self.roles_version += 1;
    }

    /// Puts a revocation in its place.
    pub fn put_revocation(&mut self, id: String, one: Revocation) {
        self.revocations.put(id, one);
    }

    /// Puts a signing key in its place, by the commit that put it.
    pub fn put_signing_key(&mut self, one: SigningKey, seq: u64) {
        self.signing_keys.put(one, seq);
    }

    /// Forgets a signing key of an organisation, by the commit that deleted it.
    pub fn remove_signing_key(&mut self, organisation: &str, id: &str, seq: u64) {
        self.signing_keys.remove(organisation, id, seq);
    }

    /// Forgets a record, by the id of its row. What is not kept here is no loss.
    pub fn remove(&mut self, kind: Kind, id: &str) {
        match kind {
            Kind::Organisation => drop_from(&mut self.organisations, id),
            Kind::Member => drop(self.members.remove_mut(id)),
            Kind::Agent => drop_from(&mut self.agents, id),
            Kind::Key => {
                if let Some(tag) = self.key(id).map(|key| key.tag) {
                    self.by_tag.remove_mut(&tag);
                    self.keys.remove_mut(id);
                }
            }
            Kind::Delegation => drop_from(&mut self.delegations, id),
            Kind::Role => {
                self.roles.remove_mut(id);
                self.roles_version += 1;
            }
            Kind::Revocation => self.revocations.remove(id),
            Kind::Secret | Kind::Setting | Kind::SigningKey | Kind::Event | Kind::Root => {}
        }
    }

    /// The organisation with this id.
    pub fn organisation(&self, id: &str) -> Option<&Arc<Organisation>> {
        self.organisations.get(id).map(|found| &found.0)
    }

    /// What somebody may do in an organisation, if it is a member of it.
    pub fn member(&self, organisation: &str, issuer: &str, subject: &str) -> Option<MemberRole> {
        self.members.get(&Member::id_of(organisation, issuer, subject)).map(|member| member.role)
    }

    /// The agent with this id.
    pub fn agent(&self, id: &str) -> Option<&Arc<Agent>> {
        self.agents.get(id).map(|found| &found.0)
    }

    /// Notes that a key was verified.
    pub fn used(&self, key: &Key, now: Timestamp) {
        match &self.uses {
            Some(uses) => uses.note(&key.id, &key.last_used, now),
            None => key.last_used.note(now),
        }
    }

    /// The key with this id.
    pub fn key(&self, id: &str) -> Option<&Arc<Key>> {
        self.keys.get(id).map(|found| &found.0)
    }

    /// The key whose text has this hash.
    pub fn key_by_hash(&self, hash: &KeyHash) -> Option<&Arc<Key>> {
        self.by_tag.get(&self.tag_key.tag(hash)).map(|found| &found.0)
    }

    /// Every key, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.iter().map(|found| &found.0)
    }

    /// The delegation with this id.
    pub fn delegation(&self, id: &str) -> Option<&Arc<Delegation>> {
        self.delegations.get(id).map(|found| &found.0)
    }

    /// Adds the permissions that roles give in an organisation to `permissions`, each once: those of the roles of all, and
    /// those of its own.
    pub fn grant(&self, organisation: Option<&str>, roles: &[String], permissions: &mut Vec<String>) {
        for name in roles.iter().filter(|_| !self.roles.is_empty()) {
            let common = self.roles.get(&OwnedRole::id_of(None, name));
            let own = organisation.and_then(|id| self.roles.get(&OwnedRole::id_of(Some(id), name)));
            for permission in [common, own].into_iter().flatten().flat_map(|role| &role.permissions) {
                if !permissions.contains(permission) {
                    permissions.push(permission.clone());
                }
            }
        }
    }

    /// Differs from that of the version before if the roles do.
    pub const fn roles_version(&self) -> u64 {
        self.roles_version
    }

    /// The keys by which an organisation signs; none where it never had any.
    pub fn signing_keys(&self, organisation: &str) -> Option<&Arc<OwnSigningKeys>> {
        self.signing_keys.of(organisation)
    }

    /// What is revoked.
    pub const fn revocations(&self) -> &RevocationIndex {
        &self.revocations
    }

    /// Whether a key counts: it, its agent and its organisation.
    pub fn key_standing(&self, key: &Key) -> Standing {
        if !self.revocations.is_empty() && self.revocations.covers(&key.facts()) {
            return Standing::Revoked;
        }
        let agent = key.agent.as_ref().map(|id| match self.agent(id) {
            Some(agent) => Standing::from(agent.state),
            None => Standing::Disabled,
        });
        let organisation = key.organisation.as_ref().map(|id| self.organisation_standing(id));
        [Some(key.state.into()), agent, organisation]
            .into_iter()
            .flatten()
            .find(|standing| *standing != Standing::InForce)
            .unwrap_or(Standing::InForce)
    }

    /// Whether there is a key that manages the registry.
    pub fn has_operator(&self) -> bool {
        self.keys().any(|key| key.is_operators())
    }

    /// Whether an organisation's credentials count; one that is not there has none.
    pub fn organisation_standing(&self, organisation: &str) -> Standing {
        self.organisation(organisation).map_or(Standing::Disabled, |one| one.state.into())
    }

    /// Whether an agent's credentials count: whoever vouches for them.
    pub fn agent_standing(&self, agent: &Agent) -> Standing {
        let organisation = agent.organisation.as_deref();
        if !self.revocations.is_empty() {
            let facts = RevocationFacts {
                issuer: Some(ISSUER.to_owned()),
                subject: Some(agent.id.clone()),
                agents: vec![agent.id.clone()],
                organisation: agent.organisation.clone(),
                ..RevocationFacts::default()
            };
            if self.revocations.covers(&facts) {
                return Standing::Revoked;
            }
        }
        match Standing::from(agent.state) {
            Standing::InForce => organisation.map_or(Standing::InForce, |id| self.organisation_standing(id)),
            standing => standing,
        }
    }

    /// Whether a delegation counts: it and all that it passes on do, and whoever delegates does.
    pub fn delegation_standing(&self, delegation: &Delegation) -> Standing {
        let mut next = Some(delegation);
        // A chain without circles is no longer than there are delegations.
        for _ in 0..=self.delegations.size() {
            let Some(link) = next else { return Standing::InForce };
            if link.state != State::Active {
                return link.state.into();
            }
            match self.agent(&link.from).map_or(Standing::Disabled, |agent| self.agent_standing(agent)) {
                Standing::InForce => {}
                other => return other,
            }
            next = match &link.parent {
                None => None,
                Some(id) => match self.delegation(id) {
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
            organisations: self.organisations.size(),
            agents: self.agents.size(),
            keys: self.keys.size(),
            delegations: self.delegations.size(),
            roles: self.roles.size(),
            revocations: self.revocations.len(),
        }
    }
}
