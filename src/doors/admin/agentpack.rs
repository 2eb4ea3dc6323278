//! AgentPack's routes: agents, device keys, delegations, secrets and settings under AgentPack's names. Every answer has `ok`.
//!
//! INVARIANT (a forged agent is none): what a body says of the agent counts for bridges alone. For a device key it is the agent that
//! the key is bound to, whatever the body says; for who acts by a delegation, the agent that granted it.
//! INVARIANT (a bounded set): by a delegation secrets can be put and got, where its scope names that, and nothing else.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::agents::opened;
use super::asked::{Asked, Invalid};
use super::operation::{Dialect, Needs, Operation, Trouble, With, Work, shape};
use super::render::carry_out;
use crate::model::clock::Timestamp;
use crate::model::request::EntryPath;
use crate::model::secret::Secret;
use crate::model::units::Period;
use crate::registry::actor::Right;
use crate::registry::command::{Command, NewAgent, NewDelegation, NewKey, NewSecret, NewSetting};
use crate::registry::reads::{LONGEST, Page};
use crate::registry::record::{KeyKind, Setting, State, Stored as _};
use crate::registry::rejection::{Rejection, RejectionKind};
use verdict_rego::Value as Rego;

pub(super) const OPERATIONS: &[Operation] = &[
    route("agentpackCreateAgent", "/agents/create", create_agent)
        .says("AgentPack: make an agent")
        .needs(Needs::Bridge)
        .takes(shape::<CreateAgent>),
    route("agentpackIssueDevice", "/device/issue", issue)
        .says("AgentPack: make the key of a device; its text is shown this once")
        .needs(Needs::Right(Right::Provision))
        .takes(shape::<IssueDevice>),
    route("agentpackRotateDevice", "/device/rotate", rotate)
        .says("AgentPack: make a key in the place of a device's, whose text is shown this once")
        .needs(Needs::OwnOr(Right::Provision))
        .takes(shape::<RotateDevice>),
    route("agentpackRevokeDevice", "/device/revoke", revoke)
        .says("AgentPack: refuse the key of a device for good")
        .needs(Needs::OwnOr(Right::Provision))
        .takes(shape::<Device>),
    route("agentpackDelegate", "/delegate", delegate)
        .says("AgentPack: let one agent act for another")
        .needs(Needs::OwnOr(Right::Provision))
        .takes(shape::<Delegate>),
    route("agentpackRevokeDelegation", "/delegate/revoke", revoke_delegation)
        .says("AgentPack: refuse a delegation for good")
        .needs(Needs::OwnOr(Right::Provision))
        .takes(shape::<GivenDelegation>),
    route("agentpackPutSecret", "/secrets/put", put_secret)
        .says("AgentPack: put a secret of an agent")
        .needs(Needs::OwnOr(Right::Provision))
        .delegated("secrets:put")
        .takes(shape::<PutSecret>),
    route("agentpackGetSecret", "/secrets/get", get_secret)
        .says("AgentPack: show a secret with its value")
        .needs(Needs::Value)
        .delegated("secrets:get")
        .takes(shape::<NamedSecret>),
    route("agentpackListSettings", "/settings/list", list_settings)
        .says("AgentPack: list the settings")
        .needs(Needs::Right(Right::Read))
        .takes(shape::<NoSetting>),
    route("agentpackSetSetting", "/settings/set", set_setting)
        .says("AgentPack: set one of the settings that the configuration lists")
        .needs(Needs::Right(Right::Provision))
        .takes(shape::<SetSetting>),
];

const fn route(
    name: &'static str,
    path: &'static str,
    prepare: fn(Asked) -> Result<Work, Invalid>,
) -> Operation {
    Operation::post(name, path, prepare).speaks(Dialect::AgentPack).gives(shape::<Map<String, Value>>)
}

/// What the gate is asked about somebody who acts by a delegation: a document, which there need not be, and an input.
pub(super) fn asked(operation: &str) -> (EntryPath, Rego) {
    let below = std::iter::once("agentpack").chain(operation.split(':'));
    let mut input = Rego::object();
    input.insert("action", Rego::from(operation));
    (EntryPath::from_segments(below.map(str::to_owned).collect()), input)
}

/// An agent that is to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateAgent {
    /// What people call it.
    #[serde(default, alias = "name")]
    display_name: Option<String>,
    /// Its roles.
    #[serde(default)]
    roles: Vec<String>,
    /// Its permissions.
    #[serde(default)]
    permissions: Vec<String>,
}

/// The key of a device that is to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IssueDevice {
    /// The agent that it is bound to.
    agent_id: String,
    /// What people call it.
    #[serde(default, alias = "name")]
    display_name: Option<String>,
    /// From when on it is refused.
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

