//! Batches: defaults, semantics, failed items, and how large they may be.

use serde_json::{Value, json};

use super::{EVALUATIONS, asked, evaluation, post, records};

fn semantic(semantic: &str, actions: &[&str]) -> Value {
    let evaluations: Vec<Value> = actions.iter().map(|action| json!({"action": {"name": action}})).collect();
    json!({
        "subject": {"type": "user", "id": "bob"}, "resource": {"type": "record", "id": "record-1"},
        "options": {"evaluations_semantic": semantic, "another": 1}, "evaluations": evaluations,
    })
}

#[test]
fn a_batch_ends_when_its_semantic_says_so_and_what_follows_is_not_decided() {
    let server = records("").start();
    for (name, actions, expected) in [
        ("execute_all", &["read", "write", "read"][..], &[true, false, true][..]),
        ("deny_on_first_deny", &["read", "write", "read"], &[true, false]),
        ("deny_on_first_deny", &["read", "read"], &[true, true]),
        ("deny_on_first_deny", &["write"], &[false]),
        ("permit_on_first_permit", &["write", "read", "write"], &[false, true]),
        ("permit_on_first_permit", &["write", "write"], &[false, false]),
        ("permit_on_first_permit", &["read", "write"], &[true]),
    ] {
        let before = server.records().len();
        let answer = asked(&server, EVALUATIONS, &semantic(name, actions));
        let expected: Vec<Value> = expected.iter().map(|decision| json!({"decision": decision})).collect();
        assert_eq!(answer, json!({"evaluations": expected}), "{name} {actions:?}");
        assert_eq!(server.records().len() - before, expected.len(), "{name} {actions:?}");
    }
}

#[test]
fn a_failed_item_is_denied_and_the_others_are_not() {
    let server = records("").start();
    let mut body = semantic("execute_all", &["read", "read", "read"]);
    body["evaluations"][1] = json!({"resource": {"type": "record"}, "action": {"name": "read"}});
    let answer = asked(&server, EVALUATIONS, &body);
    let failed = json!({"decision": false, "context": {"error": {
        "status": 400, "message": "evaluations[1]: `resource.id` is missing",
    }}});
    assert_eq!(answer, json!({"evaluations": [{"decision": true}, failed, {"decision": true}]}));
    body["options"]["evaluations_semantic"] = json!("deny_on_first_deny");
    assert_eq!(asked(&server, EVALUATIONS, &body)["evaluations"].as_array().unwrap().len(), 2);
    body["options"]["evaluations_semantic"] = json!("permit_on_first_permit");
    body["evaluations"][0] = json!(1);
    let answer = asked(&server, EVALUATIONS, &body);
    let decisions: Vec<&Value> =
        answer["evaluations"].as_array().unwrap().iter().map(|item| &item["decision"]).collect();
    assert_eq!(decisions, [&json!(false), &json!(false), &json!(true)]);
}

#[test]
fn a_batch_of_nothing_is_one_evaluation() {
    let server = records("").start();
    for evaluations in [None, Some(json!([])), Some(Value::Null)] {
        let mut body = evaluation("alice", "read", "record-1");
        if let Some(evaluations) = evaluations {
            body["evaluations"] = evaluations;
        }
        let (answer, record) = server.recorded(|| asked(&server, EVALUATIONS, &body));
        assert_eq!(answer, json!({"decision": true}), "{body}");
        assert_eq!(record["path"], "records/allow");
    }
}

/// The standard's words are that an entity takes the place of the default; a suite wants what it lacks taken from there.
#[test]
fn what_an_item_lacks_is_taken_from_the_default_where_that_is_configured() {
    let body = json!({
        "subject": {"type": "user", "id": "alice"}, "action": {"name": "write"}, "resource": {"type": "record"},
        "evaluations": [
            {"resource": {"id": "record-1", "properties": {"status": "active"}}},
            {"resource": {"type": "record", "id": "record-2", "properties": {"status": "archived"}}},
        ],
    });
    for (merge, expected) in [("false", [false, false]), ("true", [true, false])] {
        let server = records(&format!("    merge_defaults: {merge}\n")).start();
        let answer = asked(&server, EVALUATIONS, &body);
        let decisions = [0, 1].map(|n| answer["evaluations"][n]["decision"].as_bool().unwrap());
        assert_eq!(decisions, expected, "{merge}");
    }
}

#[test]
fn a_batch_has_as_many_items_as_are_allowed_and_twenty_thousand_where_they_are() {
    let server = records("server: {listen: 127.0.0.1:0, max_batch_items: 2}\n").start();
    let many = |count: usize| semantic("execute_all", &vec!["read"; count]);
    assert_eq!(post(&server, EVALUATIONS, &many(2)).status, 200);
    let (reply, record) = server.recorded(|| post(&server, EVALUATIONS, &many(3)));
    assert_eq!(reply.status, 413);
    assert!(reply.json().as_str().unwrap().contains("server.max_batch_items"), "{}", reply.json());
    assert_eq!(record["outcome"], "refused");

    let most = "server: {listen: 127.0.0.1:0, max_batch_items: 20000, max_body: 8MiB}\n";
    let server = records(most).start();
    let before = server.records().len();
    let answer = asked(&server, EVALUATIONS, &many(20_000));
    assert_eq!(answer["evaluations"].as_array().unwrap().len(), 20_000);
    assert_eq!(server.records().len() - before, 20_000);
}
