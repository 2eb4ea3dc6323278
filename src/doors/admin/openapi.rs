//! The OpenAPI 3.1 document, made of the operations.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::response::Response;
use http::{Method, StatusCode};
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::asked::COMMON;
use super::operation::{Dialect, Needs, Operation};
use super::shapes::{AgentPackProblem, AipProblem, Problem, RelayProblem};
use super::table::operations;
use crate::doors::answer;

/// Where it is.
pub(super) const PATH: &str = "/v1/openapi.json";
/// Where schemas are in it.
const SCHEMAS: &str = "/components/schemas";

/// Answers with it. It needs no credential: it says what anybody can read in the documentation.
pub(super) fn answer(method: &Method) -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    if !matches!(*method, Method::GET | Method::HEAD) {
        return answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    answer::json_text(StatusCode::OK, TEXT.get_or_init(|| document().to_string()).clone())
}

/// The document.
fn document() -> Value {
    let mut taken = SchemaSettings::draft2020_12();
    taken.definitions_path = SCHEMAS.into();
    let mut given = taken.clone().for_serialize().into_generator();
    let mut taken = taken.into_generator();
    let content = |schema: Schema| json!({ "application/json": { "schema": schema } });
    let problem = content(given.subschema_for::<Problem>());
    let relay = content(given.subschema_for::<RelayProblem>());
    let agentpack = content(given.subschema_for::<AgentPackProblem>());
    let aip = content(given.subschema_for::<AipProblem>());
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in operations() {
        let path = paths.entry(operation.path).or_default();
        path.insert(operation.method.to_lowercase(), described(operation, &mut taken, &mut given));
    }
    let own = json!({
        "operationId": "openapi",
        "summary": "This document",
        "security": [],
        "responses": { "200": { "description": "An OpenAPI 3.1 document.", "content": { "application/json": {} } } },
    });
    paths.entry(PATH).or_default().insert("get".to_owned(), own);
    let mut schemas = taken.take_definitions(true);
    for (name, schema) in given.take_definitions(true) {
        schemas.entry(name).or_insert(schema);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Verdict admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Organisations, agents, keys, delegations, roles, secrets, settings and revocations of a Verdict registry. \
                            It is on the management listener only.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }, { "apiKey": [] }, { "bridgeKey": [] }, { "deviceKey": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": { "description": "Why it was not done.", "content": problem },
                "RelayProblem": { "description": "Why it was not done.", "content": relay },
                "AgentPackProblem": { "description": "Why it was not done.", "content": agentpack },
                "AipProblem": { "description": "Why it was not done.", "content": aip },
            },
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "A key of the registry, or a JWT." },
                "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
                "bridgeKey": { "type": "apiKey", "in": "header", "name": "X-AgentPack-Key" },
                "deviceKey": { "type": "apiKey", "in": "header", "name": "X-AgentPack-Device-Key" },
                "bootstrap": { "type": "http", "scheme": "bearer", "description": "The bootstrap token." },
            },
        },
    })
}

fn described(operation: &Operation, taken: &mut SchemaGenerator, given: &mut SchemaGenerator) -> Value {
    let names = operation.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let in_path = names
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = COMMON.iter().chain(operation.query).map(|name| parameter(name, operation));
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let mut described = json!({
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.needs.words(),
        "parameters": parameters,
        "responses": responses(operation, given),
    });
    let Some(members) = described.as_object_mut() else { return described };
    if let Some(body) = operation.body {
        let content = json!({ "application/json": { "schema": body(taken) } });
        members.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
    }
    if operation.needs == Needs::Token {
        members.insert("security".to_owned(), json!([{ "bootstrap": [] }]));
    }
    described
}

fn responses(operation: &Operation, given: &mut SchemaGenerator) -> Map<String, Value> {
    let done = match operation.answer {
        Some(answer) => {
            let content = json!({ "application/json": { "schema": answer(given) } });
            json!({ "description": "Done.", "content": content })
        }
        None => json!({ "description": "Done." }),
    };
    let mut responses = Map::from_iter([(operation.status.as_str().to_owned(), done)]);
    let problem = match operation.dialect {
        Dialect::Verdict => "#/components/responses/Problem",
        Dialect::Relay => "#/components/responses/RelayProblem",
        Dialect::AgentPack => "#/components/responses/AgentPackProblem",
        Dialect::Aip => "#/components/responses/AipProblem",
    };
    let conflict = operation.conflicts.then_some(409);
    let too_large = operation.body.map(|_| 413);
    for status in [400, 401, 403, 404, 429, 500, 503].into_iter().chain(conflict).chain(too_large) {
        responses.insert(status.to_string(), json!({ "$ref": problem }));
    }
    responses
}

/// A parameter. Who deletes a member has to say whom.
fn parameter(name: &str, operation: &Operation) -> Value {
    let required = matches!(name, "issuer" | "subject");
    let time = json!({ "type": "string", "format": "date-time" });
    let (schema, description) = match name {
        "organisation" => (json!({ "type": "string" }), "The organisation; by default the caller's own."),
        "pretty" => (json!({ "type": "boolean" }), "Whether the answer is indented."),
        "agent" => (json!({ "type": "string" }), "Those of this agent alone."),
        "after" => (json!({ "type": "string" }), "Where to go on: `next` of the page before."),
        "before" => {
            (json!({ "type": "integer", "minimum": 0 }), "Where to go on: `next` of the page before.")
        }
        "limit" => (
            json!({ "type": "integer", "minimum": 1, "maximum": crate::registry::reads::LONGEST, "default": 100 }),
            "How many items there are in a page.",
        ),
        "from" => (time, "Not before this."),
        "until" => (time, "Before this."),
        "action" if operation.name == "listAudit" => (
            json!({ "type": "string" }),
            "This action; or, where it ends with a full stop, all that begin so.",
        ),
        "action" => (json!({ "type": "string" }), "This action alone."),
        "issuer" => (json!({ "type": "string" }), "Who vouches for the member."),
        "org_id" => (json!({ "type": "string" }), "The organisation; by default the caller's own."),
        "agent_id" => (json!({ "type": "string" }), "What is about this agent alone."),
        "event_type" => (json!({ "type": "string" }), "Rows of this type alone."),
        "offset" => {
            (json!({ "type": "integer", "minimum": 0, "maximum": 10_000 }), "How many rows are left out.")
        }
        _ => (json!({ "type": "string" }), "The member."),
    };
    json!({ "name": name, "in": "query", "required": required, "schema": schema, "description": description })
}
