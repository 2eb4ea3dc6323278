//! AuthZEN over real sockets: the published decisions, the scenario of the certification, errors, batches, searches, and who may ask
//! about whom.

use serde_json::{Value, json};

use crate::harness::{Reply, Server, TestApp};

mod batch;
mod callers;
mod errors;
mod metadata;
mod published;
mod scenario;
mod search;

pub const EVALUATION: &str = "/access/v1/evaluation";
pub const EVALUATIONS: &str = "/access/v1/evaluations";

/// The scenario of the certification (`records`), and a document for each way in which an evaluation can end (`ways`).
const RECORDS: &str = r#"package records

import data.known

default allow := false

allow if {
	input.action.name in known.grants[input.subject.id]
	not is_archived
}

# What is archived can still be read, and changed by administrators.
allow if {
	input.action.name == "read"
	"read" in known.grants[input.subject.id]
}

allow if {
	input.action.name == "write"
	is_archived
	"admin" in roles
}

allow if {
	input.action.name == "delete"
	input.action.properties.soft == true
	input.subject.id == "alice"
}

is_archived if input.resource.properties.status == "archived"

is_archived if {
	not input.resource.properties.status
	known.records[input.resource.id].status == "archived"
}

roles contains input.subject.properties.role

roles contains known.users[input.subject.id].role

subjects contains {"type": "user", "id": id, "note": "is left out"} if some id, _ in known.users

resources contains id if {
	input.resource.type == "record"
	some id, _ in known.records
}

actions := ["delete", {"name": "read"}, "write"]
"#;

const KNOWN: &str = r#"{
    "grants": {"alice": ["read", "write"], "bob": ["read"]},
    "users": {"alice": {}, "bob": {"role": "admin"}},
    "records": {"record-1": {"status": "active"}, "record-2": {"status": "archived"}}
}"#;

const WAYS: &str = r#"package ways

main := answers[input.action.name]

answers.yes := true

answers.no := false

answers.number := 1

answers.context := {"allow": true, "context": {
	"obligations": [{"id": "o1", "type": "step-up", "properties": {"acr_value": "mfa"}}],
	"reason_user": {"en": "because"},
}}

answers.requestable := {"decision": false, "reason": "not in a body", "context": {
	"access_request": {"expires_at": "2030-01-01T00:00:00Z"},
	"evaluation_id": "e1",
}}

answers.wrong := {"allow": true, "context": "text"}

answers.null := {"allow": true, "context": null}

answers.error := to_number("x") if input.action.name == "error"

answers.echo := {"allow": true, "context": {"input": input}}
"#;

/// A server whose AuthZEN door asks the scenario's policy.
pub fn records(more: &str) -> TestApp {
    let config = format!(
        "identity: {{mode: off}}\ndecision: {{deadline: 10s}}\ndoors:\n  authzen:\n    document: records/allow\n    search: {{subjects: records/subjects, \
         resources: records/resources, actions: records/actions}}\n{more}"
    );
    TestApp::new()
        .config(&config)
        .file("records/records/p.rego", RECORDS)
        .file("records/known/data.json", KNOWN)
}

/// A server whose AuthZEN door asks for a way to end.
pub fn ways(config: &str) -> TestApp {
    let config = format!(
        "{config}\ndecision: {{deadline: 10s}}\ndoors:\n  pep_role: pep\n  authzen: {{document: ways/main}}\n"
    );
    TestApp::new().config(&config).file("ways/ways/p.rego", WAYS)
}

/// Sends a body as JSON.
pub fn post(server: &Server, path: &str, body: &Value) -> Reply {
    server.send("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
}

/// The answer to a body, which has to be a success.
#[track_caller]
pub fn asked(server: &Server, path: &str, body: &Value) -> Value {
    let reply = post(server, path, body);
    assert_eq!(reply.status, 200, "{body}: {}", String::from_utf8_lossy(&reply.body));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    reply.json()
}

pub fn evaluation(subject: &str, action: &str, resource: &str) -> Value {
    json!({
        "subject": {"type": "user", "id": subject},
        "action": {"name": action},
        "resource": {"type": "record", "id": resource},
    })
}
