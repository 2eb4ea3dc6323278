//! The input that policies see of a message: the same wherever it came in.
//!
//! INVARIANT (one place for a fact): a parameter stands in `mcp` once: under its own name where it is decided on (`name`, `uri`,
//! `arguments`, `meta`), else below `params`.

use super::mapping::Resource;
use super::message::{Kind, Message};
use verdict_rego::Value;

/// What is known of a message besides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) message: &'a Message,
    /// The version of MCP that it speaks, where one is said.
    pub(super) version: Option<&'a str>,
    /// The server that it is for, where the gateway names it.
    pub(super) server: Option<&'a str>,
    /// The list that the resource stands in, where it is to be shown there and not used yet.
    pub(super) listed_by: Option<&'a str>,
    /// The OAuth client that calls (COAZ: `context.agent`).
    pub(super) agent: Option<&'a str>,
}

/// The parameters that have a place of their own in `mcp`, and the names that they have there.
const OWN: [(&str, &str); 4] =
    [("name", "name"), ("uri", "uri"), ("arguments", "arguments"), ("_meta", "meta")];

impl Facts<'_> {
    /// The input of a question about a resource; about the message itself where there is none.
    pub(super) fn input(&self, resource: &Resource) -> Value {
        let mut input = Value::object();
        input.insert("action", Value::from(self.action()));
        input.insert("resource", self.resource(resource));
        if let Some(agent) = self.agent {
            let mut context = Value::object();
            context.insert("agent", Value::from(agent));
            input.insert("context", context);
        }
        input.insert("mcp", self.mcp());
        input
    }

    /// The input of a question that a declared mapping asks.
    pub(super) fn mapped(&self, evaluation: &Value) -> Value {
        let mut input = Value::object();
        if let Some(name) = evaluation.at(["action", "name"]) {
            input.insert("action", name.clone());
        }
        for member in ["resource", "context"] {
            if let Some(value) = evaluation.get(member) {
                input.insert(member, value.clone());
            }
        }
        let mut mcp = self.mcp();
        mcp.insert("mapping", evaluation.clone());
        input.insert("mcp", mcp);
        input
    }

    /// The method; a response has none.
    fn action(&self) -> &str {
        if self.message.kind == Kind::Response { "response" } else { &self.message.method }
    }

    fn resource(&self, resource: &Resource) -> Value {
        let mut value = Value::object();
        value.insert("type", Value::from(resource.kind));
        if let Some(id) = &resource.id {
            value.insert("id", Value::from(id.as_str()));
        }
        if let Some(server) = self.server {
            let mut properties = Value::object();
            properties.insert("server", Value::from(server));
            value.insert("properties", properties);
        }
        value
    }

    fn mcp(&self) -> Value {
        let Message { kind: _, id, method: _, params } = self.message;
        let mut mcp = Value::object();
        mcp.insert("method", Value::from(self.action()));
        for (name, text) in
            [("protocol_version", self.version), ("server", self.server), ("listed_by", self.listed_by)]
        {
            if let Some(text) = text {
                mcp.insert(name, Value::from(text));
            }
        }
        if let Some(id) = id {
            mcp.insert("id", id.clone());
        }
        let mut rest = Value::object();
        for (name, value) in params.members() {
            match OWN.iter().find(|(parameter, _)| *parameter == name) {
                Some((_, own)) => mcp.insert(own, value.clone()),
                None => rest.insert(name, value.clone()),
            }
        }
        if rest.members().next().is_some() {
            mcp.insert("params", rest);
        }
        mcp
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::document;
    use super::*;

    #[test]
    fn every_fact_has_its_place() {
        let message = r#"{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params":
            {"name": "rm", "arguments": {"path": "/"}, "_meta": {"a": 1}, "requestState": "s"}}"#;
        let message = Message::of(document(message.as_bytes()).unwrap()).unwrap();
        let facts = Facts {
            message: &message,
            version: Some("2026-07-28"),
            server: Some("files"),
            listed_by: None,
            agent: Some("app"),
        };
        let input = facts.input(&Resource { kind: "tool", id: Some("rm".to_owned()) });
        let expected = r#"{"action": "tools/call", "context": {"agent": "app"},
            "resource": {"type": "tool", "id": "rm", "properties": {"server": "files"}},
            "mcp": {"method": "tools/call", "id": 7, "name": "rm", "arguments": {"path": "/"}, "meta": {"a": 1},
                "params": {"requestState": "s"}, "protocol_version": "2026-07-28", "server": "files"}}"#;
        assert_eq!(input, Value::from_json(expected.as_bytes()).unwrap());
    }
}
