//! A server behind an MCP gateway, and its clients.

use std::time::Duration;

use serde_json::{Value, json};
use verdict::identity::dev::TokenRequest;

use crate::harness::{Reply, Server, TestApp};

/// What gateways of the tests are told by.
pub const POLICY: &str = r#"package mcp

default allow := false

# The server itself may be talked to, and not `hidden`.
allow if {
	input.resource.type == "mcp_server"
	object.get(input.resource, "id", "") != "hidden"
}

allow if {
	input.resource.type == "tool"
	input.resource.id in {"add", "weather", "über"}
	object.get(input.mcp, "arguments", {}) != {"a": 13}
}

allow if input.resource == {"type": "prompt", "id": "greet"}

allow if {
	input.resource.type == "resource"
	startswith(input.resource.id, "file:///public/")
}

# Only whoever began a task may go on with it.
allow if {
	input.resource.type == "task"
	startswith(input.resource.id, concat("", [input.subject.id, "/"]))
}

decision := {"allow": allow, "reason": "ask your administrator"} if input.resource.id != "broken"

decision := {"allow": true} if {
	input.resource.id == "broken"
	1 / input.mcp.arguments.zero == 1
}

scoped := {"allow": false, "required_scopes": ["mcp:read", "mcp:write"]}

odd := {"answer": 42}
"#;

/// A server with identity off that decides by this document.
pub fn server(document: &str) -> Server {
    started(&format!("identity: {{mode: off}}\ndoors: {{mcp: {{document: {document}}}}}\n"))
}

/// A server with this configuration.
pub fn started(config: &str) -> Server {
    TestApp::new().config(config).file("mcp/mcp.rego", POLICY).start()
}

/// A request.
pub fn request(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })
}

/// The call of a tool with an argument.
pub fn call(tool: &str, a: i64) -> Value {
    request("tools/call", json!({ "name": tool, "arguments": { "a": a } }))
}

/// A request of 2026-07-28, and its headers.
pub fn modern(method: &str, mut params: Value) -> (Value, Vec<(&'static str, String)>) {
    let name = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str).map(str::to_owned);
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut headers =
        vec![("MCP-Protocol-Version", "2026-07-28".to_owned()), ("Mcp-Method", method.to_owned())];
    headers.extend(name.map(|name| ("Mcp-Name", name)));
    (request(method, params), headers)
}

/// Asks whether a message may pass.
pub fn authorize(server: &Server, headers: &[(&str, &str)], message: &Value) -> Reply {
    server.send("POST", "/mcp/authorize", headers, message.to_string().as_bytes())
}

/// The code of a JSON-RPC error.
pub fn code(reply: &Reply) -> i64 {
    let body = reply.json();
    assert_eq!(body["jsonrpc"], "2.0", "{body}");
    body["error"]["code"].as_i64().unwrap_or_else(|| panic!("{body}"))
}

/// A token of the development issuer.
pub fn token(server: &Server, subject: &str) -> String {
    server.token(&request_of(subject, &[]))
}

/// What the token of a PEP is made of.
pub fn pep() -> TokenRequest {
    request_of("toolhive", &["pep"])
}

fn request_of(subject: &str, roles: &[&str]) -> TokenRequest {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let (kind, claims, ttl) = (None, serde_json::Map::new(), Duration::from_secs(60));
    TokenRequest { sub: subject.to_owned(), kind, roles, claims, ttl }
}
