//! The scenario of the certification: its fixture decisions, and the form of answers.

use serde_json::{Value, json};

use super::{EVALUATION, EVALUATIONS, asked, evaluation, post, records};

fn with(mut body: Value, entity: &str, properties: Value) -> Value {
    body[entity]["properties"] = properties;
    body
}

#[test]
fn the_eight_decisions() {
    let server = records("").start();
    let archived = || json!({"status": "archived"});
    for (body, expected) in [
        (evaluation("alice", "read", "record-1"), true),
        (evaluation("alice", "write", "record-1"), true),
        (evaluation("bob", "read", "record-1"), true),
        (evaluation("bob", "write", "record-1"), false),
        (with(evaluation("alice", "write", "record-2"), "resource", archived()), false),
        (
            with(
                with(evaluation("bob", "write", "record-2"), "resource", archived()),
                "subject",
                json!({"role": "admin"}),
            ),
            true,
        ),
        (with(evaluation("alice", "delete", "record-1"), "action", json!({"soft": true})), true),
        (with(evaluation("alice", "delete", "record-1"), "action", json!({"soft": false})), false),
        // One that other suites need.
        (evaluation("alice", "read", "record-2"), true),
    ] {
        for context in [None, Some(json!({"time": "2025-06-27T18:03-07:00"})), Some(Value::Null)] {
            let mut body = body.clone();
            if let Some(context) = context {
                body["context"] = context;
            }
            assert_eq!(asked(&server, EVALUATION, &body), json!({"decision": expected}), "{body}");
        }
    }
}

#[test]
fn what_is_not_known_is_ignored_and_answers_are_the_same_each_time() {
    let server = records("").start();
    let mut body = evaluation("alice", "read", "record-1");
    for place in ["/foo", "/subject/roles", "/action/foo", "/resource/foo"] {
        let (object, name) = place.rsplit_once('/').unwrap();
        body.pointer_mut(object).unwrap()[name] = json!({"nested": true});
    }
    let answers = [0; 3].map(|_| post(&server, EVALUATION, &body).body);
    assert_eq!(answers[0], br#"{"decision":true}"#);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let batch = json!({"evaluations": [body, evaluation("bob", "write", "record-1")]});
    let answers = [0; 3].map(|_| post(&server, EVALUATIONS, &batch).body);
    assert_eq!(answers[0], br#"{"evaluations":[{"decision":true},{"decision":false}]}"#);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[test]
fn ids_and_timings_are_in_headers() {
    let server = records("").start();
    let (reply, record) =
        server.recorded(|| post(&server, EVALUATION, &evaluation("alice", "read", "record-1")));
    assert_eq!(reply.header("verdict-decision-id"), record["decision_id"].as_str());
    assert_eq!(reply.header("verdict-outcome"), Some("allow"));
    let timing = reply.header("server-timing").unwrap();
    assert!(timing.contains("total;dur=") && timing.contains("eval;dur="), "{timing}");
    assert_eq!(
        record["labels"]["protocol"].as_str().or(record["protocol"].as_str()),
        Some("authzen"),
        "{record:#}"
    );
    assert_eq!(record["path"], "records/allow");
    assert_eq!(record["input"], evaluation("alice", "read", "record-1"));

    let batch = json!({"evaluations": [evaluation("alice", "read", "record-1"), {}]});
    let before = server.records().len();
    let reply = post(&server, EVALUATIONS, &batch);
    let records = server.records().split_off(before);
    assert_eq!(records.len(), 2, "one for each item");
    for record in &records {
        assert_eq!(record["batch_decision_id"].as_str(), reply.header("verdict-decision-id"), "{record:#}");
    }
    assert!(reply.header("server-timing").unwrap().starts_with("total;dur="));
}

#[test]
fn the_context_of_an_answer_is_what_the_policy_gives_it() {
    let server = super::ways("identity: {mode: off}").start();
    let way = |name: &str| evaluation("alice", name, "r");
    for (name, expected) in [
        ("yes", json!({"decision": true})),
        ("no", json!({"decision": false})),
        ("number", json!({"decision": false})),
        ("nothing", json!({"decision": false})),
        (
            "context",
            json!({"decision": true, "context": {
                "obligations": [{"id": "o1", "type": "step-up", "properties": {"acr_value": "mfa"}}],
                "reason_user": {"en": "because"},
            }}),
        ),
        (
            "requestable",
            json!({"decision": false, "context": {
                "access_request": {"expires_at": "2030-01-01T00:00:00Z"}, "evaluation_id": "e1",
            }}),
        ),
        ("null", json!({"decision": true})),
    ] {
        assert_eq!(asked(&server, EVALUATION, &way(name)), expected, "{name}");
        let batch = json!({"evaluations": [way(name)]});
        assert_eq!(asked(&server, EVALUATIONS, &batch), json!({"evaluations": [expected]}), "{name}");
    }
}

/// What is not answered with is no allow in the record either.
#[test]
fn what_failed_is_an_error_and_never_an_allow() {
    let server = super::ways("identity: {mode: off}").start();
    for (name, why) in [("error", "to_number"), ("wrong", "`context` is not an object but string")] {
        let (reply, record) = server.recorded(|| post(&server, EVALUATION, &evaluation("alice", name, "r")));
        assert_eq!((reply.status, reply.header("verdict-outcome")), (500, Some("error")), "{name}");
        assert!(reply.json().as_str().unwrap().contains(why), "{name}: {}", reply.json());
        assert_eq!(record["outcome"], "error", "{record:#}");
        let batch = json!({"evaluations": [evaluation("alice", name, "r"), evaluation("alice", "yes", "r")]});
        let answer = asked(&server, EVALUATIONS, &batch);
        assert_eq!(answer["evaluations"][0]["decision"], false);
        assert_eq!(answer["evaluations"][0]["context"]["error"]["status"], 500);
        assert_eq!(answer["evaluations"][1], json!({"decision": true}));
    }
}

/// What a request's approval says (ARAP) and everything else of its context is policy's to judge.
#[test]
fn policy_sees_the_four_parts_and_nothing_else() {
    let server = super::ways("identity: {mode: off}").start();
    let mut body = evaluation("alice", "echo", "r");
    body["context"] = json!({"approval": {"id": "a1"}});
    body["evaluation"] = json!("other");
    let answer = asked(&server, EVALUATION, &body);
    body.as_object_mut().unwrap().remove("evaluation");
    assert_eq!(answer["context"]["input"], body);
    assert!(server.shutdown());
}
