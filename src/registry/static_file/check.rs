//! Whether the file holds together, and what it says.

use std::collections::{HashMap, HashSet};

use super::schema::{AgentEntry, DelegationEntry, File, KeyEntry, OrganisationEntry, RevocationEntry};
use crate::document::{Problem, Tree};
use crate::model::limits::HardLimits;
use crate::model::roles::covers;
use crate::model::subject;
use crate::registry::key_hash::KeyHash;
use crate::registry::parts::{KeyParts, Parts};
use crate::registry::record::{Agent, Delegation, KeyKind, Organisation, State};
use crate::registry::revocations::{Named, Revocation};

/// More would not help anybody; each costs a look through the text.
const MOST_PROBLEMS: usize = 20;

/// What the file says.
///
/// # Errors
/// Everything in it that does not hold together, the first [`MOST_PROBLEMS`].
pub(super) fn parts(file: File, tree: &Tree) -> Result<Parts, Vec<Problem>> {
    let mut check = Check { tree, problems: Vec::new() };
    check.ids(&file);
    check.agents(&file);
    check.keys(&file);
    check.delegations(&file);
    check.revocations(&file);
    if !check.problems.is_empty() {
        return Err(check.problems);
    }
    let keys: Option<Vec<KeyParts>> = file.keys.into_iter().map(key).collect();
    Ok(Parts {
        organisations: file.organisations.into_iter().map(organisation).collect(),
        agents: file.agents.into_iter().map(agent).collect(),
        // All were found to be hashes.
        keys: keys.unwrap_or_default(),
        delegations: file.delegations.into_iter().map(delegation).collect(),
        roles: file.roles,
        revocations: file.revocations.into_iter().filter_map(revocation).collect(),
    })
}

fn organisation(OrganisationEntry { id, name, disabled }: OrganisationEntry) -> Organisation {
    Organisation { id, name, state: state(disabled), created_at: None }
}

fn agent(entry: AgentEntry) -> Agent {
    let AgentEntry { id, organisation, name, roles, permissions, limits, attributes, disabled } = entry;
    let limits = limits.into();
    let state = state(disabled);
    Agent { id, organisation, name, roles, permissions, limits, attributes, state, created_at: None }
}

const fn state(disabled: bool) -> State {
    if disabled { State::Disabled } else { State::Active }
}

fn key(entry: KeyEntry) -> Option<KeyParts> {
    Some(KeyParts {
        id: entry.id,
        kind: entry.kind.into(),
        agent: entry.agent,
        organisation: entry.organisation,
        hash: entry.hash.0.parse().ok()?,
        prefix: entry.prefix,
        roles: entry.roles,
        permissions: entry.permissions,
        limits: entry.limits,
        metadata: entry.metadata,
        expires_at: entry.expires_at,
        disabled: entry.disabled,
    })
}

fn delegation(entry: DelegationEntry) -> Delegation {
    let DelegationEntry { id, from, to, scope, expires_at, parent, disabled } = entry;
    let state = state(disabled);
    Delegation { id, organisation: None, from, to, scope, expires_at, parent, state, created_at: None }
}

fn revocation(entry: RevocationEntry) -> Option<Revocation> {
    let RevocationEntry { jti, session, key, subject, issuer, agent, organisation, issued_before } = entry;
    let named = jti
        .map(Named::Jti)
        .or(session.map(Named::Session))
        .or(key.map(Named::Key))
        .or(subject.map(|id| Named::Subject { issuer, id }))
        .or(agent.map(Named::Agent))
        .or(organisation.map(Named::Organisation))?;
    Some(Revocation { issued_before, ..Revocation::of(named) })
}

