//! Organisations, their members, and the beginning of a registry.

use serde_json::Value;

use super::asked::{Asked, Invalid};
use super::operation::{Needs, Operation, Trouble, With, Work, shape};
use super::render::{change, listed, with_made};
use super::shapes::{Begun, Items, MadeOrganisation, Rename, Whoami};
use crate::registry::actor::{Actor, Power, Right};
use crate::registry::command::{Command, NewMember, NewOrganisation, NewRegistry};
use crate::registry::record::{Member, Organisation, State, Stored as _};
use crate::registry::rejection::RejectionKind;

/// Pages of a list.
pub(super) const PAGE: &[&str] = &["after", "limit"];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::get("whoami", "/v1/whoami", whoami)
        .says("Who is calling, and what it may do")
        .needs(Needs::Power)
        .gives(shape::<Whoami>),
    Operation::make("bootstrap", "/v1/bootstrap", bootstrap)
        .says("Begin a registry: its operator key, its first organisation and admin key, once")
        .needs(Needs::Token)
        .takes(shape::<NewRegistry>)
        .gives(shape::<Begun>),
    Operation::make("createOrganisation", "/v1/orgs", create)
        .says("Make an organisation")
        .takes(shape::<NewOrganisation>)
        .gives(shape::<MadeOrganisation>),
    Operation::get("listOrganisations", "/v1/orgs", list)
        .says("List the organisations that the caller sees")
        .needs(Needs::Right(Right::Read))
        .query(PAGE)
        .gives(shape::<Items<Organisation>>),
    Operation::get("getOrganisation", "/v1/orgs/{id}", get)
        .says("Show an organisation")
        .needs(Needs::Right(Right::Read))
        .gives(shape::<Organisation>),
    Operation::patch("updateOrganisation", "/v1/orgs/{id}", update)
        .says("Rename an organisation")
        .needs(Needs::Right(Right::Administer))
        .takes(shape::<Rename>)
        .gives(shape::<Organisation>),
    Operation::delete("deleteOrganisation", "/v1/orgs/{id}", delete)
        .says("Delete an organisation that has neither agents nor keys"),
    Operation::post("enableOrganisation", "/v1/orgs/{id}/enable", |asked| set_state(asked, State::Active))
        .says("Let the credentials of an organisation count again")
        .gives(shape::<Organisation>),
    Operation::post("disableOrganisation", "/v1/orgs/{id}/disable", |asked| {
        set_state(asked, State::Disabled)
    })
    .says("Refuse the credentials of an organisation for now")
    .gives(shape::<Organisation>),
    Operation::post("revokeOrganisation", "/v1/orgs/{id}/revoke", |asked| set_state(asked, State::Revoked))
        .says("Refuse the credentials of an organisation for good")
        .gives(shape::<Organisation>),
    Operation::get("listMembers", "/v1/members", members)
        .says("List the people who manage the organisation")
        .needs(Needs::Right(Right::Read))
        .query(PAGE)
        .gives(shape::<Items<Member>>),
    Operation::put("putMember", "/v1/members", put_member)
        .says("Make somebody a member, or change what it may do")
        .needs(Needs::Right(Right::Administer))
        .takes(shape::<NewMember>)
        .gives(shape::<Member>),
    Operation::delete("removeMember", "/v1/members", remove_member)
        .says("Remove a member")
        .needs(Needs::Right(Right::Administer))
        .query(&["issuer", "subject"]),
];

fn whoami(_: Asked) -> Result<Work, Invalid> {
    Ok(Box::new(|with: &With<'_>| {
        let Actor { id, power, peer: _ } = with.actor;
        let name = match power {
            Power::Operator => "operator",
            Power::Admin(_) => "admin",
            Power::Auditor(_) => "auditor",
            Power::Bridge(_) => "bridge",
            Power::Agent { .. } => "agent",
        };
        let organisation = with.actor.organisation().filter(|id| !id.is_empty()).map(str::to_owned);
        let agent = with.actor.agent().map(str::to_owned);
        Ok(super::render::value(&Whoami { id: id.clone(), power: name, organisation, agent }))
    }))
}

/// The beginning; whoever may attempt it has shown the token.
fn bootstrap(mut asked: Asked) -> Result<Work, Invalid> {
    let new: NewRegistry = asked.body()?;
    if new.agent.as_ref().is_some_and(|agent| agent.organisation.is_some()) {
        return Err(Invalid::new("agent.organisation", "is the one that is made"));
    }
    Ok(Box::new(move |with: &With<'_>| {
        let done = with.registry.execute(with.actor, &Command::Bootstrap(new)).map_err(Trouble::from);
        let over = match &done {
            Ok(_) => true,
            // Another process was faster, or has been long ago.
            Err(Trouble::Rejected(rejection)) => {
                rejection.kind == RejectionKind::Conflict && with.registry.known().has_operator()
            }
            Err(_) => false,
        };
        if let Some(token) = with.token.filter(|_| over) {
            token.spend();
        }
        let done = done?;
        let mut answer = serde_json::Map::from_iter([("organisation".to_owned(), done.record)]);
        with_made(&mut answer, &done.made);
        Ok(Value::Object(answer))
    }))
}

fn create(mut asked: Asked) -> Result<Work, Invalid> {
    let new: NewOrganisation = asked.body()?;
    change(Command::CreateOrganisation(new))
}

fn list(asked: Asked) -> Result<Work, Invalid> {
    let page = asked.page()?;
    Ok(Box::new(move |with: &With<'_>| listed::<Organisation>(with, &page)))
}

fn get(asked: Asked) -> Result<Work, Invalid> {
    let id = asked.id();
    Ok(Box::new(move |with: &With<'_>| Ok(with.registry.get::<Organisation>(with.actor, &id)?.shown())))
}

fn update(mut asked: Asked) -> Result<Work, Invalid> {
    let Rename { name } = asked.body()?;
    change(Command::RenameOrganisation { id: asked.id(), name })
}

fn delete(asked: Asked) -> Result<Work, Invalid> {
    change(Command::DeleteOrganisation { id: asked.id() })
}

fn set_state(asked: Asked, state: State) -> Result<Work, Invalid> {
    change(Command::SetOrganisationState { id: asked.id(), state })
}

fn members(asked: Asked) -> Result<Work, Invalid> {
    let page = asked.page()?;
    Ok(Box::new(move |with: &With<'_>| listed::<Member>(with, &page)))
}

fn put_member(mut asked: Asked) -> Result<Work, Invalid> {
    let mut new: NewMember = asked.body()?;
    new.organisation = asked.organisation_or(new.organisation)?;
    change(Command::PutMember(new))
}

fn remove_member(asked: Asked) -> Result<Work, Invalid> {
    let (issuer, subject) = (asked.required("issuer")?, asked.required("subject")?);
    change(Command::RemoveMember { organisation: asked.organisation(), issuer, subject })
}
