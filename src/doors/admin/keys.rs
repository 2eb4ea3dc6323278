//! Keys and delegations.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::asked::{Asked, Invalid};
use super::operation::{Needs, Operation, With, Work, shape};
use super::render::{change, listed, value};
use super::shapes::{Items, MadeKey, Rotation, ShownKey};
use crate::model::clock::Timestamp;
use crate::registry::actor::Right;
use crate::registry::command::{Command, NewDelegation, NewKey};
use crate::registry::record::{Delegation, KeyRecord, State, Stored as _};

/// Pages of a list of what agents have.
const PAGE: &[&str] = &["agent", "after", "limit"];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::make("createKey", "/v1/keys", create)
        .says("Make a key; its text is shown this once")
        .needs(Needs::Right(Right::Provision))
        .takes(shape::<NewKey>)
        .gives(shape::<MadeKey>),
    Operation::get("listKeys", "/v1/keys", list)
        .says("List the keys that the caller sees")
        .needs(Needs::OwnOr(Right::Read))
        .query(PAGE)
        .gives(shape::<Items<ShownKey>>),
    Operation::get("getKey", "/v1/keys/{id}", get)
        .says("Show a key")
        .needs(Needs::OwnOr(Right::Read))
        .gives(shape::<ShownKey>),
    Operation::post("rotateKey", "/v1/keys/{id}/rotate", rotate)
        .says("Make a key in the place of another, whose text is shown this once")
        .needs(Needs::OwnOr(Right::Provision))
        .takes(shape::<Rotation>)
        .gives(shape::<MadeKey>),
    Operation::post("enableKey", "/v1/keys/{id}/enable", |asked| set_key_state(asked, State::Active))
        .says("Let a key count again")
        .needs(Needs::OwnOr(Right::Provision))
        .gives(shape::<KeyRecord>),
    Operation::post("disableKey", "/v1/keys/{id}/disable", |asked| set_key_state(asked, State::Disabled))
        .says("Refuse a key for now")
        .needs(Needs::OwnOr(Right::Provision))
        .gives(shape::<KeyRecord>),
    Operation::post("revokeKey", "/v1/keys/{id}/revoke", |asked| set_key_state(asked, State::Revoked))
        .says("Refuse a key for good")
        .needs(Needs::OwnOr(Right::Provision))
        .gives(shape::<KeyRecord>),
    Operation::delete("deleteKey", "/v1/keys/{id}", delete)
        .says("Delete a key")
        .needs(Needs::OwnOr(Right::Provision)),
    Operation::make("createDelegation", "/v1/delegations", delegate)
        .says("Let one agent act for another")
        .needs(Needs::OwnOr(Right::Provision))
        .takes(shape::<NewDelegation>)
        .gives(shape::<Delegation>),
    Operation::get("listDelegations", "/v1/delegations", delegations)
        .says("List the delegations that the caller sees; `agent` is who grants, or may act")
        .needs(Needs::OwnOr(Right::Read))
        .query(PAGE)
        .gives(shape::<Items<Delegation>>),
    Operation::get("getDelegation", "/v1/delegations/{id}", delegation)
        .says("Show a delegation")
        .needs(Needs::OwnOr(Right::Read))
        .gives(shape::<Delegation>),
    Operation::post("enableDelegation", "/v1/delegations/{id}/enable", |asked| {
        set_delegation_state(asked, State::Active)
    })
    .says("Let a delegation count again")
    .needs(Needs::OwnOr(Right::Provision))
    .gives(shape::<Delegation>),
    Operation::post("disableDelegation", "/v1/delegations/{id}/disable", |asked| {
        set_delegation_state(asked, State::Disabled)
    })
    .says("Refuse a delegation for now")
    .needs(Needs::OwnOr(Right::Provision))
    .gives(shape::<Delegation>),
    Operation::post("revokeDelegation", "/v1/delegations/{id}/revoke", |asked| {
        set_delegation_state(asked, State::Revoked)
    })
    .says("Refuse a delegation for good")
    .needs(Needs::OwnOr(Right::Provision))
    .gives(shape::<Delegation>),
    Operation::delete("deleteDelegation", "/v1/delegations/{id}", delete_delegation)
        .says("Delete a delegation")
        .needs(Needs::OwnOr(Right::Provision)),
];

fn create(mut asked: Asked) -> Result<Work, Invalid> {
    let mut new: NewKey = asked.body()?;
    new.organisation = asked.organisation_or(new.organisation)?;
    change(Command::CreateKey(new))
}

/// A key as it is shown: with when it was last used.
fn shown(key: &KeyRecord, uses: &HashMap<String, Timestamp>) -> Value {
    let mut shown = key.shown();
    if let Some(members) = shown.as_object_mut() {
        members.insert("last_used_at".to_owned(), json!(uses.get(&key.id)));
    }
    shown
}

fn list(asked: Asked) -> Result<Work, Invalid> {
    let page = asked.page()?;
    Ok(Box::new(move |with: &With<'_>| {
        let listed = with.registry.list::<KeyRecord>(with.actor, &page)?;
        let uses = with.registry.last_used(&listed.items)?;
        Ok(value(&Items::of(&listed, |key| shown(key, &uses))))
    }))
}

fn get(asked: Asked) -> Result<Work, Invalid> {
    let id = asked.id();
    Ok(Box::new(move |with: &With<'_>| {
        let key = with.registry.get::<KeyRecord>(with.actor, &id)?;
        let uses = with.registry.last_used(std::slice::from_ref(&key))?;
        Ok(shown(&key, &uses))
    }))
}

fn rotate(mut asked: Asked) -> Result<Work, Invalid> {
    let Rotation { overlap } = asked.body()?;
    change(Command::RotateKey { id: asked.id(), overlap })
}

fn set_key_state(asked: Asked, state: State) -> Result<Work, Invalid> {
    change(Command::SetKeyState { id: asked.id(), state })
}

fn delete(asked: Asked) -> Result<Work, Invalid> {
    change(Command::DeleteKey { id: asked.id() })
}

fn delegate(mut asked: Asked) -> Result<Work, Invalid> {
    let new: NewDelegation = asked.body()?;
    change(Command::Delegate(new))
}

fn delegations(asked: Asked) -> Result<Work, Invalid> {
    let page = asked.page()?;
    Ok(Box::new(move |with: &With<'_>| listed::<Delegation>(with, &page)))
}

fn delegation(asked: Asked) -> Result<Work, Invalid> {
    let id = asked.id();
    Ok(Box::new(move |with: &With<'_>| Ok(with.registry.get::<Delegation>(with.actor, &id)?.shown())))
}

fn set_delegation_state(asked: Asked, state: State) -> Result<Work, Invalid> {
    change(Command::SetDelegationState { id: asked.id(), state })
}

fn delete_delegation(asked: Asked) -> Result<Work, Invalid> {
    change(Command::DeleteDelegation { id: asked.id() })
}
