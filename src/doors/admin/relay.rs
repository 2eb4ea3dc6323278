//! Relay's routes: organisations, agents and the audit trail under Relay's names.
//!
//! INVARIANT (no registration by strangers): Relay lets anybody register an organisation. Here it needs an operator's credential,
//! as it does under every other name.

mod trail;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::trail::{Row, Stats, Trail};
use super::asked::{Asked, Invalid};
use super::operation::{Dialect, Needs, Operation, Trouble, With, Work, shape};
use super::render::{carry_out, value};
use crate::model::limits::HardLimits;
use crate::registry::actor::Right;
use crate::registry::command::{Command, FirstKey, NewAgent, NewAgentKey, NewOrganisation};
use crate::registry::rejection::Rejection;
use crate::registry::store::WriteError;

/// The parameter that names an organisation.
pub(super) const ORGANISATION: &str = "org_id";
/// How the keys of Relay's agents begin.
const PREFIX: &str = "relay_sk";
/// The longest way into the trail, in rows.
const MAX_OFFSET: usize = 10_000;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::make("relayRegisterOrganisation", "/v1/orgs/register", register_organisation)
        .says("Relay: make an organisation, with its admin token")
        .speaks(Dialect::Relay)
        .takes(shape::<RegisterOrganisation>)
        .gives(shape::<RegisteredOrganisation>),
    Operation::make("relayRegisterAgent", "/v1/agents/register", register_agent)
        .says("Relay: make an agent, with its key")
        .needs(Needs::Right(Right::Provision))
        .speaks(Dialect::Relay)
        .takes(shape::<RegisterAgent>)
        .gives(shape::<RegisteredAgent>),
    Operation::get("relayQueryAudit", "/v1/audit/query", query)
        .says("Relay: what happened to the credentials and the records of an organisation, the latest first")
        .needs(Needs::OwnOr(Right::Read))
        .speaks(Dialect::Relay)
        .query(&[ORGANISATION, "agent_id", "event_type", "limit", "offset"])
        .gives(shape::<Results>),
    Operation::get("relayAuditStats", "/v1/audit/stats", stats)
        .says("Relay: how much of what happened")
        .needs(Needs::OwnOr(Right::Read))
        .speaks(Dialect::Relay)
        .query(&[ORGANISATION, "agent_id"])
        .gives(shape::<Stats>),
];

/// An organisation that is to be, in Relay's names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RegisterOrganisation {
    /// What people call it.
    #[serde(alias = "org_name")]
    name: String,
    /// Its id; made up where there is none.
    #[serde(default)]
    org_id: Option<String>,
}

/// An organisation that was made.
#[derive(Debug, Serialize, JsonSchema)]
struct RegisteredOrganisation {
    org_id: Value,
    name: Value,
    created_at: Value,
    /// The text of its admin key. It is shown this once.
    admin_token: Value,
}

/// An agent that is to be, in Relay's names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RegisterAgent {
    /// What people call it.
    #[serde(alias = "agent_name")]
    name: String,
    /// Its organisation; by default the caller's own.
    #[serde(default)]
    org_id: Option<String>,
    /// What it may do.
    #[serde(default)]
    permissions: Permissions,
    /// Its roles.
    #[serde(default)]
    roles: Vec<String>,
    /// What it is for; an attribute of the agent.
    #[serde(default)]
    description: Option<String>,
}

/// What Relay calls permissions: a list of them, or hard limits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Permissions {
    List(Vec<String>),
    Limits(HardLimits),
}

