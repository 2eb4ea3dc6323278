//! Tools that are known beforehand: mappings that they declare (COAZ-MCP), and arguments that headers mirror.

use serde_json::{Value, json};

use super::world::{authorize, code, modern, request, server, token};
use crate::harness::{Reply, Server, TestApp};

const POLICY: &str = "package mcp

default allow := false

allow if {
	input.action == \"get_customer\"
	input.resource == {\"type\": \"customer\", \"id\": \"c-1\"}
	input.context.case == \"k\"
	input.subject.id == \"alice\"
	input.mcp.name == \"get_customer\"
}

allow if {
	input.action in {\"read\", \"write\"}
	startswith(input.resource.id, \"/mine/\")
}

allow if {
	input.action == \"tools/call\"
	input.resource.id == \"plain\"
}
";

fn tools() -> Value {
    json!({ "tools": [
        { "name": "get_customer", "inputSchema": { "type": "object", "x-authzen-mapping": { "evaluation": {
            "subject": { "type": "identity", "id": "$token.sub" },
            "action": { "name": "get_customer" },
            "resource": { "type": "customer", "id": "$params.arguments.id" },
            "context": { "agent": "$token.?client_id", "case": "$params.arguments.case" },
        } } } },
        { "name": "copy", "inputSchema": { "type": "object", "x-authzen-mapping": { "evaluations": {
            "evaluations": [
                { "action": { "name": "read" }, "resource": { "type": "object", "id": "$params.arguments.from" } },
                { "action": { "name": "write" }, "resource": { "type": "object", "id": "$params.arguments.to" } },
            ],
        } } } },
        { "name": "plain", "inputSchema": { "type": "object", "properties": {
            "count": { "type": "integer", "x-mcp-header": "Count" },
        } } },
    ] })
}

fn world(tools: &Value) -> Server {
    let app = TestApp::new();
    std::fs::write(app.dir.path().join("tools.json"), tools.to_string()).unwrap();
    let config = "identity: {mode: optional}\n\
                  doors: {mcp: {document: mcp/allow, servers: [{name: crm, tools: tools.json}]}}\n";
    app.config(config).file("mcp/mcp.rego", POLICY).start()
}

fn ask(server: &Server, bearer: &str, message: &Value) -> Reply {
    let headers = [("Authorization", bearer)];
    server.send("POST", "/mcp/authorize/crm", &headers, message.to_string().as_bytes())
}

#[test]
fn a_tool_is_decided_on_as_it_declares() {
    let server = world(&tools());
    let bearer = |subject| format!("Bearer {}", token(&server, subject));
    let call =
        |tool: &str, arguments: Value| request("tools/call", json!({ "name": tool, "arguments": arguments }));
    let (alice, bob) = (bearer("alice"), bearer("bob"));
    for (who, message, expected) in [
        (&alice, call("get_customer", json!({ "id": "c-1", "case": "k" })), None),
        (&alice, call("get_customer", json!({ "id": "c-2", "case": "k" })), Some((403, -32001))),
        (&bob, call("get_customer", json!({ "id": "c-1", "case": "k" })), Some((403, -32001))),
        // An expression that reads what is not there is an error of the mapping.
        (&alice, call("get_customer", json!({ "id": "c-1" })), Some((400, -32602))),
        (&alice, call("copy", json!({ "from": "/mine/a", "to": "/mine/b" })), None),
        (&alice, call("copy", json!({ "from": "/mine/a", "to": "/theirs/b" })), Some((403, -32001))),
        (&alice, call("copy", json!({ "from": "/mine/a" })), Some((400, -32602))),
        (&alice, call("plain", json!({})), None),
        (&alice, call("unknown", json!({})), Some((403, -32001))),
    ] {
        let reply = ask(&server, who, &message);
        let got = (reply.status != 200).then(|| (reply.status, code(&reply)));
        assert_eq!(got, expected, "{message}");
    }
    let copied = ask(&server, &alice, &call("copy", json!({ "from": "/mine/a", "to": "/mine/b" })));
    assert_eq!(copied.status, 200);
    let all = server.records();
    let [read, written] = &all[all.len() - 2..] else { panic!() };
    assert_eq!((&read["input"]["action"], &written["input"]["action"]), (&json!("read"), &json!("write")));
    assert_eq!(read["batch_decision_id"], written["batch_decision_id"]);
    assert_eq!(read["input"]["mcp"]["arguments"], json!({ "from": "/mine/a", "to": "/mine/b" }));
    assert_eq!(read["input"]["mcp"]["mapping"]["resource"]["id"], "/mine/a");
    // By another server's name, the tool is nobody's.
    let other = authorize(
        &server,
        &[("Authorization", &alice)],
        &call("copy", json!({ "from": "/mine/a", "to": "/mine/b" })),
    );
    assert_eq!(other.status, 403);
}

#[test]
fn a_mapping_says_nothing_of_who_is_calling() {
    let mut tools = tools();
    let mapping = &mut tools["tools"][0]["inputSchema"]["x-authzen-mapping"]["evaluation"];
    mapping["subject"]["id"] = json!("$params.arguments.user");
    let server = world(&tools);
    let arguments = json!({ "id": "c-1", "case": "k", "user": "alice" });
    let message = request("tools/call", json!({ "name": "get_customer", "arguments": arguments }));
    let bearer = format!("Bearer {}", token(&server, "bob"));
    let (reply, record) = server.recorded(|| ask(&server, &bearer, &message));
    assert_eq!((reply.status, code(&reply)), (403, -32001));
    assert_eq!(record["input"]["subject"]["id"], "bob");
    assert_eq!(record["input"]["mcp"]["mapping"]["subject"]["id"], "alice");
}

#[test]
fn mirrored_arguments_must_agree() {
    let server = world(&tools());
    let bearer = format!("Bearer {}", token(&server, "alice"));
    let (message, own) = modern("tools/call", json!({ "name": "plain", "arguments": { "count": 42 } }));
    for (count, expected) in
        [(Some("42"), None), (Some("42.0"), None), (Some("43"), Some(-32020)), (None, Some(-32020))]
    {
        let mut headers: Vec<(&str, &str)> =
            own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("Authorization", &bearer));
        headers.extend(count.map(|count| ("Mcp-Param-Count", count)));
        let reply = server.send("POST", "/mcp/authorize/crm", &headers, message.to_string().as_bytes());
        let got = (reply.status != 200).then(|| code(&reply));
        assert_eq!(got, expected, "{count:?}: {}", String::from_utf8_lossy(&reply.body));
    }
}

#[test]
fn what_is_unknown_of_a_server_is_decided_on_as_it_is() {
    let server = server("mcp/allow");
    let (message, own) = modern("tools/call", json!({ "name": "add", "arguments": { "count": 42 } }));
    let mut headers: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.push(("Mcp-Param-Count", "43"));
    assert_eq!(authorize(&server, &headers, &message).status, 200);
}
