//! What is no request, and what every answer to it has.

use serde_json::{Value, json};

use super::{EVALUATION, EVALUATIONS, evaluation, post, records};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const ID: (&str, &str) = ("X-Request-ID", "bfe9 eb29/é?");

/// Where, which body, and a part of what is said.
const BAD: [(&str, &str, &str); 41] = [
    (EVALUATION, "", "the body is empty"),
    (EVALUATION, " \n", "the body is empty"),
    (EVALUATION, "{", "not JSON"),
    (EVALUATION, "{} x", "not JSON"),
    (EVALUATION, "[]", "not a JSON object"),
    (EVALUATION, "\"x\"", "not a JSON object"),
    (EVALUATION, "null", "not a JSON object"),
    (EVALUATION, "{}", "`subject` is missing"),
    (
        EVALUATION,
        r#"{"action": {"name": "a"}, "resource": {"type": "t", "id": "i"}}"#,
        "`subject` is missing",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": "t", "id": "i"}, "resource": {"type": "t", "id": "i"}}"#,
        "`action` is missing",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": "t", "id": "i"}, "action": {"name": "a"}}"#,
        "`resource` is missing",
    ),
    (
        EVALUATION,
        r#"{"subject": {"id": "i"}, "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}}"#,
        "`subject.type` is missing",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": "t"}, "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}}"#,
        "`subject.id` is missing",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": "t", "id": "i"}, "action": {}, "resource": {"type": "t", "id": "i"}}"#,
        "`action.name` is missing",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": "t", "id": "i"}, "action": {"name": "a"}, "resource": {"id": "i"}}"#,
        "`resource.type` is missing",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": "t", "id": "i"}, "action": {"name": "a"}, "resource": {"type": "t"}}"#,
        "`resource.id` is missing",
    ),
    (
        EVALUATION,
        r#"{"subject": "alice", "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}}"#,
        "`subject` is not an object",
    ),
    (
        EVALUATION,
        r#"{"subject": null, "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}}"#,
        "`subject` is not an object",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": "t", "id": 1}, "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}}"#,
        "`subject.id` is not a string",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": null, "id": "i"}, "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}}"#,
        "`subject.type` is not a string",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": "t", "id": "i"}, "action": {"name": 123}, "resource": {"type": "t", "id": "i"}}"#,
        "`action.name` is not a string",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": "t", "id": "i"}, "action": ["a"], "resource": {"type": "t", "id": "i"}}"#,
        "`action` is not an object",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": "t", "id": "i", "properties": []}, "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}}"#,
        "`subject.properties` is not an object",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": "t", "id": "i"}, "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}, "context": "c"}"#,
        "`context` is not an object",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": "t", "id": "i", "id": "j"}, "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}}"#,
        "duplicate key \"id\"",
    ),
    (
        EVALUATION,
        r#"{"subject": {"type": "t", "id": "i"}, "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}, "subject": {"type": "t", "id": "j"}}"#,
        "duplicate key \"subject\"",
    ),
    (EVALUATIONS, "{}", "`subject` is missing"),
    (EVALUATIONS, r#"{"evaluations": []}"#, "`subject` is missing"),
    (EVALUATIONS, r#"{"evaluations": {}}"#, "`evaluations` is not an array"),
    (EVALUATIONS, r#"{"evaluations": [{}], "subject": 1}"#, "`subject` is not an object"),
    (EVALUATIONS, r#"{"evaluations": [{}], "options": []}"#, "`options` is not an object"),
    (
        EVALUATIONS,
        r#"{"evaluations": [{}], "options": {"evaluations_semantic": "first"}}"#,
        "`options.evaluations_semantic` is not one of",
    ),
    (
        EVALUATIONS,
        r#"{"evaluations": [{}], "options": {"evaluations_semantic": 1}}"#,
        "`options.evaluations_semantic` is not one of",
    ),
    (EVALUATIONS, r#"{"evaluations": [{}], "context": 1}"#, "`context` is not an object"),
    (
        "/access/v1/search/subject",
        r#"{"subject": {"type": "user"}, "resource": {"type": "record", "id": "1"}}"#,
        "`action` is missing",
    ),
    (
        "/access/v1/search/subject",
        r#"{"subject": {"type": "user"}, "action": {"name": "read"}, "resource": {"type": "record"}}"#,
        "`resource.id` is missing",
    ),
    (
        "/access/v1/search/subject",
        r#"{"subject": {}, "action": {"name": "read"}, "resource": {"type": "record", "id": "1"}}"#,
        "`subject.type` is missing",
    ),
    (
        "/access/v1/search/resource",
        r#"{"action": {"name": "read"}, "resource": {"type": "record"}}"#,
        "`subject` is missing",
    ),
    (
        "/access/v1/search/resource",
        r#"{"subject": {"type": "user"}, "action": {"name": "read"}, "resource": {"type": "record"}}"#,
        "`subject.id` is missing",
    ),
    ("/access/v1/search/action", r#"{"subject": {"type": "user", "id": "alice"}}"#, "`resource` is missing"),
    (
        "/access/v1/search/action",
        r#"{"subject": {"type": "user", "id": "alice"}, "resource": {"type": "record", "id": "1"}, "page": 1}"#,
        "`page` is not an object",
    ),
];

#[test]
fn each_malformed_request_is_a_400_that_says_what_is_wrong_with_a_record() {
    let server = records("").start();
    for (path, body, why) in BAD {
        let (reply, record) =
            server.recorded(|| server.send("POST", path, &[JSON, ("X-Request-ID", "id 1")], body.as_bytes()));
        assert_eq!(reply.status, 400, "{path} {body}: {}", String::from_utf8_lossy(&reply.body));
        let said: Value = reply.json();
        assert!(said.as_str().is_some_and(|said| said.contains(why)), "{path} {body}: {said}");
        assert_eq!(reply.header("x-request-id"), Some("id 1"), "{path} {body}");
        assert_eq!((&record["outcome"], &record["batch_decision_id"]), (&json!("refused"), &Value::Null));
    }
}

#[test]
fn a_body_says_that_it_is_json() {
    let server = records("").start();
    let body = evaluation("alice", "read", "record-1").to_string();
    for (content_type, status) in [
        (Some("application/json"), 200),
        (Some("application/json; charset=utf-8"), 200),
        (Some("Application/JSON ;charset=utf-8"), 200),
        (Some("text/plain"), 400),
        (Some("application/x-yaml"), 400),
        (Some("application/jsonx"), 400),
        (None, 400),
    ] {
        let headers: Vec<_> =
            content_type.map(|content_type| ("Content-Type", content_type)).into_iter().collect();
        let reply = server.send("POST", EVALUATION, &headers, body.as_bytes());
        assert_eq!(reply.status, status, "{content_type:?}");
    }
}

#[test]
fn the_id_of_a_request_comes_back_exactly_whatever_the_answer_is() {
    let server = records("").start();
    let good = evaluation("alice", "read", "record-1").to_string();
    let long = "x".repeat(1000);
    let huge = format!("{{\"x\": \"{}\"}}", "x".repeat(2 << 20));
    for (method, path, body, status) in [
        ("POST", EVALUATION, good.as_str(), 200),
        ("POST", EVALUATIONS, good.as_str(), 200),
        ("POST", EVALUATION, "{", 400),
        ("POST", EVALUATION, huge.as_str(), 413),
        ("GET", EVALUATION, "", 405),
        ("PUT", EVALUATIONS, "", 405),
        ("POST", "/.well-known/authzen-configuration", "", 405),
        ("GET", "/.well-known/authzen-configuration", "", 404),
    ] {
        for id in [ID.1, &long, ""] {
            let reply = server.send(method, path, &[JSON, ("X-Request-ID", id)], body.as_bytes());
            assert_eq!(reply.status, status, "{method} {path}");
            assert_eq!(
                reply.headers.get("x-request-id").unwrap().as_bytes(),
                id.as_bytes(),
                "{method} {path}"
            );
        }
        let reply = server.send(method, path, &[JSON], body.as_bytes());
        assert_eq!(reply.headers.get("x-request-id"), None, "{method} {path}");
    }
    let reply = post(&server, EVALUATION, &json!({}));
    assert_eq!(reply.header("allow"), None);
    assert_eq!(server.get(EVALUATION).header("allow"), Some("POST"));
}
