//! Why a decision is what it is: in the answer where it is asked for, and in the record where it is configured.

use serde_json::{Value, json};

use crate::harness::{Server, TestApp};

const POLICY: &str = r#"package shop

default allow := false

# METADATA
# title: Owners may do everything
allow if {
	input.action != "audit"
	input.user == input.owner
}

# METADATA
# title: Editors may write
allow if {
	input.action == "write"
	is_editor
}

allow if input.action == "read"

allow if input.action == "list"

allow if has(input.user, "root")

is_editor if {
	some role in input.roles
	role == "editor"
}

has(user, name) if user == name

tested if to_number(input.text) == 1

tested if input.action == "write"

refuse contains "blocked" if input.blocked

open if count(refuse) == 0

level := "high" if {
	input.n > 10
} else := "middle" if {
	input.n > 5
}

verdict := {"allow": open, "level": 1}
"#;

fn server(config: &str) -> Server {
    TestApp::new()
        .config(&format!("identity: {{mode: \"off\"}}\n{config}"))
        .file("shop/.manifest", r#"{"revision": "r1"}"#)
        .file("shop/policy.rego", POLICY)
        .start()
}

fn why(server: &Server, path: &str, input: &Value) -> Value {
    let reply = server.post(&format!("{path}?explain=full"), &json!({"input": input}).to_string());
    reply.json()["explanation"].clone()
}

/// Per candidate: row, title, and the text of the condition that fails.
fn candidates(explanation: &Value) -> Vec<(u64, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |c: &Value| {
        (c["location"]["row"].as_u64().unwrap(), text(&c["title"]), text(&c["condition"]["text"]))
    };
    explanation["candidates"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn a_denial_names_every_rule_with_its_first_failing_condition() {
    let server = server("");
    let input = json!({"action": "write", "user": "ann", "owner": "bob", "roles": ["viewer"]});
    let why = why(&server, "/v1/data/shop/allow", &input);
    assert_eq!(why["rule"], "data.shop.allow");
    assert_eq!((&why["result"], &why["default"]), (&json!("false"), &json!(true)));
    // The rules that an index passes over are there like the others.
    let expected = [
        (7, "Owners may do everything", "input.user == input.owner"),
        (14, "Editors may write", "is_editor"),
        (19, "", "input.action == \"read\""),
        (21, "", "input.action == \"list\""),
        (23, "", "has(input.user, \"root\")"),
    ]
    .map(|(row, title, text)| (row, title.to_owned(), text.to_owned()));
    assert_eq!(candidates(&why), expected);
    assert_eq!(
        why["candidates"][1]["condition"]["location"],
        json!({"file": "shop/policy.rego", "row": 16, "col": 2})
    );
    // What the condition asks for is explained below it.
    let editor = &why["candidates"][1]["because"][0];
    assert_eq!((&editor["rule"], &editor["result"]), (&json!("data.shop.is_editor"), &json!("undefined")));
    assert_eq!(candidates(editor), [(25, String::new(), "role == \"editor\"".to_owned())]);
    let function = &why["candidates"][4]["because"][0];
    assert_eq!(candidates(function), [(30, String::new(), "user == name".to_owned())]);
    // No value of the input is in it.
    assert!(!why.to_string().contains("ann") && !why.to_string().contains("viewer"), "{why}");
}

#[test]
fn an_allow_names_the_rule_that_granted_it() {
    let server = server("");
    let input = json!({"action": "write", "user": "ann", "owner": "bob", "roles": ["editor"]});
    let why = why(&server, "/v1/data/shop/allow", &input);
    assert_eq!(why["result"], "true");
    assert_eq!(why["candidates"].as_array().unwrap().len(), 1);
    assert_eq!(why["candidates"][0]["title"], "Editors may write");
    assert_eq!(why["candidates"][0]["holds"], true);
}

#[test]
fn forms_of_rules_are_explained() {
    let server = server("");
    // An `else` is a candidate of its own.
    let level = why(&server, "/v1/data/shop/level", &json!({"n": 1}));
    assert_eq!(level["result"], "undefined");
    let texts: Vec<String> = candidates(&level).into_iter().map(|c| c.2).collect();
    assert_eq!(texts, ["input.n > 10", "input.n > 5"]);
    // A set that should be empty: what is in it.
    let open = why(&server, "/v1/data/shop/open", &json!({"blocked": true}));
    assert_eq!(open["candidates"][0]["condition"]["text"], "count(refuse) == 0");
    assert_eq!(open["candidates"][0]["because"][0]["candidates"][0]["location"]["row"], 36);
    // A package: the rule in it that decides.
    let package = why(&server, "/v1/data/shop", &json!({"action": "x"}));
    assert_eq!(package["rule"], "data.shop.allow");
    // What the decision did not come to, because of an error there, is said.
    let tested = why(&server, "/v1/data/shop/tested", &json!({"action": "write", "text": "one"}));
    assert_eq!(tested, Value::Null, "an evaluation that fails is an error with its own place");
}

#[test]
fn explanations_are_lines_for_a_person_and_absent_unless_asked_for() {
    let server = server("");
    let body = r#"{"input": {"action": "write", "roles": []}}"#;
    for query in ["", "?explain", "?explain=off"] {
        let reply = server.post(&format!("/v1/data/shop/allow{query}"), body).json();
        assert!(reply.get("explanation").is_none(), "{query}: {reply}");
    }
    let reply = server.post("/v1/data/shop/allow?explain=notes&pretty", body).json();
    let lines: Vec<&str> =
        reply["explanation"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
    assert_eq!(lines[0], "data.shop.allow is false, by default:");
    assert_eq!(lines[1], "  fails  shop/policy.rego:7  \"Owners may do everything\"");
    assert_eq!(lines[2], "         line 9: input.user == input.owner");
    let batch = r#"{"inputs": {"a": {"action": "write"}, "b": {"action": "read"}}}"#;
    let reply = server.post("/v1/batch/data/shop/allow?explain=full", batch).json();
    assert_eq!(reply["responses"]["a"]["explanation"]["result"], "false");
    assert_eq!(reply["responses"]["b"]["explanation"]["candidates"][0]["location"]["row"], 19);
}

#[test]
fn the_record_has_what_is_configured() {
    let denied = r#"{"input": {"action": "write"}}"#;
    let allowed = r#"{"input": {"action": "read"}}"#;
    for (config, explained) in [
        ("", [false, false]),
        ("decision: {explain: {record: denials}}\n", [true, false]),
        ("decision: {explain: {record: all}}\n", [true, true]),
    ] {
        let server = server(config);
        for (body, explained) in [denied, allowed].into_iter().zip(explained) {
            let (_, record) = server.recorded(|| server.post("/v1/data/shop/allow", body));
            assert_eq!(record.get("explanation").is_some(), explained, "{config} {body} {record}");
        }
        let (reply, record) = server.recorded(|| server.post("/v1/data/shop/allow?explain=full", denied));
        assert_eq!(
            record["explanation"],
            reply.json()["explanation"],
            "an answer's explanation is recorded, too"
        );
    }
    let server = server("decision: {explain: {record: denials, one_in: 4}}\n");
    let count = (0..400)
        .filter(|_| {
            let (_, record) = server.recorded(|| server.post("/v1/data/shop/allow", denied));
            record.get("explanation").is_some()
        })
        .count();
    assert!((40..200).contains(&count), "one in four of 400 would be 100: {count}");
}
