//! `POST /v1/batch/data/{path}`.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{alice, app, verified};
use crate::harness::{Ends, TestApp};

#[test]
fn a_batch_is_answered_item_by_item() {
    let server = app().start();
    let good = json!({"c": false});
    let bad = json!({"c": true});
    for (inputs, status) in [
        (json!({"a": good, "b": good}), 200),
        (json!({"a": good, "b": bad}), 207),
        (json!({"a": bad, "b": bad}), 500),
    ] {
        let before = server.records().len();
        let reply = server.post("/v1/batch/data/demo/conflict", &json!({"inputs": inputs}).to_string());
        let body = reply.json();
        assert_eq!(reply.status, status, "{body}");
        let id = body["batch_decision_id"].as_str().unwrap();
        assert_eq!(reply.header("verdict-decision-id"), Some(id));
        let records = server.records().split_off(before);
        assert_eq!(records.len(), 2);
        for (name, record) in ["a", "b"].iter().zip(&records) {
            let item = &body["responses"][name];
            assert_eq!(item["decision_id"], record["decision_id"]);
            assert_eq!(record["batch_decision_id"], id);
            assert_eq!(record["input"], inputs[name]);
            let failed = inputs[name]["c"] == true;
            assert_eq!(record["outcome"], if failed { "error" } else { "undefined" });
            assert_eq!(item["code"].is_string(), failed, "{item}");
            let shown = match status {
                200 => None,
                _ if failed => Some("500"),
                _ => Some("200"),
            };
            assert_eq!(item.get("http_status_code").and_then(Value::as_str), shown, "{item}");
        }
    }
}

#[test]
fn a_batch_has_one_caller_and_common_input() {
    let server = verified();
    let body = json!({
        "inputs": {"a": {"x": 1, "subject": {"id": "root"}}, "b": {"y": 2}},
        "common_input": {"x": 0, "agent_id": "z"},
    });
    let reply = server.ask("/v1/batch/data/demo/echo", &server.token(&alice()), &body.to_string());
    let responses = &reply.json()["responses"];
    let (a, b) = (&responses["a"]["result"], &responses["b"]["result"]);
    assert_eq!((&a["x"], &b["x"], &b["y"]), (&json!(1), &json!(0), &json!(2)));
    assert_eq!((&a["subject"]["id"], &b["subject"]["id"]), (&json!("alice"), &json!("alice")));
    assert_eq!(a["asserted"], json!({"subject": {"id": "root"}, "agent_id": "z"}));
    assert_eq!(b["asserted"], json!({"agent_id": "z"}));
}

/// Bundles change all the time, yet the items of one batch have seen one generation.
#[test]
fn a_batch_is_decided_by_one_snapshot() {
    let policy = |n: u32| format!("package demo\n\nversion := {n}\n");
    let server = TestApp::new()
        .config("identity: {mode: off}\nbundles: {dir: bundles, poll_interval: 50ms, debounce: 1ms}\n")
        .file("demo/policy.rego", &policy(0))
        .start();
    let inputs: serde_json::Map<_, _> = (0..200).map(|n| (n.to_string(), json!({}))).collect();
    let body = json!({ "inputs": inputs }).to_string();
    let stop = AtomicBool::new(false);
    let (mut seen, mut last) = (0, Value::Null);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let path = server.dir.path().join("bundles/demo/policy.rego");
            let draft = server.dir.path().join("draft");
            for n in 1.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                std::fs::write(&draft, policy(n)).unwrap();
                std::fs::rename(&draft, &path).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        let _ends = Ends(&stop);
        for _ in 0..10_000 {
            let reply = server.post("/v1/batch/data/demo/version", &body);
            let responses = reply.json()["responses"].clone();
            let first = responses["0"]["result"].clone();
            assert!(first.is_u64());
            for (name, item) in responses.as_object().unwrap() {
                assert_eq!(item["result"], first, "item {name}");
            }
            seen += u32::from(first != last);
            last = first;
            if seen == 10 {
                break;
            }
        }
    });
    assert_eq!(seen, 10, "the bundle did not change under the batches");
}
