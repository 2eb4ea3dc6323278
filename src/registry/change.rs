//! What the commands do: within one transaction, each with its entry in the audit log.
//!
//! INVARIANT (one way in): records are found, put and deleted by [`Change`], which asks whether the actor sees them and writes
//! down what happens to them. No command touches a row by itself.
//!
//! Reading order: this file → `organisations` → `agents` → `keys` → `delegations` → `small` → `events` → `bootstrap`.

mod agents;
mod bootstrap;
mod delegations;
mod events;
mod keys;
mod organisations;
mod signing_keys;
mod small;

use super::actor::{Actor, Right};
use super::audit::{DELETED, Entry, EntryActor, EntryChange, digest_of, hex, mac_of};
use super::command::Command;
use super::material::Material;
use super::record::Stored;
use super::rejection::Rejection;
use super::row::{Kind, Row};
use super::rules::Rules;
use super::store::{StoreError, StoreErrorKind, Transaction, WriteError};
use crate::model::clock::Timestamp;
use crate::model::secret::Secret;
use serde_json::Value;

/// What came of a command.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// The number of its commit.
    pub seq: u64,
    /// The record that it is about, as it may be shown; null where it was deleted.
    pub record: Value,
    /// What is shown this once: the text of a key.
    pub once: Option<Secret<String>>,
    /// What was made with it.
    pub made: Vec<Made>,
}

/// What was made with something else, in the same transaction.
#[derive(Debug, Clone)]
pub struct Made {
    /// What it is to the other, e.g. `admin_key`.
    pub name: &'static str,
    /// The record, as it may be shown.
    pub record: Value,
    /// What is shown this once.
    pub once: Option<Secret<String>>,
}

/// What commands are carried out with, whatever they are.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The keys of the registry.
    pub material: &'a Material,
    /// What the configuration says.
    pub rules: &'a Rules,
    /// The time.
    pub now: Timestamp,
}

/// A change that is under way.
pub(super) struct Change<'a> {
    tx: &'a mut dyn Transaction,
    actor: &'a Actor,
    with: Setting<'a>,
    seq: u64,
    organisation: Option<String>,
    changes: Vec<EntryChange>,
}

/// Carries a command out in a transaction.
///
/// # Errors
/// It is not allowed or not possible, or the database fails.
pub fn carry_out(
    tx: &mut dyn Transaction,
    actor: &Actor,
    with: Setting<'_>,
    command: &Command,
) -> Result<Done, WriteError> {
    let seq = tx.head().seq + 1;
    let mut change = Change { tx, actor, with, seq, organisation: None, changes: Vec::new() };
    let (action, done) = change.perform(command)?;
    change.close(action)?;
    Ok(Done { seq, ..done })
}