/// How the key of a device is rotated.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RotateDevice {
    /// The agent of the device.
    #[serde(default)]
    agent_id: Option<String>,
    /// The device; by default the one that calls.
    #[serde(default)]
    device_id: Option<String>,
    /// How long the old key stays valid.
    #[serde(default)]
    overlap: Option<Period>,
}

/// A device.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Device {
    /// The agent of the device.
    #[serde(default)]
    agent_id: Option<String>,
    /// The device; by default the one that calls.
    #[serde(default)]
    device_id: Option<String>,
}

/// A delegation that is to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Delegate {
    /// Who delegates; for a device its agent, whatever stands here.
    #[serde(default, alias = "agent_id")]
    from_agent: Option<String>,
    /// Who may act.
    to_agent: String,
    /// For which operations.
    scope: Vec<String>,
    /// From when on it is refused.
    expires_at: Timestamp,
    /// The delegation that it passes on.
    #[serde(default)]
    parent: Option<String>,
}

/// A delegation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GivenDelegation {
    delegation_id: String,
    /// Who delegated; it says nothing more than the delegation.
    #[serde(default)]
    #[expect(dead_code, reason = "it may be there, and changes nothing")]
    agent_id: Option<String>,
}

/// A secret that is to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PutSecret {
    /// Whose it is; for a device its agent, whatever stands here.
    #[serde(default)]
    agent_id: Option<String>,
    /// Its name among those of the agent.
    #[serde(alias = "key")]
    name: String,
    /// Its value.
    value: String,
}

/// A secret.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NamedSecret {
    /// Whose it is; for a device its agent, whatever stands here.
    #[serde(default)]
    agent_id: Option<String>,
    /// Its name among those of the agent.
    #[serde(alias = "key")]
    name: String,
}

/// Nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoSetting {}

/// A setting that is to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetSetting {
    /// Its name, which must be in `registry.settings`.
    key: String,
    /// Its value.
    value: Value,
}

/// The agent that is meant: the caller's own, else the one that is named.
fn meant(with: &With<'_>, named: Option<String>) -> Option<String> {
    with.actor.agent().map(str::to_owned).or(named)
}

/// An answer: the members of a record under the names that AgentPack has for them.
fn answer(record: &Value, names: &[(&str, &str)]) -> Value {
    let members = names
        .iter()
        .map(|(theirs, ours)| ((*theirs).to_owned(), record.get(*ours).cloned().unwrap_or_default()));
    Value::Object(std::iter::once(("ok".to_owned(), Value::Bool(true))).chain(members).collect())
}

fn create_agent(mut asked: Asked) -> Result<Work, Invalid> {
    let CreateAgent { display_name, roles, permissions } = asked.body()?;
    let organisation = asked.organisation();
    let new = NewAgent { organisation, name: display_name, roles, permissions, ..NewAgent::default() };
    Ok(Box::new(move |with: &With<'_>| {
        let made = carry_out(with, &Command::CreateAgent(new))?;
        Ok(answer(&made, &[("agent_id", "id"), ("display_name", "name"), ("created_at", "created_at")]))
    }))
}

/// A device key in an answer.
const DEVICE: &[(&str, &str)] = &[
    ("agent_id", "agent"),
    ("device_id", "id"),
    ("device_key", "api_key"),
    ("created_at", "created_at"),
    ("expires_at", "expires_at"),
];

fn issue(mut asked: Asked) -> Result<Work, Invalid> {
    let IssueDevice { agent_id, display_name, expires_at } = asked.body()?;
    let new = NewKey {
        agent: Some(agent_id),
        organisation: asked.organisation(),
        name: display_name,
        expires_at,
        ..NewKey::of(KeyKind::Device)
    };
    Ok(Box::new(move |with: &With<'_>| Ok(answer(&carry_out(with, &Command::CreateKey(new))?, DEVICE))))
}

/// The device that is meant. A bridge names it, and the agent, if at all, as it is.
fn device(with: &With<'_>, agent: Option<String>, named: Option<String>) -> Result<String, Rejection> {
    let id = match (named, with.actor.agent()) {
        (Some(id), _) => id,
        (None, Some(_)) => with.actor.id.clone(),
        (None, None) => return Err(Rejection::invalid("device_id", "is missing: name the device")),
    };
    let known = with.registry.known();
    let Some(key) = known.key(&id).filter(|key| with.actor.sees(key.organisation.as_deref())) else {
        return Err(Rejection::not_found("device", &id));
    };
    let is_its = with.actor.agent().is_some() || agent.is_none() || agent == key.agent;
    if key.kind != KeyKind::Device || !is_its {
        return Err(Rejection::not_found("device", &id));
    }
    Ok(id)
}

fn rotate(mut asked: Asked) -> Result<Work, Invalid> {
    let RotateDevice { agent_id, device_id, overlap } = asked.body()?;
    let overlap = overlap.unwrap_or(Period::secs(0));
    Ok(Box::new(move |with: &With<'_>| {
        let id = device(with, agent_id, device_id).map_err(Trouble::Rejected)?;
        let made = carry_out(with, &Command::RotateKey { id, overlap })?;
        let mut answer = answer(&made, DEVICE);
        if let Some(members) = answer.as_object_mut() {
            members.insert("replaces".to_owned(), made.get("replaces").cloned().unwrap_or_default());
        }
        Ok(answer)
    }))
}

fn revoke(mut asked: Asked) -> Result<Work, Invalid> {
    let Device { agent_id, device_id } = asked.body()?;
    Ok(Box::new(move |with: &With<'_>| {
        let id = device(with, agent_id, device_id).map_err(Trouble::Rejected)?;
        let done = carry_out(with, &Command::SetKeyState { id, state: State::Revoked })?;
        Ok(answer(&done, &[("agent_id", "agent"), ("device_id", "id"), ("state", "state")]))
    }))
}

