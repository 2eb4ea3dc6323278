//! The shapes in which gateways ask that send no message of their own.

use serde_json::json;

use super::world::{code, pep, server, started, token};

#[test]
fn toolhive_gets_yes_or_no() {
    let config =
        "identity: {mode: off}\ndoors: {mcp: {document: mcp/nothing, toolhive_document: mcp/allow}}\n";
    let calc = started(config);
    let ask = |operation: &str, resource: &str| {
        let body = json!({
            "principal": { "sub": "alice", "mroles": ["dev"] }, "operation": operation, "resource": resource,
            "context": { "mcp": { "feature": "tool", "operation": "call", "resource_id": "add", "args": { "a": 1 } } },
        });
        calc.recorded(|| calc.post("/mcp/toolhive/decision", &body.to_string()))
    };
    for (operation, resource, status, allow) in [
        ("mcp:tool:call", "mrn:mcp:calc:tool:add", 200, true),
        ("mcp:tool:call", "mrn:mcp:calc:tool:rm", 200, false),
        ("mcp:prompt:get", "mrn:mcp:calc:prompt:greet", 200, false),
        ("mcp:resource:read", "mrn:mcp:calc:resource:file:///public/a", 200, true),
        ("mcp:tool:delete", "mrn:mcp:calc:tool:add", 403, false),
        ("mcp:tool:call", "add", 400, false),
    ] {
        let (reply, record) = ask(operation, resource);
        assert_eq!(
            (reply.status, reply.json()),
            (status, json!({ "allow": allow })),
            "{operation} {resource}"
        );
        assert_eq!(record["protocol"], "mcp");
    }
    let (_, record) = ask("mcp:tool:call", "mrn:mcp:calc:tool:add");
    assert_eq!(record["input"]["subject"]["id"], "alice");
    assert_eq!(record["input"]["mcp"]["arguments"], json!({ "a": 1 }));
    let (reply, _) = calc.recorded(|| calc.post("/mcp/toolhive/decision", "no"));
    assert_eq!((reply.status, reply.json()), (400, json!({ "allow": false })));
    // Where nothing says that toolhive asks, its word is not taken.
    assert_eq!(server("mcp/allow").post("/mcp/toolhive/decision", "{}").status, 404);
}

#[test]
fn toolhive_asks_about_others_where_it_may() {
    let server =
        started("identity: {mode: optional}\ndoors: {pep_role: pep, mcp: {toolhive_document: mcp/allow}}\n");
    let body = json!({ "principal": { "sub": "root" }, "operation": "mcp:tool:call", "resource": "mrn:mcp:c:tool:add" });
    let ask = |headers: &[(&str, &str)]| {
        server
            .recorded(|| server.send("POST", "/mcp/toolhive/decision", headers, body.to_string().as_bytes()))
    };
    let bearer = |subject| format!("Bearer {}", token(&server, subject));
    for (bearer, status) in [(None, 401), (Some(bearer("alice")), 403), (Some(bearer("root")), 200)] {
        let headers: Vec<_> = bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
        let (reply, record) = ask(&headers);
        assert_eq!((reply.status, reply.json()), (status, json!({ "allow": status == 200 })), "{record}");
    }
    let pep = server.token(&pep());
    let (reply, record) = ask(&[("Authorization", &format!("Bearer {pep}"))]);
    assert_eq!((reply.status, reply.json()), (200, json!({ "allow": true })));
    assert_eq!(record["input"]["subject"]["id"], "root");
    assert_eq!(record["input"]["pep"]["id"], "toolhive");
}

#[test]
fn kuadrants_router_describes_messages_in_headers() {
    let server = server("mcp/allow");
    let method = ("x-mcp-method", "tools/call");
    let name = ("x-mcp-servername", "calc");
    for (headers, status, expected) in [
        (&[method, name, ("x-mcp-toolname", "add")][..], 200, None),
        (&[method, name, ("x-mcp-toolname", "rm")], 403, Some(-32001)),
        (&[("x-mcp-method", "tools/list"), name], 200, None),
        (&[("x-mcp-method", "notifications/initialized"), name], 200, None),
        (&[("x-mcp-method", "tools/list"), ("x-mcp-servername", "hidden")], 403, Some(-32001)),
        (&[("x-mcp-method", "prompts/get"), name, ("x-mcp-promptname", "greet")], 403, Some(-32001)),
        (&[("x-mcp-method", "tools/destroy")], 403, Some(-32001)),
        (&[method, name], 400, Some(-32602)),
        (&[name, ("x-mcp-toolname", "add")], 400, Some(-32020)),
        (&[method, ("x-mcp-toolname", "add"), ("x-mcp-toolname", "rm")], 400, Some(-32020)),
        (&[method, ("x-mcp-toolname", "add"), ("x-mcp-promptname", "greet")], 400, Some(-32020)),
        (&[("x-mcp-method", "ping"), ("x-mcp-toolname", "add")], 400, Some(-32020)),
        (&[method, ("x-mcp-toolname", "add"), ("mcp-method", "tools/list")], 400, Some(-32020)),
    ] {
        for verb in ["GET", "POST"] {
            let (reply, record) = server.recorded(|| server.send(verb, "/mcp/kuadrant", headers, b""));
            assert_eq!(reply.status, status, "{headers:?}");
            assert_eq!(record["protocol"], "mcp");
            if let Some(expected) = expected {
                assert_eq!(code(&reply), expected, "{headers:?}");
            }
        }
    }
}