impl Change<'_> {
    fn perform(&mut self, command: &Command) -> Result<(&'static str, Done), WriteError> {
        let state = |state| match state {
            super::record::State::Active => 0,
            super::record::State::Disabled => 1,
            super::record::State::Revoked => 2,
        };
        let one_of =
            |actions: [&'static str; 3], which| actions.get(state(which)).copied().unwrap_or_default();
        Ok(match command {
            Command::Bootstrap(new) => ("registry.bootstrap", self.bootstrap(new)?),
            Command::CreateOrganisation(new) => ("organisation.create", self.create_organisation(new)?),
            Command::RenameOrganisation { id, name } => {
                ("organisation.update", self.rename_organisation(id, name.as_deref())?)
            }
            Command::SetOrganisationState { id, state } => (
                one_of(["organisation.enable", "organisation.disable", "organisation.revoke"], *state),
                self.set_organisation_state(id, *state)?,
            ),
            Command::DeleteOrganisation { id } => ("organisation.delete", self.delete_organisation(id)?),
            Command::PutMember(new) => ("member.put", self.put_member(new)?),
            Command::RemoveMember { organisation, issuer, subject } => {
                ("member.remove", self.remove_member(organisation.as_deref(), issuer, subject)?)
            }
            Command::CreateAgent(new) => ("agent.create", self.create_agent(new)?),
            Command::UpdateAgent { id, change } => ("agent.update", self.update_agent(id, change)?),
            Command::SetAgentState { id, state } => (
                one_of(["agent.enable", "agent.disable", "agent.revoke"], *state),
                self.set_agent_state(id, *state)?,
            ),
            Command::DeleteAgent { id } => ("agent.delete", self.delete_agent(id)?),
            Command::CreateKey(new) => ("key.create", self.create_key(new)?),
            Command::RotateKey { id, overlap } => ("key.rotate", self.rotate_key(id, *overlap)?),
            Command::SetKeyState { id, state } => {
                (one_of(["key.enable", "key.disable", "key.revoke"], *state), self.set_key_state(id, *state)?)
            }
            Command::DeleteKey { id } => ("key.delete", self.delete_key(id)?),
            Command::Delegate(new) => ("delegation.create", self.delegate(new)?),
            Command::SetDelegationState { id, state } => (
                one_of(["delegation.enable", "delegation.disable", "delegation.revoke"], *state),
                self.set_delegation_state(id, *state)?,
            ),
            Command::DeleteDelegation { id } => ("delegation.delete", self.delete_delegation(id)?),
            Command::PutRole(new) => ("role.put", self.put_role(new)?),
            Command::DeleteRole { organisation, name } => {
                ("role.delete", self.delete_role(organisation.as_deref(), name)?)
            }
            Command::PutSecret(new) => ("secret.put", self.put_secret(new)?),
            Command::DeleteSecret { agent, name } => ("secret.delete", self.delete_secret(agent, name)?),
            Command::PutSetting(new) => ("setting.put", self.put_setting(new)?),
            Command::DeleteSetting { organisation, key } => {
                ("setting.delete", self.delete_setting(organisation.as_deref(), key)?)
            }
            Command::Revoke(new) => ("revocation.create", self.revoke(new)?),
            Command::DeleteRevocation { id } => ("revocation.delete", self.delete_revocation(id)?),
            Command::Receive(new) => ("event.receive", self.receive(new)?),
            Command::SigningKey { organisation, change } => self.change_signing_key(organisation, change)?,
            Command::Rewrap { after } => ("registry.rewrap", self.rewrap(after.as_deref())?),
        })
    }

    /// Writes down what was done.
    fn close(self, action: &str) -> Result<(), WriteError> {
        let head = self.tx.head().clone();
        let category = match action.split_once('.') {
            Some(("key" | "delegation" | "revocation" | "event" | "member" | "signing_key", _)) => "auth",
            Some((category, _)) => category,
            None => action,
        };
        let entry = Entry {
            seq: self.seq,
            at: self.with.now,
            category: category.to_owned(),
            action: action.to_owned(),
            actor: EntryActor::from(self.actor),
            organisation: self.organisation,
            changes: self.changes,
            previous: hex(&head.audit_hash),
        };
        let row = entry.into_row(&head.audit_hash).map_err(|error| broken(&error))?;
        let mac = mac_of(&self.with.material.audit_key, &head.database, row.seq, &row.hash);
        Ok(self.tx.append_audit(&row, &mac)?)
    }

    /// The organisation that a record is to belong to: the one that is named, else the actor's own.
    fn within(&self, named: Option<&str>) -> Result<Option<String>, Rejection> {
        match (named, self.actor.organisation()) {
            (Some(named), Some(own)) if named != own => Err(Rejection::not_found("organisation", named)),
            (Some(id), _) | (None, Some(id)) => Ok(Some(id.to_owned())),
            (None, None) => Ok(None),
        }
    }

    /// A record that the actor sees.
    fn find<T: Stored>(&mut self, id: &str) -> Result<T, WriteError> {
        match self.look::<T>(id)? {
            Some(record) if self.actor.sees(record.organisation()) => Ok(record),
            _ => Err(Rejection::not_found(T::WORD, id).into()),
        }
    }

    /// A record, whoever sees it.
    fn look<T: Stored>(&mut self, id: &str) -> Result<Option<T>, WriteError> {
        let body = self.tx.get(T::KIND, id)?.and_then(|row| row.body);
        body.map(|body| serde_json::from_str(&body).map_err(|error| broken(&error).into())).transpose()
    }

    /// Whether it may do this to what belongs to that organisation.
    fn require(&self, right: Right, organisation: Option<&str>) -> Result<(), WriteError> {
        Ok(self.actor.require(right, organisation)?)
    }

    /// Whether it may do this, or is the agent whose own it is.
    fn require_or_own(
        &self,
        right: Right,
        organisation: Option<&str>,
        agent: &str,
    ) -> Result<(), WriteError> {
        if self.actor.agent() == Some(agent) && self.actor.sees(organisation) {
            return Ok(());
        }
        self.require(right, organisation)
    }

    /// Puts a record in its place, with what is sealed beside it.
    fn put<T: Stored>(
        &mut self,
        before: Option<&T>,
        record: &T,
        sealed: Option<Vec<u8>>,
    ) -> Result<Done, WriteError> {
        let row = Row {
            kind: T::KIND,
            id: record.row_id(),
            organisation: record.organisation().map(str::to_owned),
            owner: record.owner().map(str::to_owned),
            seq: self.seq,
            body: Some(serde_json::to_string(record).map_err(|error| broken(&error))?),
            sealed,
        };
        let after = record.shown();
        self.write(&row, before.map(Stored::shown), Some(after.clone()))?;
        Ok(Done { record: after, ..Done::default() })
    }

    /// Deletes a record.
    fn delete<T: Stored>(&mut self, record: &T) -> Result<Done, WriteError> {
        let row = Row {
            kind: T::KIND,
            id: record.row_id(),
            organisation: record.organisation().map(str::to_owned),
            owner: None,
            seq: self.seq,
            body: None,
            sealed: None,
        };
        self.write(&row, Some(record.shown()), None)?;
        Ok(Done::default())
    }

    fn write(&mut self, row: &Row, before: Option<Value>, after: Option<Value>) -> Result<(), WriteError> {
        self.tx.put(row)?;
        // What is about several organisations is shown to none of them.
        if self.changes.is_empty() {
            self.organisation.clone_from(&row.organisation);
        } else if self.organisation != row.organisation {
            self.organisation = None;
        }
        let digest = if row.body.is_some() { digest_of(row) } else { DELETED.to_owned() };
        self.changes.push(EntryChange { kind: row.kind, id: row.id.clone(), before, after, digest });
        Ok(())
    }

    /// A new identifier that nobody has.
    fn new_id(&mut self, kind: Kind, prefix: &str) -> Result<String, WriteError> {
        for _ in 0..4 {
            let mut bytes = [0; 8];
            (self.with.rules.random)(&mut bytes)?;
            let id = format!("{prefix}_{}", hex(&bytes));
            if self.tx.get(kind, &id)?.is_none() {
                return Ok(id);
            }
        }
        Err(StoreError::new(StoreErrorKind::Other, "no identifier is free").into())
    }
}

/// What is stored is not what a record looks like.
fn broken(error: &serde_json::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Damaged, format!("a record cannot be read or written: {error}"))
}

/// A sealed value cannot be made or opened.
fn unsealed(error: &crate::sealing::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Other, error.to_string())
}
