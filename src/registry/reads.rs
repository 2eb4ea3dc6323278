//! What somebody is shown of the registry.
//!
//! INVARIANT (one line between tenants): every question to the database names the organisation that the actor sees, and every
//! record that comes back is asked about once more ([`Actor::sees`]).
//! INVARIANT (an agent sees its own): itself, its keys, its secrets, and delegations from and to it ([`Stored::concerns`]).
//! INVARIANT (values are for who uses them): the value of a secret goes to its agent and to bridges of its organisation, and each
//! time an event says so first.

use std::collections::HashMap;

use serde_json::Value;

use super::actor::{Actor, Power, Right};
use super::record::{Agent, KeyRecord, OfAgent, SecretRecord, Stored};
use super::rejection::Rejection;
use super::row::{AuthEvent, Row, Select, SelectAudit, SelectEvents};
use super::service::Registry;
use super::store::{StoreError, StoreErrorKind, WriteError};
use crate::model::clock::Timestamp;
use crate::model::secret::SecretBytes;

/// Why there is nothing to be shown.
pub type ReadError = WriteError;

/// How many rows one list looks at, at most, where it has to look at each.
const MOST_ROWS: usize = 10_000;
/// How many rows are read at a time where each is looked at.
const STEP: u32 = 1000;
/// The longest list.
pub const LONGEST: u32 = 1000;

/// Which records, in the order of their ids.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Of this organisation; by default the actor's own, and with an operator of all.
    pub organisation: Option<String>,
    /// Of this agent.
    pub agent: Option<String>,
    /// Where the page before ended.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// A page of records.
#[derive(Debug, Clone)]
pub struct Listed<T> {
    /// The records.
    pub items: Vec<T>,
    /// Where the next page begins; none where this is the last. A page may have fewer records than were asked for, and not
    /// be the last.
    pub next: Option<String>,
}

/// Events with their numbers, and the number before which the next page begins; none where this is the last.
pub type EventsPage = (Vec<(u64, AuthEvent)>, Option<u64>);

