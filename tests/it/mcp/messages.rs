//! `POST /mcp/authorize`: one message, its answer, and its records.

use serde_json::{Value, json};

use super::world::{authorize, call, code, modern, request, server, started, token};
use crate::harness::{Reply, Server};

/// The same, with headers of their own.
fn headers<'a>(own: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    own.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn challenges(reply: &Reply) -> Vec<&str> {
    reply.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
}

/// With a verified caller where there is a token.
fn optional(document: &str) -> Server {
    started(&format!(
        "identity: {{mode: optional, resource: {{url: 'https://calc.example/mcp'}}}}\n\
         doors: {{mcp: {{document: {document}}}}}\n"
    ))
}

#[test]
fn a_message_passes_or_its_client_gets_an_error() {
    let server = server("mcp/allow");
    for (message, status, outcome) in [
        (call("add", 1), 200, "allow"),
        (call("rm", 1), 403, "deny"),
        // By arguments, too.
        (call("add", 13), 403, "deny"),
        (request("prompts/get", json!({ "name": "greet" })), 200, "allow"),
        (request("prompts/get", json!({ "name": "other" })), 403, "deny"),
        (request("resources/read", json!({ "uri": "file:///public/a" })), 200, "allow"),
        (request("resources/read", json!({ "uri": "file:///etc/passwd" })), 403, "deny"),
        (request("resources/subscribe", json!({ "uri": "file:///etc/passwd" })), 403, "deny"),
        (request("initialize", json!({ "protocolVersion": "2025-11-25" })), 200, "allow"),
        (request("server/discover", json!({})), 200, "allow"),
        (request("tools/list", json!({})), 200, "allow"),
        (request("ping", json!({})), 200, "allow"),
        (json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }), 200, "allow"),
        (json!({ "jsonrpc": "2.0", "id": 1, "result": {} }), 200, "allow"),
    ] {
        let (reply, record) = server.recorded(|| authorize(&server, &[], &message));
        assert_eq!(reply.status, status, "{message}: {}", String::from_utf8_lossy(&reply.body));
        assert_eq!((&record["outcome"], &record["protocol"]), (&json!(outcome), &json!("mcp")), "{message}");
        assert_eq!(reply.header("verdict-decision-id"), record["decision_id"].as_str(), "{message}");
        if status == 200 {
            assert_eq!(reply.json(), json!({ "allowed": true }), "{message}");
        } else {
            assert_eq!((code(&reply), &reply.json()["id"]), (-32001, &json!(7)), "{message}");
            assert_eq!(reply.json()["error"]["data"], json!({ "decision_id": record["decision_id"] }));
        }
    }
}

#[test]
fn policy_sees_the_message_and_the_server() {
    let server = server("mcp/allow");
    let (message, own) = modern("tools/call", json!({ "name": "add", "arguments": { "a": 1 } }));
    let body = message.to_string();
    let path = "/mcp/authorize/calc%20ulator";
    let (reply, record) = server.recorded(|| server.send("POST", path, &headers(&own), body.as_bytes()));
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    let expected = json!({
        "action": "tools/call",
        "resource": { "type": "tool", "id": "add", "properties": { "server": "calc ulator" } },
        "mcp": {
            "method": "tools/call", "id": 7, "name": "add", "arguments": { "a": 1 }, "server": "calc ulator",
            "protocol_version": "2026-07-28", "meta": message["params"]["_meta"],
        },
    });
    assert_eq!(record["input"], expected);
    // As Envoy asks, whose client asked for `/rpc`.
    let (reply, record) =
        server.recorded(|| server.post("/mcp/authorize/calc/rpc", &call("add", 1).to_string()));
    assert_eq!((reply.status, &record["input"]["mcp"]["server"]), (200, &json!("calc")));
    for path in ["/mcp/authorize/a%2Fb", "/mcp/authorize/..", "/mcp/authorize/%00"] {
        let reply = server.post(path, &call("add", 1).to_string());
        assert!(matches!(reply.status, 400 | 404), "{path}: {}", reply.status);
    }
}