fn delegate(mut asked: Asked) -> Result<Work, Invalid> {
    let Delegate { from_agent, to_agent, scope, expires_at, parent } = asked.body()?;
    Ok(Box::new(move |with: &With<'_>| {
        let from = meant(with, from_agent);
        let new = NewDelegation { from, to: to_agent, scope, expires_at, parent };
        let made = carry_out(with, &Command::Delegate(new))?;
        let names = [
            ("delegation_id", "id"),
            ("from_agent", "from"),
            ("to_agent", "to"),
            ("scope", "scope"),
            ("expires_at", "expires_at"),
        ];
        Ok(answer(&made, &names))
    }))
}

fn revoke_delegation(mut asked: Asked) -> Result<Work, Invalid> {
    let GivenDelegation { delegation_id: id, .. } = asked.body()?;
    Ok(Box::new(move |with: &With<'_>| {
        let done = carry_out(with, &Command::SetDelegationState { id, state: State::Revoked })?;
        Ok(answer(&done, &[("delegation_id", "id"), ("state", "state")]))
    }))
}

/// A secret in an answer, without its value.
const SECRET: [(&str, &str); 4] =
    [("agent_id", "agent"), ("name", "name"), ("version", "version"), ("updated_at", "updated_at")];

fn put_secret(mut asked: Asked) -> Result<Work, Invalid> {
    let PutSecret { agent_id, name, value } = asked.body()?;
    Ok(Box::new(move |with: &With<'_>| {
        let new = NewSecret { agent: meant(with, agent_id), name, value: Secret::new(value) };
        Ok(answer(&carry_out(with, &Command::PutSecret(new))?, &SECRET))
    }))
}

/// Who names another agent is answered for its own. Where that has no such secret, it is told that the other's are not its.
fn get_secret(mut asked: Asked) -> Result<Work, Invalid> {
    let NamedSecret { agent_id, name } = asked.body()?;
    Ok(Box::new(move |with: &With<'_>| {
        let is_others =
            agent_id.is_some() && with.actor.agent().is_some_and(|own| agent_id.as_deref() != Some(own));
        let Some(agent) = meant(with, agent_id) else {
            return Err(Trouble::Rejected(Rejection::invalid("agent_id", "is missing: name the agent")));
        };
        let found = opened(with, &agent, &name).map_err(|trouble| match trouble {
            Trouble::Rejected(rejection) if is_others && rejection.kind == RejectionKind::NotFound => {
                Trouble::Rejected(Rejection::forbidden("the secrets of another agent are not the caller's"))
            }
            other => other,
        })?;
        let [agent, name, version, updated] = SECRET;
        Ok(answer(&found, &[agent, name, version, updated, ("value", "value")]))
    }))
}

fn list_settings(mut asked: Asked) -> Result<Work, Invalid> {
    let NoSetting {} = asked.body()?;
    let organisation = asked.organisation();
    Ok(Box::new(move |with: &With<'_>| {
        let mut page = Page { organisation, limit: LONGEST, ..Page::default() };
        let mut settings = Vec::new();
        loop {
            let listed = with.registry.list::<Setting>(with.actor, &page)?;
            settings.extend(listed.items.iter().map(|setting| setting.shown()));
            page.after = listed.next;
            if page.after.is_none() {
                return Ok(json!({ "ok": true, "settings": settings }));
            }
        }
    }))
}

fn set_setting(mut asked: Asked) -> Result<Work, Invalid> {
    let SetSetting { key, value } = asked.body()?;
    let organisation = asked.organisation();
    Ok(Box::new(move |with: &With<'_>| {
        let set = carry_out(with, &Command::PutSetting(NewSetting { organisation, key, value }))?;
        Ok(answer(&set, &[("key", "key"), ("value", "value"), ("updated_at", "updated_at")]))
    }))
}