impl Registry {
    /// One record that the actor sees.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn get<T: Stored>(&self, actor: &Actor, id: &str) -> Result<T, ReadError> {
        self.find(actor, id)?.ok_or_else(|| Rejection::not_found(T::WORD, id).into())
    }

    fn find<T: Stored>(&self, actor: &Actor, id: &str) -> Result<Option<T>, ReadError> {
        let own = match actor.agent() {
            Some(agent) if T::OF_AGENT != OfAgent::Nothing => Some(agent),
            _ => {
                actor.require_anywhere(Right::Read)?;
                None
            }
        };
        let row = self.store.get(T::KIND, id)?;
        let record = row.map(|row| read::<T>(&row)).transpose()?;
        Ok(record.filter(|record| {
            actor.sees(record.organisation()) && own.is_none_or(|agent| record.concerns(agent))
        }))
    }

    /// The records that the actor sees.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn list<T: Stored>(&self, actor: &Actor, page: &Page) -> Result<Listed<T>, ReadError> {
        let organisation = scope(actor, page.organisation.as_deref())?;
        let agent = match actor.agent() {
            Some(own) if T::OF_AGENT != OfAgent::Nothing => {
                if page.agent.as_deref().is_some_and(|named| named != own) {
                    return Err(
                        Rejection::not_found(Agent::WORD, page.agent.as_deref().unwrap_or_default()).into()
                    );
                }
                Some(own.to_owned())
            }
            _ => {
                actor.require(Right::Read, organisation.as_deref())?;
                page.agent.clone()
            }
        };
        if agent.is_some() && T::OF_AGENT == OfAgent::Nothing {
            return Err(Rejection::invalid("agent", "says nothing about this").into());
        }
        let scattered = agent.as_deref().filter(|_| T::OF_AGENT == OfAgent::Scattered);
        let which = Select {
            organisation,
            owner: agent.clone().filter(|_| scattered.is_none()),
            after: page.after.clone(),
            limit: page.limit.clamp(1, LONGEST),
        };
        match scattered {
            Some(agent) => self.scan(actor, which, agent),
            None => self.select(actor, &which),
        }
    }

    fn select<T: Stored>(&self, actor: &Actor, which: &Select) -> Result<Listed<T>, ReadError> {
        let rows = self.store.select(T::KIND, which)?;
        let more = rows.len() >= which.limit as usize;
        let next = rows.last().filter(|_| more).map(|row| row.id.clone());
        let items = rows.iter().map(read::<T>).collect::<Result<Vec<T>, _>>()?;
        Ok(Listed { items: items.into_iter().filter(|item| actor.sees(item.organisation())).collect(), next })
    }

    /// Looks at each record whether it is the agent's affair.
    fn scan<T: Stored>(&self, actor: &Actor, mut which: Select, agent: &str) -> Result<Listed<T>, ReadError> {
        let limit = which.limit as usize;
        which.limit = STEP;
        let (mut items, mut seen) = (Vec::new(), 0);
        while seen < MOST_ROWS {
            let rows = self.store.select(T::KIND, &which)?;
            for row in &rows {
                let record: T = read(row)?;
                which.after = Some(row.id.clone());
                if actor.sees(record.organisation()) && record.concerns(agent) {
                    items.push(record);
                }
                if items.len() >= limit {
                    return Ok(Listed { items, next: which.after });
                }
            }
            if rows.len() < STEP as usize {
                return Ok(Listed { items, next: None });
            }
            seen += rows.len();
        }
        Ok(Listed { items, next: which.after })
    }

    /// When these keys were last used: as the database has it, or as this process knows it, whichever is later.
    ///
    /// # Errors
    /// The database fails.
    pub fn last_used(&self, keys: &[KeyRecord]) -> Result<HashMap<String, Timestamp>, StoreError> {
        let ids: Vec<String> = keys.iter().map(|key| key.id.clone()).collect();
        self.last_uses(&ids)
    }

    /// A secret with its value.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn secret(
        &self,
        actor: &Actor,
        agent: &str,
        name: &str,
    ) -> Result<(SecretRecord, SecretBytes), ReadError> {
        let id = SecretRecord::id_of(agent, name);
        let record = self.find::<SecretRecord>(actor, &id)?;
        let record = record.ok_or_else(|| Rejection::not_found(SecretRecord::WORD, name))?;
        if !matches!(actor.power, Power::Bridge(_) | Power::Agent { .. }) {
            let message =
                format!("the value of a secret is for its agent and for bridges; the caller is {actor}");
            return Err(Rejection::forbidden(message).into());
        }
        self.note_secret_read(&record.organisation, &record.agent, actor.peer)?;
        let sealed = self.store.sealed(SecretRecord::KIND, &id)?;
        let sealed = sealed.ok_or_else(|| Rejection::not_found(SecretRecord::WORD, name))?;
        let value = self.material.open_sealed(SecretRecord::KIND, &id, &sealed);
        let value = value.map_err(|error| StoreError::new(StoreErrorKind::Damaged, error.to_string()))?;
        Ok((record, value))
    }

    /// Entries of the audit log, the latest first; with where to go on.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn audit(&self, actor: &Actor, which: &SelectAudit) -> Result<(Vec<Value>, Option<u64>), ReadError> {
        let organisation = scope(actor, which.organisation.as_deref())?;
        actor.require(Right::Read, organisation.as_deref())?;
        let which = SelectAudit { organisation, limit: which.limit.clamp(1, LONGEST), ..which.clone() };
        let rows = self.store.audit(&which)?;
        let next = rows.last().filter(|_| rows.len() >= which.limit as usize).map(|row| row.seq);
        let entries = rows.iter().map(|row| serde_json::from_str(&row.body).map_err(|error| damaged(&error)));
        Ok((entries.collect::<Result<_, _>>()?, next))
    }

    /// What happened to credentials, the latest first; with where to go on.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn auth_events(
        &self,
        actor: &Actor,
        which: &SelectEvents,
    ) -> Result<(Vec<AuthEvent>, Option<u64>), ReadError> {
        let (events, next) = self.numbered_events(actor, which)?;
        Ok((events.into_iter().map(|(_, event)| event).collect(), next))
    }

    /// The same with their numbers; an agent gets those about itself.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn numbered_events(&self, actor: &Actor, which: &SelectEvents) -> Result<EventsPage, ReadError> {
        let organisation = scope(actor, which.organisation.as_deref())?;
        let agent = match (actor.agent(), which.agent.as_deref()) {
            (Some(own), Some(named)) if named != own => {
                return Err(Rejection::not_found(Agent::WORD, named).into());
            }
            (Some(own), _) => Some(own.to_owned()),
            (None, named) => {
                actor.require(Right::Read, organisation.as_deref())?;
                named.map(str::to_owned)
            }
        };
        let which =
            SelectEvents { organisation, agent, limit: which.limit.clamp(1, LONGEST), ..which.clone() };
        let events = self.store.events(&which)?;
        let next = events.last().filter(|_| events.len() >= which.limit as usize).map(|(number, _)| *number);
        Ok((events, next))
    }
}

/// The organisation that is asked about: the actor's own, and with an operator any, or none for all.
fn scope(actor: &Actor, named: Option<&str>) -> Result<Option<String>, Rejection> {
    match (named, actor.organisation()) {
        (Some(named), Some(own)) if named != own => Err(Rejection::not_found("organisation", named)),
        (named, own) => Ok(named.or(own).map(str::to_owned)),
    }
}

fn read<T: Stored>(row: &Row) -> Result<T, StoreError> {
    serde_json::from_str(row.body.as_deref().unwrap_or_default()).map_err(|error| damaged(&error))
}

fn damaged(error: &serde_json::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Damaged, format!("a record cannot be read: {error}"))
}
