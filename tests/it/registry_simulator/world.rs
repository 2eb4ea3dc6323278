//! What the registry has to be, said a second time and otherwise: plain maps.

use std::collections::BTreeMap;

use verdict::registry::actor::{Actor, Power};
use verdict::registry::record::{KeyKind, MemberRole, State};
use verdict::registry::{Named, Records, Standing};

#[derive(Debug, Clone, PartialEq)]
pub struct AgentOf {
    pub organisation: String,
    pub name: Option<String>,
    pub roles: Vec<String>,
    pub state: State,
}

#[derive(Debug, Clone, PartialEq)]
pub struct KeyOf {
    pub kind: KeyKind,
    pub agent: Option<String>,
    pub organisation: Option<String>,
    pub state: State,
    pub expires_at: Option<i64>,
    pub replaces: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DelegationOf {
    pub organisation: String,
    pub from: String,
    pub to: String,
    pub scope: Vec<String>,
    pub expires_at: i64,
    pub parent: Option<String>,
    pub state: State,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RevocationOf {
    pub organisation: Option<String>,
    pub named: Named,
    pub issued_before: Option<i64>,
}

/// Everything at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    pub organisations: BTreeMap<String, (Option<String>, State)>,
    pub members: BTreeMap<(String, String, String), MemberRole>,
    pub agents: BTreeMap<String, AgentOf>,
    pub keys: BTreeMap<String, KeyOf>,
    pub delegations: BTreeMap<String, DelegationOf>,
    pub roles: BTreeMap<(Option<String>, String), Vec<String>>,
    /// By agent and name: organisation and version.
    pub secrets: BTreeMap<(String, String), (String, u64)>,
    pub settings: BTreeMap<(Option<String>, String), String>,
    pub revocations: BTreeMap<String, RevocationOf>,
}

/// What a decision comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    Unknown,
    Refused,
    Accepted,
}

/// What is presented.
#[derive(Debug, Clone, PartialEq)]
pub enum Presented {
    Key(String),
    Delegation(String),
    /// A token of somebody else's: `jti`, `sub`, organisation, when it was issued.
    Token(String, String, String, i64),
    Member(String, String, String),
}

/// Whether an actor sees what belongs to an organisation, or to all.
pub fn sees(by: &Actor, organisation: Option<&str>) -> bool {
    match &by.power {
        Power::Operator => true,
        Power::Admin(own) | Power::Auditor(own) | Power::Bridge(own) => organisation == Some(own),
        Power::Agent { organisation: own, .. } => own.is_some() && organisation == own.as_deref(),
    }
}

/// What names a credential, as far as revocations are concerned.
#[derive(Default)]
struct Names<'a> {
    key: Option<&'a str>,
    jti: Option<&'a str>,
    subject: Option<(&'a str, &'a str)>,
    agents: Vec<&'a str>,
    organisation: Option<&'a str>,
    issued_at: Option<i64>,
}

impl World {
    pub fn organisation_counts(&self, id: &str) -> bool {
        self.organisations.get(id).is_some_and(|(_, state)| *state == State::Active)
    }

    fn agent_counts(&self, id: &str) -> bool {
        let Some(agent) = self.agents.get(id) else { return false };
        let names = Names {
            subject: Some(("registry", id)),
            agents: vec![id],
            organisation: Some(&agent.organisation),
            ..Names::default()
        };
        agent.state == State::Active && self.organisation_counts(&agent.organisation) && !self.revoked(&names)
    }

    fn revoked(&self, names: &Names<'_>) -> bool {
        self.revocations.values().any(|revocation| {
            let named = match &revocation.named {
                Named::Jti(id) => names.jti == Some(id),
                Named::Session(_) => false,
                Named::Key(id) => names.key == Some(id),
                Named::Subject { issuer, id } => names.subject.is_some_and(|(by, subject)| {
                    subject == id && issuer.as_ref().is_none_or(|issuer| issuer == by)
                }),
                Named::Agent(id) => names.agents.contains(&id.as_str()),
                Named::Organisation(id) => names.organisation == Some(id),
            };
            let ours =
                revocation.organisation.is_none() || revocation.organisation.as_deref() == names.organisation;
            let early = match (revocation.issued_before, names.issued_at) {
                (Some(before), Some(issued)) => issued < before,
                _ => true,
            };
            named && ours && early
        })
    }

