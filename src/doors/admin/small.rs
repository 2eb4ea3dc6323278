//! Roles, settings, revocations, the logs, and the registry as a whole.

use serde_json::Value;

use super::asked::{Asked, Invalid};
use super::operation::{Needs, Operation, With, Work, shape};
use super::organisations::PAGE;
use super::render::{change, listed, value};
use super::shapes::{Entries, Items, Rewrapped, SettingValue};
use crate::registry::actor::Right;
use crate::registry::audit::{Entry, Verified};
use crate::registry::command::{Command, NewRevocation, NewRole, NewSetting};
use crate::registry::record::{OwnedRole, RevocationRecord, Setting, Stored as _};
use crate::registry::row::{AuthEvent, SelectAudit, SelectEvents};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::put("putRole", "/v1/roles", put_role)
        .says("Make a role, or change its permissions")
        .needs(Needs::Right(Right::Administer))
        .takes(shape::<NewRole>)
        .gives(shape::<OwnedRole>),
    Operation::get("listRoles", "/v1/roles", roles)
        .says("List roles")
        .needs(Needs::Right(Right::Read))
        .query(PAGE)
        .gives(shape::<Items<OwnedRole>>),
    Operation::delete("deleteRole", "/v1/roles/{name}", delete_role)
        .says("Delete a role")
        .needs(Needs::Right(Right::Administer)),
    Operation::get("listSettings", "/v1/settings", settings)
        .says("List settings")
        .needs(Needs::Right(Right::Read))
        .query(PAGE)
        .gives(shape::<Items<Setting>>),
    Operation::put("putSetting", "/v1/settings/{key}", put_setting)
        .says("Set a setting")
        .needs(Needs::Right(Right::Administer))
        .takes(shape::<SettingValue>)
        .gives(shape::<Setting>),
    Operation::delete("deleteSetting", "/v1/settings/{key}", delete_setting)
        .says("Delete a setting")
        .needs(Needs::Right(Right::Administer)),
    Operation::make("createRevocation", "/v1/revocations", revoke)
        .says("Revoke what is no record here: a token, a session, a subject, all that a key has signed")
        .needs(Needs::Right(Right::Administer))
        .takes(shape::<NewRevocation>)
        .gives(shape::<RevocationRecord>),
    Operation::get("listRevocations", "/v1/revocations", revocations)
        .says("List revocations")
        .needs(Needs::Right(Right::Read))
        .query(PAGE)
        .gives(shape::<Items<RevocationRecord>>),
    Operation::get("getRevocation", "/v1/revocations/{id}", revocation)
        .says("Show a revocation")
        .needs(Needs::Right(Right::Read))
        .gives(shape::<RevocationRecord>),
    Operation::delete("deleteRevocation", "/v1/revocations/{id}", delete_revocation)
        .says("Take a revocation back")
        .needs(Needs::Right(Right::Administer)),
    Operation::get("listAudit", "/v1/audit", audit)
        .says("List entries of the audit log, the latest first")
        .needs(Needs::Right(Right::Read))
        .query(&["action", "from", "until", "before", "limit"])
        .gives(shape::<Entries<Entry>>),
    Operation::get("verifyAudit", "/v1/audit/verify", verify)
        .says("Check the audit log from its first entry on, and every record against it")
        .gives(shape::<Verified>),
    Operation::get("listAuthEvents", "/v1/auth-events", events)
        .says("List what happened to credentials, the latest first")
        .needs(Needs::Right(Right::Read))
        .query(&["agent", "action", "from", "until", "before", "limit"])
        .gives(shape::<Entries<AuthEvent>>),
    Operation::post("rewrap", "/v1/registry/rewrap", rewrap)
        .says("Seal under the current master key what is sealed under an earlier one")
        .gives(shape::<Rewrapped>),
];

fn put_role(mut asked: Asked) -> Result<Work, Invalid> {
    let mut new: NewRole = asked.body()?;
    new.organisation = asked.organisation_or(new.organisation)?;
    change(Command::PutRole(new))
}

fn roles(asked: Asked) -> Result<Work, Invalid> {
    let page = asked.page()?;
    Ok(Box::new(move |with: &With<'_>| listed::<OwnedRole>(with, &page)))
}

fn delete_role(asked: Asked) -> Result<Work, Invalid> {
    change(Command::DeleteRole { organisation: asked.organisation(), name: asked.id() })
}

fn settings(asked: Asked) -> Result<Work, Invalid> {
    let page = asked.page()?;
    Ok(Box::new(move |with: &With<'_>| listed::<Setting>(with, &page)))
}

fn put_setting(mut asked: Asked) -> Result<Work, Invalid> {
    let SettingValue { value, organisation } = asked.body()?;
    let organisation = asked.organisation_or(organisation)?;
    change(Command::PutSetting(NewSetting { organisation, key: asked.id(), value }))
}

fn delete_setting(asked: Asked) -> Result<Work, Invalid> {
    change(Command::DeleteSetting { organisation: asked.organisation(), key: asked.id() })
}

fn revoke(mut asked: Asked) -> Result<Work, Invalid> {
    let mut new: NewRevocation = asked.body()?;
    new.organisation = asked.organisation_or(new.organisation)?;
    change(Command::Revoke(new))
}

fn revocations(asked: Asked) -> Result<Work, Invalid> {
    let page = asked.page()?;
    Ok(Box::new(move |with: &With<'_>| listed::<RevocationRecord>(with, &page)))
}

fn revocation(asked: Asked) -> Result<Work, Invalid> {
    let id = asked.id();
    Ok(Box::new(move |with: &With<'_>| Ok(with.registry.get::<RevocationRecord>(with.actor, &id)?.shown())))
}

fn delete_revocation(asked: Asked) -> Result<Work, Invalid> {
    change(Command::DeleteRevocation { id: asked.id() })
}

fn audit(asked: Asked) -> Result<Work, Invalid> {
    let (from, until) = asked.times()?;
    let which = SelectAudit {
        organisation: asked.organisation(),
        action: asked.parameter("action"),
        from,
        until,
        before: asked.before()?,
        limit: asked.limit()?,
    };
    Ok(Box::new(move |with: &With<'_>| {
        let (items, next) = with.registry.audit(with.actor, &which)?;
        Ok(value(&Entries { items, next }))
    }))
}

fn verify(_: Asked) -> Result<Work, Invalid> {
    Ok(Box::new(|with: &With<'_>| Ok(value(&with.registry.verify_audit()?))))
}

fn events(asked: Asked) -> Result<Work, Invalid> {
    let (from, until) = asked.times()?;
    let which = SelectEvents {
        organisation: asked.organisation(),
        agent: asked.parameter("agent"),
        action: asked.parameter("action"),
        from,
        until,
        before: asked.before()?,
        limit: asked.limit()?,
    };
    Ok(Box::new(move |with: &With<'_>| {
        let (items, next) = with.registry.auth_events(with.actor, &which)?;
        Ok(value(&Entries { items, next }))
    }))
}

/// Goes on until nothing is left; each step is a transaction of its own.
fn rewrap(_: Asked) -> Result<Work, Invalid> {
    Ok(Box::new(|with: &With<'_>| {
        let (mut after, mut rewrapped) = (None, 0);
        loop {
            let done = with.registry.execute(with.actor, &Command::Rewrap { after })?;
            rewrapped += done.record.get("rewrapped").and_then(Value::as_u64).unwrap_or_default();
            after = done.record.get("next").and_then(Value::as_str).map(str::to_owned);
            if after.is_none() {
                return Ok(value(&Rewrapped { rewrapped }));
            }
        }
    }))
}