struct Check<'a> {
    tree: &'a Tree,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn flaw(&mut self, at: &str, message: &str, hint: &str) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(self.tree.problem(at, message, Some(hint)));
        }
    }

    /// Every id is one, and nobody else's.
    fn ids(&mut self, file: &File) {
        let organisations: Vec<&str> = file.organisations.iter().map(|one| one.id.as_str()).collect();
        let agents: Vec<&str> = file.agents.iter().map(|one| one.id.as_str()).collect();
        let keys: Vec<&str> = file.keys.iter().map(|one| one.id.as_str()).collect();
        let delegations: Vec<&str> = file.delegations.iter().map(|one| one.id.as_str()).collect();
        let roles: Vec<&str> = file.roles.iter().map(|one| one.name.as_str()).collect();
        for (list, word, ids) in [
            ("organisations", "id", organisations),
            ("agents", "id", agents),
            ("keys", "id", keys),
            ("delegations", "id", delegations),
            ("roles", "name", roles),
        ] {
            let mut seen = HashMap::new();
            for (n, id) in ids.into_iter().enumerate() {
                let at = format!("{list}[{n}].{word}");
                if let Err(problem) = subject::check_id(id) {
                    self.flaw(&at, &format!("the {word} {problem}"), "write a name that people can read");
                }
                if let Some(first) = seen.insert(id, n) {
                    let message = format!("`{id}` is there twice; the first is {list}[{first}]");
                    self.flaw(&at, &message, "give each its own, or remove one of them");
                }
            }
        }
    }

    fn agents(&mut self, file: &File) {
        let known: HashSet<&str> = file.organisations.iter().map(|one| one.id.as_str()).collect();
        for (n, agent) in file.agents.iter().enumerate() {
            self.reference(
                &format!("agents[{n}].organisation"),
                agent.organisation.as_deref(),
                &known,
                "organisations",
            );
            self.limits(&format!("agents[{n}].limits"), &agent.limits);
        }
    }

    /// What is named has to be there.
    fn reference(&mut self, at: &str, id: Option<&str>, known: &HashSet<&str>, list: &str) {
        if let Some(id) = id.filter(|id| !known.contains(id)) {
            let hint = format!("add it to `{list}`, or name one that is there");
            self.flaw(at, &format!("`{id}` is not among `{list}`"), &hint);
        }
    }

    fn limits(&mut self, at: &str, limits: &HardLimits) {
        let amount = limits.max_amount.as_ref().and_then(serde_json::Number::as_f64);
        if amount.is_some_and(|amount| amount < 0.0) {
            self.flaw(
                &format!("{at}.max_amount"),
                "is less than 0",
                "write the largest amount that is allowed",
            );
        }
    }

    fn keys(&mut self, file: &File) {
        let agents: HashSet<&str> = file.agents.iter().map(|one| one.id.as_str()).collect();
        let organisations: HashSet<&str> = file.organisations.iter().map(|one| one.id.as_str()).collect();
        let mut hashes = HashMap::new();
        for (n, key) in file.keys.iter().enumerate() {
            let at = |key: &str| format!("keys[{n}].{key}");
            self.reference(&at("agent"), key.agent.as_deref(), &agents, "agents");
            self.reference(&at("organisation"), key.organisation.as_deref(), &organisations, "organisations");
            self.limits(&at("limits"), &key.limits);
            self.owner(n, key);
            match key.hash.0.parse::<KeyHash>() {
                Err(error) => self.no_hash(&at("hash"), &error.to_string()),
                Ok(hash) => {
                    if let Some(first) = hashes.insert(*hash.bytes(), n) {
                        let message = format!("is the hash of keys[{first}] as well");
                        self.flaw(
                            &at("hash"),
                            &message,
                            "make a key of its own with `verdict keys generate`",
                        );
                    }
                }
            }
        }
    }

    /// Keys of agents and devices belong to an agent, the others do not.
    fn owner(&mut self, n: usize, key: &KeyEntry) {
        let kind = KeyKind::from(key.kind);
        match (kind, &key.agent, &key.organisation) {
            (KeyKind::Agent | KeyKind::Device, None, _) => {
                let message = format!("a key of kind `{}` belongs to an agent, and names none", kind.name());
                self.flaw(&format!("keys[{n}]"), &message, "add `agent: ID`");
            }
            (KeyKind::Agent | KeyKind::Device, Some(_), Some(_)) => {
                let message = "the organisation of this key is that of its agent";
                self.flaw(&format!("keys[{n}].organisation"), message, "remove the key `organisation`");
            }
            (KeyKind::Service | KeyKind::Bridge, Some(_), _) => {
                let message = format!("a key of kind `{}` belongs to no agent", kind.name());
                self.flaw(&format!("keys[{n}].agent"), &message, "remove it, or write `kind: agent`");
            }
            _ => {}
        }
        if key.agent.is_some() && !key.limits.is_none() {
            let message = "the limits of this key are those of its agent";
            self.flaw(&format!("keys[{n}].limits"), message, "write them under `agents`");
        }
    }

    /// INVARIANT (no key is shown): what stands in the place of a hash may be a key, and so may all of its line.
    fn no_hash(&mut self, at: &str, message: &str) {
        let hint = "only hashes of keys are kept here: `verdict keys hash` makes one of a key";
        if self.problems.len() < MOST_PROBLEMS {
            let problem = self.tree.problem(at, message, Some(hint));
            self.problems.push(Problem { excerpt: None, ..problem });
        }
    }

    fn delegations(&mut self, file: &File) {
        let agents: HashSet<&str> = file.agents.iter().map(|one| one.id.as_str()).collect();
        let by_id: HashMap<&str, &DelegationEntry> =
            file.delegations.iter().map(|one| (one.id.as_str(), one)).collect();
        let ids: HashSet<&str> = by_id.keys().copied().collect();
        for (n, delegation) in file.delegations.iter().enumerate() {
            let at = |key: &str| format!("delegations[{n}].{key}");
            self.reference(&at("from"), Some(&delegation.from), &agents, "agents");
            self.reference(&at("to"), Some(&delegation.to), &agents, "agents");
            self.reference(&at("parent"), delegation.parent.as_deref(), &ids, "delegations");
            if delegation.from == delegation.to {
                self.flaw(&at("to"), "is the agent that delegates", "name another agent");
            }
            if delegation.scope.is_empty() {
                self.flaw(
                    &at("scope"),
                    "is empty, and allows nothing",
                    "name the operations that are delegated",
                );
            }
            if let Some(parent) = delegation.parent.as_deref().and_then(|id| by_id.get(id)) {
                self.narrower(n, delegation, parent);
            }
        }
        self.circles(file, &by_id);
    }

    /// INVARIANT (chains only narrow): what is passed on is no wider and no longer than what was received.
    fn narrower(&mut self, n: usize, child: &DelegationEntry, parent: &DelegationEntry) {
        let at = |key: &str| format!("delegations[{n}].{key}");
        if child.from != parent.to {
            let message = format!("is not the agent that `{}` was granted to, `{}`", parent.id, parent.to);
            self.flaw(&at("from"), &message, "only who received a delegation can pass it on");
        }
        for (m, operation) in child.scope.iter().enumerate() {
            if !parent.scope.iter().any(|granted| covers(granted, operation)) {
                let message = format!("`{operation}` is not in the scope of its parent `{}`", parent.id);
                self.flaw(
                    &at(&format!("scope[{m}]")),
                    &message,
                    "a delegation can be passed on in part, not extended",
                );
            }
        }
        if child.expires_at > parent.expires_at {
            let message = format!("is later than that of its parent `{}`", parent.id);
            self.flaw(&at("expires_at"), &message, "a delegation ends with its parent at the latest");
        }
    }

    /// Each delegation is walked once: `done` are those whose chains are known to end.
    fn circles(&mut self, file: &File, by_id: &HashMap<&str, &DelegationEntry>) {
        let mut done: HashSet<&str> = HashSet::new();
        for (n, start) in file.delegations.iter().enumerate() {
            let mut chain: HashSet<&str> = HashSet::new();
            let mut next = Some(start);
            while let Some(link) = next.filter(|link| !done.contains(link.id.as_str())) {
                if !chain.insert(&link.id) {
                    let message = "rests on itself, by way of its parents";
                    self.flaw(
                        &format!("delegations[{n}].parent"),
                        message,
                        "remove one `parent` of the circle",
                    );
                    break;
                }
                next = link.parent.as_deref().and_then(|id| by_id.get(id)).copied();
            }
            done.extend(chain);
        }
    }

    fn revocations(&mut self, file: &File) {
        for (n, entry) in file.revocations.iter().enumerate() {
            let RevocationEntry { jti, session, key, subject, issuer, agent, organisation, issued_before: _ } =
                entry;
            let at = format!("revocations[{n}]");
            let named = [jti, session, key, subject, agent, organisation].into_iter().flatten().count();
            if named != 1 {
                let hint = "name one of `jti`, `session`, `key`, `subject`, `agent`, `organisation`";
                self.flaw(&at, &format!("names {named} things, not one"), hint);
            } else if issuer.is_some() && subject.is_none() {
                self.flaw(
                    &format!("{at}.issuer"),
                    "is said of a subject alone",
                    "add `subject`, or remove it",
                );
            }
        }
    }
}
