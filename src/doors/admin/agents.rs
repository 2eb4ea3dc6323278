//! Agents, and their secrets.

use serde_json::{Value, json};

use super::asked::{Asked, Invalid};
use super::operation::{Needs, Operation, Trouble, With, Work, shape};
use super::organisations::PAGE;
use super::render::{change, listed};
use super::shapes::{Items, MadeAgent, OpenSecret, SecretValue};
use crate::model::secret::Secret;
use crate::registry::actor::Right;
use crate::registry::command::{AgentChange, Command, NewAgent, NewSecret};
use crate::registry::reads::Page;
use crate::registry::record::{Agent, SecretRecord, State, Stored as _};
use crate::registry::store::{StoreError, StoreErrorKind};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::make("createAgent", "/v1/agents", create)
        .says("Make an agent, with a key where one is asked for")
        .needs(Needs::Right(Right::Provision))
        .takes(shape::<NewAgent>)
        .gives(shape::<MadeAgent>),
    Operation::get("listAgents", "/v1/agents", list)
        .says("List the agents that the caller sees")
        .needs(Needs::OwnOr(Right::Read))
        .query(PAGE)
        .gives(shape::<Items<Agent>>),
    Operation::get("getAgent", "/v1/agents/{id}", get)
        .says("Show an agent")
        .needs(Needs::OwnOr(Right::Read))
        .gives(shape::<Agent>),
    Operation::patch("updateAgent", "/v1/agents/{id}", update)
        .says("Change what is known of an agent")
        .needs(Needs::Right(Right::Administer))
        .takes(shape::<AgentChange>)
        .gives(shape::<Agent>),
    Operation::delete("deleteAgent", "/v1/agents/{id}", delete)
        .says("Delete an agent with its keys, secrets and delegations")
        .needs(Needs::Right(Right::Administer)),
    Operation::post("enableAgent", "/v1/agents/{id}/enable", |asked| set_state(asked, State::Active))
        .says("Let the credentials of an agent count again")
        .needs(Needs::Right(Right::Administer))
        .gives(shape::<Agent>),
    Operation::post("disableAgent", "/v1/agents/{id}/disable", |asked| set_state(asked, State::Disabled))
        .says("Refuse the credentials of an agent for now")
        .needs(Needs::Right(Right::Administer))
        .gives(shape::<Agent>),
    Operation::post("revokeAgent", "/v1/agents/{id}/revoke", |asked| set_state(asked, State::Revoked))
        .says("Refuse the credentials of an agent for good")
        .needs(Needs::Right(Right::Administer))
        .gives(shape::<Agent>),
    Operation::get("listSecrets", "/v1/agents/{id}/secrets", secrets)
        .says("List the names of an agent's secrets")
        .needs(Needs::OwnOr(Right::Read))
        .query(PAGE)
        .gives(shape::<Items<SecretRecord>>),
    Operation::put("putSecret", "/v1/agents/{id}/secrets/{name}", put_secret)
        .says("Put a secret of an agent")
        .needs(Needs::OwnOr(Right::Provision))
        .takes(shape::<SecretValue>)
        .gives(shape::<SecretRecord>),
    Operation::get("getSecret", "/v1/agents/{id}/secrets/{name}", secret)
        .says("Show a secret with its value")
        .needs(Needs::Value)
        .gives(shape::<OpenSecret>),
    Operation::delete("deleteSecret", "/v1/agents/{id}/secrets/{name}", delete_secret)
        .says("Delete a secret")
        .needs(Needs::OwnOr(Right::Provision)),
];

fn create(mut asked: Asked) -> Result<Work, Invalid> {
    let mut new: NewAgent = asked.body()?;
    new.organisation = asked.organisation_or(new.organisation)?;
    change(Command::CreateAgent(new))
}

fn list(asked: Asked) -> Result<Work, Invalid> {
    let page = asked.page()?;
    Ok(Box::new(move |with: &With<'_>| listed::<Agent>(with, &page)))
}

fn get(asked: Asked) -> Result<Work, Invalid> {
    let id = asked.id();
    Ok(Box::new(move |with: &With<'_>| Ok(with.registry.get::<Agent>(with.actor, &id)?.shown())))
}

fn update(mut asked: Asked) -> Result<Work, Invalid> {
    let change: AgentChange = asked.body()?;
    self::change(Command::UpdateAgent { id: asked.id(), change })
}

fn delete(asked: Asked) -> Result<Work, Invalid> {
    change(Command::DeleteAgent { id: asked.id() })
}

fn set_state(asked: Asked, state: State) -> Result<Work, Invalid> {
    change(Command::SetAgentState { id: asked.id(), state })
}

fn secrets(asked: Asked) -> Result<Work, Invalid> {
    let (id, page) = (asked.id(), asked.page()?);
    Ok(Box::new(move |with: &With<'_>| {
        let agent: Agent = with.registry.get(with.actor, &id)?;
        listed::<SecretRecord>(with, &Page { agent: Some(agent.id), ..page })
    }))
}

fn put_secret(mut asked: Asked) -> Result<Work, Invalid> {
    let SecretValue { value } = asked.body()?;
    let (agent, name) = (Some(asked.id()), asked.name());
    change(Command::PutSecret(NewSecret { agent, name, value: Secret::new(value) }))
}

fn secret(asked: Asked) -> Result<Work, Invalid> {
    let (agent, name) = (asked.id(), asked.name());
    Ok(Box::new(move |with: &With<'_>| opened(with, &agent, &name)))
}

/// A secret with its value.
pub(super) fn opened(with: &With<'_>, agent: &str, name: &str) -> Result<Value, Trouble> {
    let (record, value) = with.registry.secret(with.actor, agent, name)?;
    let text = std::str::from_utf8(value.expose());
    let text = text.map_err(|_| StoreError::new(StoreErrorKind::Damaged, "a secret is no text"))?;
    let Value::Object(mut shown) = record.shown() else { return Err(Trouble::Panicked) };
    shown.insert("value".to_owned(), json!(text));
    Ok(Value::Object(shown))
}

fn delete_secret(asked: Asked) -> Result<Work, Invalid> {
    change(Command::DeleteSecret { agent: asked.id(), name: asked.name() })
}