#[test]
fn what_is_no_message_is_an_error_with_a_record() {
    let server = server("mcp/allow");
    let large =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": { "a": "x".repeat(2 << 20) } });
    for (body, status, expected, id) in [
        ("{", 400, -32700, json!(null)),
        ("", 400, -32700, json!(null)),
        (r#"{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "ping"}"#, 400, -32700, json!(null)),
        (r#"[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]"#, 400, -32600, json!(null)),
        (r#""ping""#, 400, -32600, json!(null)),
        (r#"{"jsonrpc": "2.0", "id": [1], "method": "ping"}"#, 400, -32600, json!(null)),
        (r#"{"jsonrpc": "2.0", "id": 1, "method": 7}"#, 400, -32600, json!(1)),
        (r#"{"jsonrpc": "2.0", "id": 1, "method": "ping", "METHOD": "tools/call"}"#, 400, -32600, json!(1)),
        (r#"{"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": {}}"#, 400, -32602, json!("a")),
        (r#"{"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": []}"#, 400, -32602, json!("a")),
        // What is not known is denied, as COAZ-MCP has it.
        (r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/destroy"}"#, 403, -32001, json!(1)),
        (&large.to_string(), 413, -32600, json!(null)),
    ] {
        let (reply, record) = server.recorded(|| server.post("/mcp/authorize", body));
        let shown = body.get(..80.min(body.len()));
        assert_eq!((reply.status, code(&reply)), (status, expected), "{shown:?}");
        assert_eq!(reply.json()["id"], id, "{shown:?}");
        assert_eq!((&record["outcome"], &record["protocol"]), (&json!("refused"), &json!("mcp")), "{record}");
        assert!(challenges(&reply).is_empty(), "{shown:?}");
    }
    for method in ["GET", "DELETE", "PUT"] {
        let (reply, record) = server.recorded(|| server.send(method, "/mcp/authorize", &[], b""));
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")), "{method}");
        assert_eq!(record["outcome"], "refused");
    }
    // A notification has no id, and so has its error.
    let reply =
        server.post("/mcp/authorize", r#"{"jsonrpc": "2.0", "method": "notifications/x", "params": 1}"#);
    assert_eq!((reply.status, code(&reply), reply.json().get("id")), (400, -32602, None));
}

#[test]
fn headers_must_say_what_the_message_says() {
    let server = server("mcp/allow");
    let (message, own) = modern("tools/call", json!({ "name": "add", "arguments": {} }));
    let changed = |name: &str, value: Option<&str>| -> Vec<(&'static str, String)> {
        let mut all = own.clone();
        all.retain(|(header, _)| value.is_some() || *header != name);
        for (header, old) in &mut all {
            if let Some(value) = value.filter(|_| *header == name) {
                *old = value.to_owned();
            }
        }
        all
    };
    for (own, expected) in [
        (own.clone(), None),
        (changed("Mcp-Method", Some("tools/list")), Some(-32020)),
        (changed("Mcp-Method", None), Some(-32020)),
        (changed("Mcp-Name", None), Some(-32020)),
        (changed("Mcp-Name", Some("=?base64?YWRk?=")), None),
        (changed("Mcp-Name", Some("=?base64?cm0=?=")), Some(-32020)),
        (changed("Mcp-Name", Some("ADD")), Some(-32020)),
        (changed("MCP-Protocol-Version", Some("2025-11-25")), Some(-32020)),
        (changed("MCP-Protocol-Version", None), Some(-32020)),
    ] {
        let (reply, record) = server.recorded(|| authorize(&server, &headers(&own), &message));
        match expected {
            None => assert_eq!(reply.status, 200, "{own:?}"),
            Some(expected) => {
                assert_eq!((reply.status, code(&reply)), (400, expected), "{own:?}");
                // The error has no `data`.
                assert_eq!(reply.json()["error"].get("data"), None);
                assert_eq!(record["outcome"], "refused", "{own:?}");
            }
        }
    }
    // A name that no header could have.
    let (message, mut own) = modern("tools/call", json!({ "name": "über", "arguments": {} }));
    own.retain(|(name, _)| *name != "Mcp-Name");
    own.push(("Mcp-Name", "=?base64?w7xiZXI=?=".to_owned()));
    assert_eq!(authorize(&server, &headers(&own), &message).status, 200);
    // A version that is not spoken here.
    let text = message.to_string().replace("2026-07-28", "2031-01-01");
    own.retain(|(name, _)| *name != "MCP-Protocol-Version");
    own.push(("MCP-Protocol-Version", "2031-01-01".to_owned()));
    let reply = server.send("POST", "/mcp/authorize", &headers(&own), text.as_bytes());
    assert_eq!((reply.status, code(&reply)), (400, -32022));
    assert_eq!(
        reply.json()["error"]["data"],
        json!({ "supported": ["2026-07-28", "2025-11-25", "2025-06-18"], "requested": "2031-01-01" })
    );
    // One that is, and whose messages mirror nothing.
    let old = [("MCP-Protocol-Version", "2025-11-25"), ("Mcp-Session-Id", "s")];
    let (reply, record) = server.recorded(|| authorize(&server, &old, &call("add", 1)));
    assert_eq!((reply.status, &record["input"]["mcp"]["protocol_version"]), (200, &json!("2025-11-25")));
}

#[test]
fn every_subscription_is_decided_on() {
    let server = server("mcp/allow");
    let listen = |uris: Value| {
        request("subscriptions/listen", json!({ "notifications": { "resourceSubscriptions": uris } }))
    };
    for (uris, status, records) in [
        (json!(["file:///public/a", "file:///public/b"]), 200, 3),
        (json!(["file:///public/a", "file:///etc/passwd"]), 403, 3),
        (json!([]), 200, 1),
    ] {
        let before = server.records().len();
        let reply = authorize(&server, &[], &listen(uris.clone()));
        assert_eq!(reply.status, status, "{uris}");
        let all = server.records();
        assert_eq!(all.len() - before, records, "{uris}");
        let batch = &all[before]["batch_decision_id"];
        assert!(batch.is_string() && all[before..].iter().all(|one| one["batch_decision_id"] == *batch));
    }
    // As many as a batch may have.
    let many: Vec<String> = (0..1001).map(|n| format!("file:///public/{n}")).collect();
    let (reply, record) = server.recorded(|| authorize(&server, &[], &listen(json!(many))));
    assert_eq!((reply.status, &record["outcome"]), (413, &json!("refused")));
}

#[test]
fn only_an_allow_lets_pass() {
    let broken = call("broken", 1);
    for (document, message, status, expected, outcome) in [
        ("mcp/decision", call("rm", 1), 403, -32001, "deny"),
        ("mcp/odd", call("add", 1), 403, -32001, "value"),
        ("mcp/nothing", call("add", 1), 403, -32001, "undefined"),
        ("mcp/decision", broken, 500, -32603, "error"),
    ] {
        let server = server(document);
        let zero = message.to_string().replace("\"a\":1", "\"zero\":0");
        let (reply, record) = server.recorded(|| server.post("/mcp/authorize", &zero));
        assert_eq!((reply.status, code(&reply), &record["outcome"]), (status, expected, &json!(outcome)));
        assert_eq!(reply.header("verdict-outcome"), Some(outcome));
        let said = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        // Its client learns what policy says to it, and nothing of what is wrong with policy.
        match (document, status) {
            (_, 500) => assert_eq!(said, "the authorization decision could not be made"),
            ("mcp/decision", _) => assert_eq!(said, "ask your administrator"),
            _ => assert_eq!(said, "access denied"),
        }
    }
    // Before any policy is there.
    let none = crate::harness::TestApp::new().file("broken/broken.rego", "package broken\nallow :=").start();
    let (reply, record) = none.recorded(|| authorize(&none, &[], &call("add", 1)));
    assert_eq!((reply.status, code(&reply), &record["outcome"]), (503, -32603, &json!("refused")));
}

#[test]
fn the_code_of_denials_is_configured() {
    let server = started("identity: {mode: off}\ndoors: {mcp: {document: mcp/allow, denial_code: -32003}}\n");
    assert_eq!(code(&authorize(&server, &[], &call("rm", 1))), -32003);
    assert_eq!(code(&authorize(&server, &[], &request("tools/destroy", json!({})))), -32003);
}

#[test]
fn a_client_is_told_which_token_it_needs() {
    let server = optional("mcp/scoped");
    let metadata = "resource_metadata=\"https://calc.example/.well-known/oauth-protected-resource/mcp\"";
    // Without a token: one with all scopes, in one challenge.
    let reply = authorize(&server, &[], &call("add", 1));
    assert_eq!((reply.status, code(&reply)), (401, -32001));
    let [challenge] = challenges(&reply)[..] else { panic!("{reply:?}") };
    assert!(challenge.starts_with("Bearer ") && challenge.contains(metadata), "{challenge}");
    assert!(
        challenge.contains("scope=\"mcp:read mcp:write\"") && !challenge.contains("error"),
        "{challenge}"
    );
    // With one that does not reach as far.
    let bearer = format!("Bearer {}", token(&server, "alice"));
    let reply = authorize(&server, &[("Authorization", &bearer)], &call("add", 1));
    assert_eq!((reply.status, code(&reply)), (403, -32001));
    let [challenge] = challenges(&reply)[..] else { panic!("{reply:?}") };
    for part in ["Bearer error=\"insufficient_scope\"", "scope=\"mcp:read mcp:write\"", metadata] {
        assert!(challenge.contains(part), "{challenge}");
    }
    // With a bad one, nobody is anonymous.
    let reply = authorize(&server, &[("Authorization", "Bearer a.b.c")], &call("add", 1));
    assert_eq!((reply.status, code(&reply), &reply.json()["id"]), (401, -32001, &json!(null)));
    assert!(challenges(&reply)[0].contains("invalid_token"), "{reply:?}");
}

#[test]
fn a_retry_and_a_task_are_decided_on_for_whoever_comes() {
    let server = optional("mcp/allow");
    let bearer = |subject| format!("Bearer {}", token(&server, subject));
    let (alice, mallory) = (bearer("alice"), bearer("mallory"));
    let task = request("tasks/get", json!({ "taskId": "alice/1" }));
    let retry = request(
        "resources/read",
        json!({ "uri": "file:///private/1", "requestState": "alice's", "inputResponses": {} }),
    );
    for (who, message, status) in [(&alice, &task, 200), (&mallory, &task, 403), (&mallory, &retry, 403)] {
        let (reply, record) = server.recorded(|| authorize(&server, &[("Authorization", who)], message));
        assert_eq!(reply.status, status, "{message}");
        assert_eq!(record["input"]["subject"]["id"], if *who == alice { "alice" } else { "mallory" });
    }
    let record = server.records().pop().unwrap();
    assert_eq!(record["input"]["mcp"]["params"]["requestState"], "alice's");
}

#[test]
fn agent_policies_judge_messages() {
    let app = crate::harness::TestApp::new();
    let policy = "apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\nmetadata: {name: tools}\nspec: {allowed_tools: [add], \
                  tool_rules: [{tool: add, action: allow, allow_args: {a: '^[0-9]$'}}]}\n";
    std::fs::write(app.dir.path().join("tools.yaml"), policy).unwrap();
    let config =
        "identity: {mode: off}\naip: {policies: [tools.yaml]}\ndoors: {mcp: {document: mcp/allow}}\n";
    let server = app.config(config).file("mcp/mcp.rego", super::world::POLICY).start();
    for (message, status) in [
        (call("add", 1), 200),
        (call("add", 42), 403),
        // Rego allows it.
        (call("weather", 1), 403),
        (request("tools/list", json!({})), 200),
        (request("ping", json!({})), 200),
    ] {
        let (reply, record) = server.recorded(|| authorize(&server, &[], &message));
        assert_eq!(reply.status, status, "{message}: {record}");
        assert_eq!(record["agent_policy"]["name"], "tools", "{message}");
    }
}
