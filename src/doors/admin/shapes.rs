//! What the admin API takes and gives besides commands and records.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::clock::Timestamp;
use crate::model::units::Period;
use crate::registry::reads::Listed;
use crate::registry::record::{Agent, KeyRecord, Organisation, SecretRecord, Stored};

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Items<T> {
    /// The items.
    items: Vec<T>,
    /// What to ask for as `after` to get the next page; null where this is the last.
    next: Option<String>,
}

impl Items<Value> {
    /// The records of a page as they are shown.
    pub(super) fn of<T: Stored>(listed: &Listed<T>, shown: impl Fn(&T) -> Value) -> Self {
        let next = listed.next.as_deref().map(super::asked::cursor);
        Self { items: listed.items.iter().map(shown).collect(), next }
    }
}

/// A page of a log, the latest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Entries<T> {
    /// The entries.
    pub(super) items: Vec<T>,
    /// What to ask for as `before` to get the next page; null where this is the last.
    pub(super) next: Option<u64>,
}

/// Who is calling.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Whoami {
    /// The id of its key, or issuer and subject.
    pub(super) id: String,
    /// What it may do: `operator`, `admin`, `auditor`, `bridge`, `agent`.
    pub(super) power: &'static str,
    /// Its organisation; null for an operator.
    pub(super) organisation: Option<String>,
    /// The agent that it is; null for all others.
    pub(super) agent: Option<String>,
}

/// What is different about an organisation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rename {
    /// What people call it; null takes the name away.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schemars(required)]
    pub(super) name: Option<String>,
}

/// An assertion of an agent's identity.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Assertion {
    /// The assertion, a JWT.
    assertion: String,
    /// Its type: `agent-assertion+jwt`.
    #[serde(rename = "type")]
    kind: String,
    /// How long it is valid, in seconds.
    expires_in: u64,
    /// Its identifier.
    jti: String,
}

/// How a key is rotated.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rotation {
    /// How long the old key stays valid, at most 90 days.
    pub(super) overlap: Period,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { overlap: Period::secs(0) }
    }
}

/// The value of a secret.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretValue {
    /// The value.
    pub(super) value: String,
}

/// The value of a setting.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingValue {
    /// The value.
    pub(super) value: Value,
    /// The organisation; by default the caller's own, and with an operator that of all.
    #[serde(default)]
    pub(super) organisation: Option<String>,
}

/// How much was sealed anew.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Rewrapped {
    /// How many values.
    pub(super) rewrapped: u64,
}

/// A key, as it is shown.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used: what is shown is made of the record and of uses")]
pub(super) struct ShownKey {
    #[serde(flatten)]
    key: KeyRecord,
    /// When it was last used, as far as that is known.
    last_used_at: Option<Timestamp>,
}

/// A key, the one time that its text is shown.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used, as the text is not in the record")]
pub(super) struct MadeKey {
    #[serde(flatten)]
    key: KeyRecord,
    /// The text of the key. It is shown this once.
    api_key: String,
}

/// An organisation that was made.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used, as the text is not in the record")]
pub(super) struct MadeOrganisation {
    #[serde(flatten)]
    organisation: Organisation,
    /// The text of its admin key, where one was asked for. It is shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    admin_key: Option<String>,
    /// The id of that key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    admin_key_id: Option<String>,
}

/// An agent that was made.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used, as the text is not in the record")]
pub(super) struct MadeAgent {
    #[serde(flatten)]
    agent: Agent,
    /// The text of its key, where one was asked for. It is shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    api_key: Option<String>,
    /// The id of that key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    api_key_id: Option<String>,
}

/// What a registry begins with. The keys are shown this once.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used, as texts are not in records")]
pub(super) struct Begun {
    /// The text of the operator key.
    operator_key: String,
    /// The id of that key.
    operator_key_id: String,
    /// The organisation.
    organisation: Organisation,
    /// The text of the admin key of the organisation.
    admin_key: String,
    /// The id of that key.
    admin_key_id: String,
    /// The agent, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<Agent>,
    /// The text of its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent_key: Option<String>,
    /// The id of that key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent_key_id: Option<String>,
}

/// A secret with its value.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used, as the value is not in the record")]
pub(super) struct OpenSecret {
    #[serde(flatten)]
    secret: SecretRecord,
    /// The value.
    value: String,
}

/// Why something was not done.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used; the answer is made where all problems are")]
pub(super) struct Problem {
    /// A word for programs, e.g. `invalid_parameter`.
    code: String,
    /// What is wrong, for people.
    message: String,
    /// The member of the body or the parameter that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The id of the record in the decision log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decision_id: Option<String>,
}

/// Why something was not done, as Relay says it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used; the answer is made where all problems are")]
pub(super) struct RelayProblem {
    /// What is wrong.
    detail: String,
}

/// Why something was not done, in the shape of AgentPack's routes.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used; the answer is made where all problems are")]
pub(super) struct AgentPackProblem {
    /// Always false.
    ok: bool,
    /// A word for programs, e.g. `invalid_parameter`.
    error: String,
    /// What is wrong, for people.
    message: String,
    /// The member of the body that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The id of the record in the decision log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decision_id: Option<String>,
}

/// What went wrong, in AIP's words.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used; the answer is made where all problems are")]
pub(super) struct AipProblem {
    /// A word for programs, e.g. `invalid_request`.
    error: String,
    /// What is wrong, for people.
    message: String,
    /// The member of the body that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The id of the record in the decision log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decision_id: Option<String>,
}
