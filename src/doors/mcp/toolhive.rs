//! What toolhive's HTTP authorizer asks: principal, operation, resource and context (PORC) in one object.
//!
//! INVARIANT (asserted): the principal is what toolhive says it has verified. Whether the caller may ask about it is decided where the
//! input is assembled, as for AuthZEN's PEPs (`pdp::input`).

use super::input::Facts;
use super::mapping::resources;
use super::message::{Kind, Message};
use super::rpc::{Fault, INVALID_REQUEST};
use verdict_rego::Value;

/// Features and operations, the method that each pair is, and the parameter that names what it is about.
const OPERATIONS: [(&str, &str, &str, Option<&str>); 6] = [
    ("tool", "call", "tools/call", Some("name")),
    ("prompt", "get", "prompts/get", Some("name")),
    ("resource", "read", "resources/read", Some("uri")),
    ("tool", "list", "tools/list", None),
    ("prompt", "list", "prompts/list", None),
    ("resource", "list", "resources/list", None),
];

/// The input of a question.
///
/// # Errors
/// It is none that toolhive asks.
pub(super) fn input(asked: &Value) -> Result<Value, Fault> {
    let invalid = |why: String| Fault::new(INVALID_REQUEST, why);
    let text = |name: &str| {
        asked
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| invalid(format!("`{name}` is missing, or not a text")))
    };
    let (operation, resource) = (text("operation")?, text("resource")?);
    let pair = operation.strip_prefix("mcp:").and_then(|pair| pair.split_once(':'));
    let known = OPERATIONS.iter().find(|(feature, verb, ..)| pair == Some((*feature, *verb)));
    let (feature, _, method, parameter) = known
        .ok_or_else(|| Fault::denied(format!("the operation `{operation}` is not known, and is denied")))?;
    let (server, name) = named(resource, feature).ok_or_else(|| {
        invalid(format!("`resource` is not `mrn:mcp:<server>:{feature}:<name>`, or can be read in two ways"))
    })?;
    let mut params = Value::object();
    if let Some(parameter) = parameter {
        params.insert(parameter, Value::from(name));
    }
    if let Some(arguments) = asked.at(["context", "mcp", "args"]) {
        if !arguments.is_object() {
            return Err(invalid("`context.mcp.args` is not an object".to_owned()));
        }
        params.insert("arguments", arguments.clone());
    }
    let message = Message { kind: Kind::Request, id: None, method: (*method).to_owned(), params };
    let facts =
        Facts { message: &message, version: None, server: Some(server), listed_by: None, agent: None };
    let about = resources(&message, Some(server))?;
    let mut input = about.first().map(|resource| facts.input(resource)).unwrap_or_else(Value::object);
    if let Some(principal) = asked.get("principal") {
        if !principal.is_object() {
            return Err(invalid("`principal` is not an object".to_owned()));
        }
        input.insert("subject", subject(principal));
    }
    Ok(input)
}

/// Server and name of `mrn:mcp:<server>:<feature>:<name>`; the name of a list is empty.
fn named<'r>(resource: &'r str, feature: &str) -> Option<(&'r str, &'r str)> {
    let rest = resource.strip_prefix("mrn:mcp:")?;
    let (server, name) = rest.split_once(&format!(":{feature}:"))?;
    let again = name.contains(&format!(":{feature}:")) || name.starts_with(&format!("{feature}:"));
    (!server.is_empty() && !again).then_some((server, name))
}

/// The principal as policies see a subject: that of AuthZEN's PEPs.
fn subject(principal: &Value) -> Value {
    let (mut subject, mut properties) = (Value::object(), Value::object());
    subject.insert("type", Value::from("identity"));
    if let Some(id) = principal.get("sub") {
        subject.insert("id", id.clone());
    }
    for (own, names) in
        [("roles", &["mroles", "roles"][..]), ("groups", &["mgroups", "groups"]), ("scopes", &["scopes"])]
    {
        if let Some(value) = names.iter().find_map(|name| principal.get(name)) {
            properties.insert(own, value.clone());
        }
    }
    properties.insert("claims", principal.clone());
    subject.insert("properties", properties);
    subject
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(operation: &str, resource: &str) -> Result<Value, Fault> {
        let asked = format!(
            r#"{{"principal": {{"sub": "alice", "mroles": ["dev"]}}, "operation": "{operation}", "resource": "{resource}",
                "context": {{"mcp": {{"args": {{"a": 1}}}}}}}}"#
        );
        input(&Value::from_json(asked.as_bytes()).unwrap())
    }

    #[test]
    fn a_question_is_one_about_a_message() {
        let expected = r#"{"action": "tools/call", "resource": {"type": "tool", "id": "add", "properties": {"server": "calc"}},
            "mcp": {"method": "tools/call", "name": "add", "arguments": {"a": 1}, "server": "calc"},
            "subject": {"type": "identity", "id": "alice",
                "properties": {"roles": ["dev"], "claims": {"sub": "alice", "mroles": ["dev"]}}}}"#;
        let expected = Value::from_json(expected.as_bytes()).unwrap();
        assert_eq!(asked("mcp:tool:call", "mrn:mcp:calc:tool:add"), Ok(expected));
        for (operation, resource, kind, id) in [
            ("mcp:prompt:get", "mrn:mcp:s:prompt:greet", "prompt", "greet"),
            ("mcp:resource:read", "mrn:mcp:s:resource:file:///a:b", "resource", "file:///a:b"),
            ("mcp:tool:list", "mrn:mcp:s:tool:", "mcp_server", "s"),
        ] {
            let input = asked(operation, resource).unwrap();
            let at = |name| input.at(["resource", name]).and_then(Value::as_str);
            assert_eq!((at("type"), at("id")), (Some(kind), Some(id)), "{operation}");
        }
    }

    #[test]
    fn what_is_no_question_is_an_error() {
        for (operation, resource) in [
            ("mcp:tool:delete", "mrn:mcp:s:tool:a"),
            ("tool:call", "mrn:mcp:s:tool:a"),
            ("mcp:tool:call", "mrn:mcp:s:prompt:a"),
            ("mcp:tool:call", "mrn:mcp:s:tool:"),
            ("mcp:tool:call", "mrn:mcp::tool:a"),
            ("mcp:tool:call", "mrn:mcp:s:tool:t:tool:a"),
            ("mcp:tool:call", "a"),
        ] {
            assert!(asked(operation, resource).is_err(), "{operation} {resource}");
        }
        assert!(input(&Value::object()).is_err());
    }
}