    /// What a decision has to come to at a time.
    pub fn judge(&self, presented: &Presented, now: i64) -> Judgement {
        let counts = match presented {
            Presented::Key(id) => self.keys.get(id).map(|key| self.key_counts(id, key, now)),
            Presented::Delegation(id) => {
                self.delegations.contains_key(id).then(|| self.delegation_counts(id, now))
            }
            Presented::Token(jti, subject, organisation, issued_at) => {
                let names = Names {
                    jti: Some(jti),
                    subject: Some(("idp", subject)),
                    organisation: Some(organisation),
                    issued_at: Some(*issued_at),
                    ..Names::default()
                };
                let known = self.organisations.get(organisation);
                let active = known.is_none_or(|(_, state)| *state == State::Active);
                Some(active && !self.revoked(&names))
            }
            Presented::Member(organisation, issuer, subject) => {
                let place = (organisation.clone(), issuer.clone(), subject.clone());
                self.members.get(&place).map(|role| *role == MemberRole::Admin)
            }
        };
        counts.map_or(
            Judgement::Unknown,
            |counts| {
                if counts { Judgement::Accepted } else { Judgement::Refused }
            },
        )
    }

    fn key_counts(&self, id: &str, key: &KeyOf, now: i64) -> bool {
        let agent = key.agent.as_deref();
        let names = Names {
            key: Some(id),
            subject: Some(("registry", agent.unwrap_or(id))),
            agents: agent.into_iter().collect(),
            organisation: key.organisation.as_deref(),
            ..Names::default()
        };
        key.state == State::Active
            && key.expires_at.is_none_or(|end| now < end)
            && agent.is_none_or(|agent| self.agents.get(agent).is_some_and(|of| of.state == State::Active))
            && key.organisation.as_deref().is_none_or(|of| self.organisation_counts(of))
            && !self.revoked(&names)
    }

    fn delegation_counts(&self, id: &str, now: i64) -> bool {
        let Some(leaf) = self.delegations.get(id) else { return false };
        let (mut link, mut agents, mut root) = (leaf, Vec::new(), leaf);
        loop {
            let counts = link.state == State::Active && now < link.expires_at;
            if !counts || !self.agent_counts(&link.from) {
                return false;
            }
            agents.extend([link.from.as_str(), link.to.as_str()]);
            root = if link.parent.is_none() { link } else { root };
            let Some(parent) = &link.parent else { break };
            let Some(next) = self.delegations.get(parent) else { return false };
            link = next;
        }
        let names = Names {
            jti: Some(id),
            subject: Some(("registry", &root.from)),
            agents,
            organisation: Some(&leaf.organisation),
            ..Names::default()
        };
        // Who acts counts as well, if it is still there.
        let to = self.agents.get(&leaf.to).is_none_or(|_| self.agent_counts(&leaf.to));
        to && !self.revoked(&names)
    }

    /// Every id that belongs to an organisation, with it.
    pub fn belongings(&self) -> Vec<(&str, Option<&str>)> {
        let mut all: Vec<(&str, Option<&str>)> = Vec::new();
        all.extend(self.agents.iter().map(|(id, of)| (id.as_str(), Some(of.organisation.as_str()))));
        all.extend(self.keys.iter().map(|(id, of)| (id.as_str(), of.organisation.as_deref())));
        all.extend(self.delegations.iter().map(|(id, of)| (id.as_str(), Some(of.organisation.as_str()))));
        all.extend(self.revocations.iter().map(|(id, of)| (id.as_str(), of.organisation.as_deref())));
        all
    }

    /// Where records differ from this, if they do.
    pub fn difference(&self, records: &Records) -> Option<String> {
        let counts = records.counts();
        let ours = [
            self.organisations.len(),
            self.agents.len(),
            self.keys.len(),
            self.delegations.len(),
            self.roles.len(),
            self.revocations.len(),
        ];
        let theirs = [
            counts.organisations,
            counts.agents,
            counts.keys,
            counts.delegations,
            counts.roles,
            counts.revocations,
        ];
        if ours != theirs {
            return Some(format!("there are {theirs:?} records, and should be {ours:?}"));
        }
        for (id, agent) in &self.agents {
            let found = records.agent(id).map(|found| (found.state, found.name.clone(), found.roles.clone()));
            if found != Some((agent.state, agent.name.clone(), agent.roles.clone())) {
                return Some(format!("the agent {id} is {found:?}, and should be {agent:?}"));
            }
            let counts = records.agent(id).map(|found| records.agent_standing(found) == Standing::InForce);
            if counts != Some(self.agent_counts(id)) {
                return Some(format!("the agent {id} counts: {counts:?}"));
            }
        }
        for (id, key) in &self.keys {
            let found = records.key(id).map(|found| (found.state, found.expires_at.map(|end| end.0)));
            if found != Some((key.state, key.expires_at)) {
                return Some(format!("the key {id} is {found:?}, and should be {key:?}"));
            }
        }
        for ((organisation, name), permissions) in &self.roles {
            let mut granted = Vec::new();
            records.grant(organisation.as_deref(), std::slice::from_ref(name), &mut granted);
            if !permissions.iter().all(|permission| granted.contains(permission)) {
                return Some(format!("the role {name} of {organisation:?} grants {granted:?}"));
            }
        }
        None
    }
}
