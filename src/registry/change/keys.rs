//! Keys.
//!
//! INVARIANT (shown once): the text of a key leaves with the answer to the command that made it. What stays is its tag.

use std::sync::Arc;

use super::agents::check_limits;
use super::organisations::check_transition;
use super::{Change, Done};
use crate::model::clock::Timestamp;
use crate::model::secret::Secret;
use crate::model::units::Period;
use crate::registry::actor::{Power, Right};
use crate::registry::command::NewKey;
use crate::registry::key_hash::KeyHash;
use crate::registry::key_text::generate;
use crate::registry::names::{check_json, check_name, check_words};
use crate::registry::record::{Agent, KeyKind, KeyRecord, State};
use crate::registry::rejection::Rejection;
use crate::registry::row::{AuthEvent, Kind};
use crate::registry::store::WriteError;

/// So many characters of a key are kept, for people to recognise it by.
const PREFIX: usize = 8;
/// The most keys of one agent or organisation.
const MOST_KEYS: usize = 1000;
/// The longest time for which a key that was replaced stays valid, in days.
const LONGEST_OVERLAP: i64 = 90;
/// A day, in nanoseconds.
const DAY: i64 = 86_400_000_000_000;

impl Change<'_> {
    pub(super) fn create_key(&mut self, new: &NewKey) -> Result<Done, WriteError> {
        let (agent, organisation) = self.owner_of(new)?;
        self.make_key(new, agent, organisation)
    }

    /// Makes a key for whose it is to be; whether the actor may do that has been asked.
    pub(super) fn make_key(
        &mut self,
        new: &NewKey,
        agent: Option<String>,
        organisation: Option<String>,
    ) -> Result<Done, WriteError> {
        self.check_key(new)?;
        let owner = agent.as_deref().or(organisation.as_deref());
        if let Some(owner) = owner
            && self.tx.owned(owner, Some(Kind::Key))?.len() >= MOST_KEYS
        {
            let message = format!("`{owner}` has {MOST_KEYS} keys; delete some that are no longer used");
            return Err(Rejection::conflict(message).into());
        }
        let prefix = new.prefix.as_deref().unwrap_or(match new.kind {
            KeyKind::Agent => "sk_agent",
            KeyKind::Service => "sk_service",
            KeyKind::Bridge => "sk_bridge",
            KeyKind::Device => "sk_device",
            KeyKind::Admin => "sk_admin",
        });
        let text = generate(prefix).map_err(|why| Rejection::invalid("prefix", why))?;
        // An operator's key is one by its role, so that it opens all of management.
        let roles = match organisation {
            None => self.with.rules.operator_role.iter().cloned().collect(),
            Some(_) => new.roles.clone(),
        };
        let record = KeyRecord {
            id: self.new_id(Kind::Key, "key")?,
            kind: new.kind,
            agent,
            organisation,
            name: new.name.clone(),
            tag: self.tag_of(&text),
            prefix: Some(beginning(&text)),
            roles,
            permissions: new.permissions.clone(),
            limits: Arc::new(new.limits.clone()),
            metadata: new.metadata.clone(),
            state: State::Active,
            created_at: Some(self.with.now),
            expires_at: new.expires_at,
            text_prefix: Some(prefix.to_owned()),
            replaces: None,
        };
        let done = self.put(None, &record, None)?;
        Ok(Done { once: Some(text), ..done })
    }

    /// Whose a key is to be, and whether the actor may make it.
    fn owner_of(&mut self, new: &NewKey) -> Result<(Option<String>, Option<String>), WriteError> {
        if new.kind.is_of_agent() {
            let Some(id) = &new.agent else {
                let message =
                    format!("is missing: a key of the kind `{}` belongs to an agent", new.kind.name());
                return Err(Rejection::invalid("agent", message).into());
            };
            let agent: Agent = self.find(id)?;
            let right = if new.kind == KeyKind::Device { Right::Provision } else { Right::Administer };
            self.require(right, agent.organisation.as_deref())?;
            if new.organisation.is_some() && new.organisation != agent.organisation {
                return Err(Rejection::invalid("organisation", "is not that of the agent").into());
            }
            if agent.state == State::Revoked {
                return Err(Rejection::conflict(format!("the agent `{id}` is revoked")).into());
            }
            return Ok((Some(agent.id), agent.organisation));
        }
        if new.agent.is_some() {
            let message = format!("a key of the kind `{}` belongs to no agent", new.kind.name());
            return Err(Rejection::invalid("agent", message).into());
        }
        if new.kind == KeyKind::Admin && new.organisation.is_none() && self.actor.power == Power::Operator {
            return Ok((None, None));
        }
        let organisation = self.organisation_of(new.organisation.as_deref())?;
        self.require(Right::Administer, Some(&organisation))?;
        Ok((None, Some(organisation)))
    }

    fn check_key(&self, new: &NewKey) -> Result<(), WriteError> {
        check_name("name", new.name.as_deref())?;
        self.check_roles(&new.roles)?;
        check_words("permissions", &new.permissions)?;
        check_limits(&new.limits)?;
        check_json("metadata", &new.metadata)?;
        if new.agent.is_some() && !new.limits.is_none() {
            return Err(Rejection::invalid("limits", "are those of the agent; set them there").into());
        }
        if new.expires_at.is_some_and(|end| end <= self.with.now) {
            return Err(Rejection::invalid("expires_at", "is in the past").into());
        }
        Ok(())
    }

    fn tag_of(&self, text: &Secret<String>) -> crate::registry::key_tag::KeyTag {
        self.with.material.tag_key.tag(&KeyHash::of(text.expose()))
    }

    /// A key that the actor sees and may manage.
    fn managed_key(&mut self, id: &str) -> Result<KeyRecord, WriteError> {
        let key: KeyRecord = self.find(id)?;
        let organisation = key.organisation.as_deref();
        match (&key.agent, key.kind) {
            (Some(agent), KeyKind::Device) => {
                let agent = agent.clone();
                self.require_or_own(Right::Provision, organisation, &agent)?;
            }
            (Some(agent), _) => {
                let agent = agent.clone();
                self.require_or_own(Right::Administer, organisation, &agent)?;
            }
            (None, _) => self.require(Right::Administer, organisation)?,
        }
        Ok(key)
    }

    pub(super) fn rotate_key(&mut self, id: &str, overlap: Period) -> Result<Done, WriteError> {
        let before = self.managed_key(id)?;
        let overlap = i64::try_from(overlap.0.as_nanos()).unwrap_or(i64::MAX);
        if overlap > LONGEST_OVERLAP * DAY {
            let message = format!("is longer than {LONGEST_OVERLAP} days");
            return Err(Rejection::invalid("overlap", message).into());
        }
        if before.state != State::Active || before.expires_at.is_some_and(|end| end <= self.with.now) {
            let message = format!("the key `{id}` is no longer valid; make another one");
            return Err(Rejection::conflict(message).into());
        }
        let prefix = before.prefix.as_deref().unwrap_or("sk");
        let text =
            generate(&full_prefix(&before, prefix)).map_err(|why| Rejection::invalid("prefix", why))?;
        let made = KeyRecord {
            id: self.new_id(Kind::Key, "key")?,
            tag: self.tag_of(&text),
            prefix: Some(beginning(&text)),
            created_at: Some(self.with.now),
            replaces: Some(before.id.clone()),
            ..before.clone()
        };
        let done = self.put(None, &made, None)?;
        let until = Timestamp(self.with.now.0.saturating_add(overlap));
        let until = before.expires_at.map_or(until, |end| end.min(until));
        let after = KeyRecord { expires_at: Some(until), ..before.clone() };
        self.put(Some(&before), &after, None)?;
        self.tx.append_event(&AuthEvent {
            at: self.with.now,
            organisation: made.organisation.clone(),
            agent: made.agent.clone(),
            key_prefix: made.prefix.clone(),
            action: "key_rotated".to_owned(),
            reason: None,
            peer: self.actor.peer.map(|peer| peer.to_string()),
            count: 1,
        })?;
        Ok(Done { once: Some(text), ..done })
    }

    pub(super) fn set_key_state(&mut self, id: &str, state: State) -> Result<Done, WriteError> {
        let before = self.managed_key(id)?;
        // Whoever has a key may give it up, but not bring another back to life.
        if self.actor.agent().is_some() && state == State::Active {
            return Err(self.actor.lacks(Right::Administer).into());
        }
        check_transition("key", id, before.state, state)?;
        let after = KeyRecord { state, ..before.clone() };
        self.put(Some(&before), &after, None)
    }

    pub(super) fn delete_key(&mut self, id: &str) -> Result<Done, WriteError> {
        let before = self.managed_key(id)?;
        self.delete(&before)
    }
}

/// How a key begins.
fn beginning(text: &Secret<String>) -> String {
    text.expose().chars().take(PREFIX).collect()
}

/// What the text of a key that replaces another is to begin with.
fn full_prefix(before: &KeyRecord, prefix: &str) -> String {
    before.text_prefix.clone().unwrap_or_else(|| prefix.trim_end_matches('_').to_owned())
}