impl Default for Permissions {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

/// An agent that was made.
#[derive(Debug, Serialize, JsonSchema)]
struct RegisteredAgent {
    agent_id: Value,
    org_id: Value,
    name: Value,
    created_at: Value,
    /// The text of its key. It is shown this once.
    api_key: Value,
    /// The id of that key.
    api_key_id: Value,
}

/// A part of the audit trail.
#[derive(Debug, Serialize, JsonSchema)]
struct Results {
    /// How many rows there are here.
    total: usize,
    limit: u32,
    offset: usize,
    results: Vec<Row>,
}

/// Takes a member of an answer out.
fn taken(answer: &mut Value, name: &str) -> Value {
    answer.get_mut(name).map(Value::take).unwrap_or_default()
}

fn register_organisation(mut asked: Asked) -> Result<Work, Invalid> {
    let RegisterOrganisation { name, org_id } = asked.body()?;
    let new = NewOrganisation { id: org_id, name: Some(name), admin_key: true };
    Ok(Box::new(move |with: &With<'_>| {
        let mut made = carry_out(with, &Command::CreateOrganisation(new)).map_err(renamed)?;
        Ok(value(&RegisteredOrganisation {
            org_id: taken(&mut made, "id"),
            name: taken(&mut made, "name"),
            created_at: taken(&mut made, "created_at"),
            admin_token: taken(&mut made, "admin_key"),
        }))
    }))
}

fn register_agent(mut asked: Asked) -> Result<Work, Invalid> {
    let RegisterAgent { name, org_id, permissions, roles, description } = asked.body()?;
    let organisation = asked.organisation_or(org_id)?;
    let (permissions, limits) = match permissions {
        Permissions::List(permissions) => (permissions, HardLimits::default()),
        Permissions::Limits(limits) => (Vec::new(), limits),
    };
    let key = NewAgentKey { prefix: Some(PREFIX.to_owned()), ..NewAgentKey::default() };
    let new = NewAgent {
        organisation,
        name: Some(name),
        roles,
        permissions,
        limits,
        attributes: description.map(|text| ("description".to_owned(), json!(text))).into_iter().collect(),
        key: Some(FirstKey::Special(key)),
    };
    Ok(Box::new(move |with: &With<'_>| {
        check_organisation(with, new.organisation.as_deref())?;
        let mut made = carry_out(with, &Command::CreateAgent(new)).map_err(renamed)?;
        Ok(value(&RegisteredAgent {
            agent_id: taken(&mut made, "id"),
            org_id: taken(&mut made, "organisation"),
            name: taken(&mut made, "name"),
            created_at: taken(&mut made, "created_at"),
            api_key: taken(&mut made, "api_key"),
            api_key_id: taken(&mut made, "api_key_id"),
        }))
    }))
}

/// The names of members as Relay's clients know them.
fn renamed(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Rejected(rejection) => {
            let field = match rejection.field {
                Some("id" | "organisation") => Some(ORGANISATION),
                other => other,
            };
            Trouble::Rejected(Rejection { field, ..rejection })
        }
        other => other,
    }
}

/// Relay says that another organisation is another one; that says nothing about whether there is one.
fn check_organisation(with: &With<'_>, named: Option<&str>) -> Result<(), WriteError> {
    match (named, with.actor.organisation()) {
        (Some(named), Some(own)) if named != own => Err(Rejection::forbidden("Organization mismatch").into()),
        _ => Ok(()),
    }
}

fn query(asked: Asked) -> Result<Work, Invalid> {
    let (trail, limit) = (trail_of(&asked)?, asked.limit()?);
    let offset = match asked.parameter("offset") {
        None => 0,
        Some(text) => text
            .parse()
            .ok()
            .filter(|offset| *offset <= MAX_OFFSET)
            .ok_or_else(|| Invalid::new("offset", format!("must be a number from 0 to {MAX_OFFSET}")))?,
    };
    Ok(Box::new(move |with: &With<'_>| {
        check_organisation(with, trail.organisation.as_deref())?;
        let rows = trail.rows(with, offset + limit as usize)?;
        let results: Vec<Row> = rows.into_iter().skip(offset).take(limit as usize).collect();
        Ok(value(&Results { total: results.len(), limit, offset, results }))
    }))
}

fn stats(asked: Asked) -> Result<Work, Invalid> {
    let trail = trail_of(&asked)?;
    Ok(Box::new(move |with: &With<'_>| {
        check_organisation(with, trail.organisation.as_deref())?;
        Ok(value(&trail.stats(with)?))
    }))
}

fn trail_of(asked: &Asked) -> Result<Trail, Invalid> {
    Ok(Trail {
        organisation: asked.organisation_or(asked.parameter(ORGANISATION))?,
        agent: asked.parameter("agent_id"),
        event_type: asked.parameter("event_type"),
    })
}
