//! `POST /mcp/filter`: a list, and what of it is shown.

use serde_json::{Value, json};

use super::world::{code, request, server, started};
use crate::harness::{Reply, Server};

fn filter(server: &Server, method: &str, result: Value) -> Reply {
    let response = json!({ "jsonrpc": "2.0", "id": 7, "result": result });
    let body = json!({ "request": request(method, json!({ "cursor": "c" })), "response": response });
    server.post("/mcp/filter/calc", &body.to_string())
}

#[test]
fn a_list_shows_what_would_be_allowed() {
    let server = server("mcp/allow");
    let names = |names: &[&str]| -> Vec<Value> { names.iter().map(|name| json!({ "name": name })).collect() };
    let uris =
        |key: &str, uris: &[&str]| -> Vec<Value> { uris.iter().map(|uri| json!({ key: uri })).collect() };
    for (method, member, all, shown) in [
        ("tools/list", "tools", names(&["weather", "rm", "add", "rm2"]), names(&["weather", "add"])),
        ("prompts/list", "prompts", names(&["x", "y"]), vec![]),
        (
            "resources/list",
            "resources",
            uris("uri", &["file:///public/b", "file:///etc", "file:///public/a"]),
            uris("uri", &["file:///public/b", "file:///public/a"]),
        ),
        (
            "resources/templates/list",
            "resourceTemplates",
            uris("uriTemplate", &["file:///{any}", "file:///public/{any}"]),
            uris("uriTemplate", &["file:///public/{any}"]),
        ),
    ] {
        let before = server.records().len();
        let result = json!({ member: all, "nextCursor": "n", "ttlMs": 1000, "cacheScope": "public" });
        let reply = filter(&server, method, result);
        assert_eq!(reply.status, 200, "{method}: {}", String::from_utf8_lossy(&reply.body));
        let expected = json!({
            "jsonrpc": "2.0", "id": 7,
            "result": { member: shown, "nextCursor": "n", "ttlMs": 1000, "cacheScope": "private" },
        });
        assert_eq!(reply.json(), expected, "{method}");
        assert_eq!(reply.header("cache-control"), Some("private"));
        // One for the list, and one for each item, all of one batch.
        let records = &server.records()[before..];
        assert_eq!(records.len(), 1 + all.len(), "{method}");
        assert_eq!(records[0]["input"]["action"], method);
        assert!(records.iter().all(|one| one["batch_decision_id"] == records[0]["batch_decision_id"]));
        assert!(records[1..].iter().all(|one| one["input"]["mcp"]["listed_by"] == method), "{records:?}");
    }
    let last = server.records().pop().unwrap();
    assert_eq!((&last["input"]["action"], &last["protocol"]), (&json!("resources/read"), &json!("mcp")));
}

#[test]
fn a_list_that_may_not_be_asked_for_is_not_shown() {
    let server = server("mcp/allow");
    let body = json!({
        "request": request("tools/list", json!({})),
        "response": { "jsonrpc": "2.0", "id": 7, "result": { "tools": [{ "name": "add" }] } },
    });
    let reply = server.post("/mcp/filter/hidden", &body.to_string());
    assert_eq!((reply.status, code(&reply)), (403, -32001));
    assert!(!String::from_utf8_lossy(&reply.body).contains("add"), "{reply:?}");
}

#[test]
fn what_fails_is_not_shown() {
    let server = server("mcp/decision");
    let tools = json!([{ "name": "add" }, { "name": "broken" }, { "name": "weather" }]);
    let reply = filter(&server, "tools/list", json!({ "tools": tools }));
    assert_eq!(reply.json()["result"]["tools"], json!([{ "name": "add" }, { "name": "weather" }]));
    let odd = super::world::server("mcp/odd");
    let reply = filter(&odd, "tools/list", json!({ "tools": tools }));
    assert_eq!((reply.status, code(&reply)), (403, -32001));
}

#[test]
fn what_is_no_list_is_an_error_with_a_record() {
    let server = server("mcp/allow");
    for (body, status, expected) in [
        ("{".to_owned(), 400, -32700),
        ("[]".to_owned(), 400, -32600),
        (json!({ "request": request("tools/list", json!({})) }).to_string(), 400, -32600),
        (json!({ "request": request("tools/call", json!({})), "response": {} }).to_string(), 400, -32602),
        (
            json!({ "request": request("tools/list", json!({})), "response": { "jsonrpc": "2.0", "id": 8, "result": {} } })
                .to_string(),
            400,
            -32600,
        ),
    ] {
        let (reply, record) = server.recorded(|| server.post("/mcp/filter", &body));
        assert_eq!((reply.status, code(&reply)), (status, expected), "{body}");
        assert_eq!(record["outcome"], "refused", "{body}");
    }
    assert_eq!(server.get("/mcp/filter").status, 405);
    let many: Vec<Value> = (0..1000).map(|n| json!({ "name": format!("t{n}") })).collect();
    let reply = filter(&server, "tools/list", json!({ "tools": many }));
    assert_eq!((reply.status, code(&reply)), (413, -32600));
}

#[test]
fn ten_thousand_tools_are_one_call() {
    let config = "identity: {mode: off}\ndoors: {mcp: {document: mcp/allow}}\n\
                  server: {listen: '127.0.0.1:0', max_batch_items: 20000, max_batch_size: 64MiB}\n";
    let server = started(config);
    let mut tools: Vec<Value> = (0..10_000).map(|n| json!({ "name": format!("t{n}") })).collect();
    tools.push(json!({ "name": "add" }));
    let reply = filter(&server, "tools/list", json!({ "tools": tools }));
    assert_eq!(reply.json()["result"]["tools"], json!([{ "name": "add" }]));
}
