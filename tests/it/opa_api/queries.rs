//! Ad-hoc queries.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Reply, Server, TestApp};
use verdict::config::{Insecure, Profile};
use verdict::identity::dev::TokenRequest;

fn app() -> TestApp {
    let policy = r#"package app

allow if input.x == 1

calls := http.send({"method": "get", "url": "http://127.0.0.1:1"})

slow := count([1 | some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); i == j + 0.5])

xs := {"a", "b"}
"#;
    TestApp::new().file("app/app/policy.rego", policy)
}

fn query(server: &Server, query: &str, input: &Value) -> Reply {
    server.post("/v1/query", &json!({"query": query, "input": input}).to_string())
}

#[test]
fn queries_have_bindings() {
    let server = app().start();
    let both = "r0 := data.app.allow with input as {\"x\": 1}; r1 := data.app.xs";
    for (text, expected) in [
        ("x := data.app.xs[_]", json!({"result": [{"x": "a"}, {"x": "b"}]})),
        ("data.app.allow", json!({"result": [{}]})),
        (both, json!({"result": [{"r0": true, "r1": ["a", "b"]}]})),
        ("data.app.nope", json!({})),
        ("x := 1; x == 2", json!({})),
    ] {
        let reply = query(&server, text, &json!({"x": 1}));
        assert_eq!((reply.status, reply.json()), (200, expected), "{text}");
    }
    assert_eq!(server.get("/v1/query?q=x%3A%3D1&pretty").json(), json!({"result": [{"x": 1}]}));
}

#[test]
fn queries_that_are_wrong_say_why() {
    let server = app().start();
    let send = "http.send({\"method\": \"get\", \"url\": \"http://127.0.0.1:1\"})";
    let within = format!("x := [y | y := {send}]");
    for (text, status, code, message) in [
        ("x :=", 400, "rego_parse_error", ""),
        ("x > 1", 400, "rego_unsafe_var_error", "var x is unsafe"),
        (send, 400, "rego_type_error", "unsafe built-in function calls in expression: http.send"),
        (&within, 400, "rego_type_error", "unsafe built-in function calls in expression: http.send"),
        ("data.app.slow", 500, "eval_cancel_error", ""),
    ] {
        let reply = query(&server, text, &Value::Null);
        let body = reply.json();
        assert_eq!((reply.status, &body["errors"][0]["code"]), (status, &json!(code)), "{text}: {body}");
        assert!(body["errors"][0]["message"].as_str().unwrap().contains(message), "{body}");
    }
    let unknown = r#"{"query": "x := 1", "unknowns": []}"#;
    for body in ["", "{}", r#"{"query": 1}"#, r#"{"query": " "}"#, unknown, "["] {
        let reply = server.post("/v1/query", body);
        assert_eq!((reply.status, &reply.json()["code"]), (400, &json!("invalid_parameter")), "{body}");
    }
    assert_eq!(server.get("/v1/query").status, 400);
    assert_eq!(server.send("PUT", "/v1/query", &[], b"").status, 405);
    // What a rule would call is not called for a query.
    let reply = query(&server, "x := data.app.calls", &Value::Null);
    assert_eq!(reply.status, 500, "{:?}", reply.json());
}

#[test]
fn queries_are_for_who_manages_the_server_and_recorded() {
    let profile = Profile::Run(Insecure { dev_issuer: true, ..Insecure::default() });
    let config = "identity: {mode: required}\nhttp_send: {allow: [a.example]}\n";
    let server = app().config(config).profile(profile).start();
    assert_eq!(query(&server, "x := 1", &Value::Null).status, 404, "off, unless it is configured");
    let config = format!("{config}doors: {{opa: {{queries: true}}}}\n");
    let server = app().config(&config).profile(profile).start();
    let token = |role: &str| {
        server.token(&TokenRequest {
            sub: "ops".to_owned(),
            roles: vec![role.to_owned()],
            ttl: Duration::from_secs(60),
            ..TokenRequest::default()
        })
    };
    let body = r#"{"query": "x := input.a", "input": {"a": 1}}"#;
    for (role, status, outcome) in [("editor", 403, "refused"), ("verdict-admin", 200, "allow")] {
        let (reply, record) = server.recorded(|| server.ask("/v1/query", &token(role), body));
        assert_eq!((reply.status, &record["outcome"]), (status, &json!(outcome)), "{record}");
        let what = (&record["operation"], &record["protocol"]);
        assert_eq!(what, (&json!("POST /v1/query"), &json!("management")));
        let asked = json!({"query": "x := input.a", "input": {"a": 1}});
        assert_eq!(record.get("input"), (status == 200).then_some(&asked), "{record}");
    }
    assert_eq!(query(&server, "x := 1", &Value::Null).status, 401);
}
