//! Outcomes, ids and what else every answer carries.

use serde_json::{Value, json};

use super::app;
use crate::harness::{Reply, TestApp};

const ID: &str = "verdict-decision-id";
const OUTCOME: &str = "verdict-outcome";

#[test]
fn undefined_false_and_error_stay_distinct() {
    let server = app().start();
    let cases = [
        // Path and query, input, status, result, outcome, a part of the reason.
        ("demo/allow", json!({"subject": {"id": "alice"}}), 200, json!(true), "allow", ""),
        ("demo/no", json!({}), 200, json!(false), "deny", ""),
        ("demo/text", json!({}), 200, json!("plain"), "value", ""),
        ("demo/flag", json!({"flag": {"allowed": false}}), 200, json!({"allowed": false}), "deny", ""),
        ("demo/maybe", json!({"x": 2}), 200, Value::Null, "undefined", "rule"),
        ("demo/misspelt", json!({}), 200, Value::Null, "undefined", "path"),
        ("demo/misspelt?strict-paths", json!({}), 404, Value::Null, "error", "path"),
        ("demo/maybe?strict-paths", json!({"x": 2}), 200, Value::Null, "undefined", "rule"),
        ("demo/builtin", json!({"text": "abc"}), 200, Value::Null, "error", "invalid syntax"),
        (
            "demo/builtin?strict-builtin-errors",
            json!({"text": "a"}),
            500,
            Value::Null,
            "error",
            "invalid syntax",
        ),
        ("demo/conflict", json!({"c": true}), 500, Value::Null, "error", ""),
    ];
    for (path, input, status, result, outcome, reason) in cases {
        let body = json!({"input": input}).to_string();
        let (reply, record) = server.recorded(|| server.post(&format!("/v1/data/{path}"), &body));
        let answer = reply.json();
        assert_eq!(reply.status, status, "{path}: {answer}");
        assert_eq!(answer.get("result"), Some(&result).filter(|result| !result.is_null()), "{path}");
        assert_eq!(reply.header(OUTCOME), Some(outcome), "{path}");
        assert_eq!(record["outcome"], outcome, "{path}");
        assert_eq!(record.get("result"), answer.get("result"), "{path}");
        assert!(record["reason"].as_str().unwrap_or_default().contains(reason), "{path}: {record}");
        assert_eq!(record.get("error").is_some(), outcome == "error", "{path}");
        assert_eq!(record["path"], path.split('?').next().unwrap());
        assert_eq!(record["input"], input, "{path}");
        assert_eq!(record["bundles"]["demo"]["revision"], "r1");
        assert_ids(&reply, &record);
    }
    let undefined = "verdict_decisions_total{path=\"demo/maybe\",outcome=\"undefined\"}";
    assert!((server.metric(undefined) - 2.0).abs() < 0.5);
}

/// A package whose `deny` is taken away by a built-in's error; whatever else is in it, that is no verdict.
#[test]
fn a_document_that_a_rule_was_left_out_of_is_an_error() {
    let policy = |rules: &str| format!("package broken\n\ndeny if to_number(input.text) > 1\n\n{rules}\n");
    let failing = json!({"text": "abc"});
    for (rules, whole, left) in [
        ("allow := true", json!({"allow": true, "deny": true}), json!({"allow": true})),
        ("allowed := true", json!({"allowed": true, "deny": true}), json!({"allowed": true})),
        (
            "decision := true\n\nallow if to_number(input.text) > 0",
            json!({"allow": true, "decision": true, "deny": true}),
            json!({"decision": true}),
        ),
        ("other := 1", json!({"deny": true, "other": 1}), json!({"other": 1})),
        ("sub.x := 1", json!({"deny": true, "sub": {"x": 1}}), json!({"sub": {"x": 1}})),
    ] {
        let server = TestApp::new().file("broken/policy.rego", &policy(rules)).start();
        let body = |input: &Value| json!({"input": input}).to_string();
        let reply = server.post("/v1/data/broken", &body(&json!({"text": "2"})));
        assert_eq!(reply.json()["result"], whole, "{rules}");
        assert_ne!(reply.header(OUTCOME), Some("error"), "{rules}");

        // As OPA's clients expect it, unless they ask otherwise.
        let (reply, record) =
            server.recorded(|| server.post("/v1/data/broken?explain=full", &body(&failing)));
        assert_eq!((reply.status, &reply.json()["result"]), (200, &left), "{rules}");
        assert_eq!(reply.header(OUTCOME), Some("error"), "{rules}");
        assert_eq!((&record["outcome"], &record["result"]), (&json!("error"), &left), "{rules}");
        assert_eq!(record["error"]["code"], "eval_builtin_error", "{record}");
        assert!(record["reason"].as_str().unwrap().starts_with("a rule was left out"), "{record}");

        let (reply, record) =
            server.recorded(|| server.post("/v1/data/broken?strict-builtin-errors", &body(&failing)));
        assert_eq!((reply.status, reply.json().get("result")), (500, None), "{rules}");
        assert_eq!(record["outcome"], "error", "{rules}");

        let (reply, record) = server.recorded(|| server.post("/v0/data/broken", &failing.to_string()));
        assert_eq!((reply.status, reply.json()), (200, left.clone()), "{rules}");
        assert_eq!((reply.header(OUTCOME), &record["outcome"]), (Some("error"), &json!("error")), "{rules}");

        let inputs = json!({"inputs": {"a": failing, "b": {"text": "2"}}}).to_string();
        let items = server.post("/v1/batch/data/broken", &inputs).json()["responses"].clone();
        assert_eq!((&items["a"]["outcome"], &items["a"]["result"]), (&json!("error"), &left), "{rules}");
        assert_eq!(items["b"]["result"], whole, "{rules}");
        let strict = server.post("/v1/batch/data/broken?strict-builtin-errors", &inputs);
        assert_eq!(strict.status, 207, "{rules}");
        assert_eq!(strict.json()["responses"]["a"].get("result"), None, "{rules}");
    }
}

/// For policy that was written for OPA: the operator may choose that `not` turns an error into truth.
#[test]
fn errors_of_built_ins_are_undefined_where_that_is_configured() {
    let policy =
        "package app\n\nallow if not bad\n\nbad if time.parse_rfc3339_ns(input.t) > 0\n\nmore := 1\n";
    let body = r#"{"input": {"t": "today"}}"#;
    for (errors, allow, package, outcome) in [
        ("error", None, json!({"more": 1}), "error"),
        ("undefined", Some(json!(true)), json!({"allow": true, "more": 1}), "allow"),
    ] {
        let config = format!("identity: {{mode: off}}\ndecision: {{builtin_errors: {errors}}}\n");
        let server = TestApp::new().file("app/policy.rego", policy).config(&config).start();
        let (reply, record) = server.recorded(|| server.post("/v1/data/app/allow", body));
        assert_eq!(
            (reply.json().get("result"), &record["outcome"]),
            (allow.as_ref(), &json!(outcome)),
            "{errors}"
        );
        assert_eq!(server.post("/v1/data/app", body).json()["result"], package, "{errors}");
        // Who asks for errors gets them.
        let (reply, record) =
            server.recorded(|| server.post("/v1/data/app/allow?strict-builtin-errors", body));
        assert_eq!((reply.status, &record["outcome"]), (500, &json!("error")), "{errors}");
    }
}

#[test]
fn a_null_input_is_none_and_data_alone_is_served_by_any_name() {
    let server = TestApp::new().file("app/data.json", r#"{"u": {"CORP\\alice": 1, "..\\x": 2}}"#).start();
    assert_eq!(server.post("/v1/data/u/CORP%5Calice", "{}").json()["result"], 1);
    for path in ["/v1/data/u/..%5Cx", "/v1/data/u%2FCORP%5Calice"] {
        assert_eq!(server.post(path, "{}").status, 400, "{path}");
    }
    // Once there is policy, there must be policy.
    server.write("app/p.rego", "package p\n\necho := input\n");
    server.wait_generation(2);
    std::fs::remove_file(server.dir.path().join("bundles/app/p.rego")).unwrap();
    server.wait_failure();
    let reply = server.post("/v1/data/p/echo", r#"{"input": null}"#).json();
    assert_eq!(reply.get("result"), None, "{reply}");
    assert_eq!(reply["warning"]["code"], "api_usage_warning", "{reply}");
    assert_eq!(server.post("/v1/data/p/echo", r#"{"input": 1}"#).json()["result"], 1);
}

/// Indexes and number keys have one spelling; what is asked for by another is refused, whatever is configured for it.
#[test]
fn a_number_in_a_path_has_one_spelling() {
    let policy = "package listed\n\nitems := [\"a\", \"b\"]\n\nby_number[x] := 1 if some x in [0, 1, 1.5]\n\nset contains 0\n";
    let identity = "identity:\n  mode: \"off\"\n  entrypoints: {listed/items/0: required}\n";
    let server = TestApp::new().file("listed/policy.rego", policy).config(identity).start();
    for (path, status, result) in [
        ("items/1", 200, Some(json!("b"))),
        ("items/2", 200, None),
        ("items/-1", 200, None),
        ("items/1.5", 200, None),
        ("by_number/0", 200, Some(json!(1))),
        ("by_number/1.5", 200, Some(json!(1))),
        ("by_number/1.50", 200, None),
        ("set/0", 200, Some(json!(0))),
        ("items/0", 401, None),
        ("items/0/", 401, None),
        ("items/%30", 401, None),
    ] {
        let (reply, record) = server.recorded(|| server.post(&format!("/v1/data/listed/{path}"), "{}"));
        assert_eq!((reply.status, reply.json().get("result").cloned()), (status, result), "{path}");
        assert!(record["path"].as_str().unwrap().starts_with("listed/"), "{path}: {record}");
    }
    let spellings = [
        "0.0", "-0", "0e0", "0E0", "00", "000", "+0", "+1", "01", "1.0", "1e0", "10e-1", "0.1e1", "-0.0",
        "-00", "0.00", "%2B1", "%30%30", "1e400", "-1.0", "-01",
    ];
    for spelling in spellings {
        for document in ["items", "by_number", "set"] {
            for door in ["/v1/data", "/v0/data", "/v1/batch/data"] {
                let path = format!("{door}/listed/{document}/{spelling}");
                let (reply, record) = server.recorded(|| server.post(&path, r#"{"inputs": {"a": {}}}"#));
                assert_eq!(reply.status, 400, "{path}: {}", reply.json());
                assert_eq!((&record["outcome"], record.get("path")), (&json!("refused"), None), "{path}");
            }
        }
    }
}

/// Body, header and record name the same decision.
fn assert_ids(reply: &Reply, record: &Value) {
    let id = record["decision_id"].as_str().unwrap();
    assert_eq!(reply.header(ID), Some(id));
    assert_eq!(reply.json()["decision_id"], id);
}

#[test]
fn errors_carry_their_ids_too() {
    let server = app().start();
    for (method, path, body, status) in [
        ("POST", "/v1/data/demo/allow", "{", 400),
        ("POST", "/v1/data/demo//allow", "{}", 400),
        ("GET", "/v1/data/demo/allow?input={", "", 400),
        ("PUT", "/v1/data/demo/allow", "{}", 400),
        ("POST", "/v0/data/demo/misspelt", "{}", 404),
        ("POST", "/v0/data/demo/conflict", r#"{"c": true}"#, 500),
        ("POST", "/v1/batch/data/demo/allow", "{}", 400),
        ("POST", "/v1/batch/data/demo/allow", r#"{"inputs": {}}"#, 400),
    ] {
        let (reply, record) = server.recorded(|| server.send(method, path, &[], body.as_bytes()));
        assert_eq!(reply.status, status, "{method} {path} {body}");
        assert_ids(&reply, &record);
        let code = reply.json()["code"].clone();
        assert!(code.is_string(), "{method} {path}");
    }
}

#[test]
fn the_callers_ids_are_given_back_and_recorded() {
    let server = app().start();
    let trace = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let parent = format!("00-{}-{}-01", trace.0, trace.1);
    let headers = [("X-Request-ID", "call-7"), ("traceparent", parent.as_str()), ("User-Agent", "gate/1")];
    for (path, body) in [
        ("/v1/data/demo/no", "{}"),
        ("/v1/data/demo/no", "{"),
        ("/v0/data/demo/no", "{}"),
        ("/", "{}"),
        ("/v1/batch/data/demo/no", r#"{"inputs": {"a": {}}}"#),
    ] {
        let (reply, record) = server.recorded(|| server.send("POST", path, &headers, body.as_bytes()));
        assert_eq!(reply.header("x-request-id"), Some("call-7"), "{path} {body}");
        assert_eq!((&record["trace_id"], &record["span_id"]), (&json!(trace.0), &json!(trace.1)), "{path}");
        let sent = &record["request_context"]["http"]["headers"];
        assert_eq!(*sent, json!({"User-Agent": ["gate/1"], "X-Request-ID": ["call-7"]}), "{path}");
        assert!(record["requested_by"].as_str().unwrap().starts_with("127.0.0.1:"));
    }
    // Unusable ids are as none.
    let headers = [("X-Request-ID", "a"), ("X-Request-ID", "b"), ("traceparent", "nonsense")];
    let (reply, record) = server.recorded(|| server.send("POST", "/v1/data/demo/no", &headers, b"{}"));
    assert_eq!((reply.header("x-request-id"), record.get("trace_id")), (None, None));
}

#[test]
fn without_policy_every_call_is_refused_and_recorded() {
    let server = TestApp::new().start();
    for (path, body) in [
        ("/v1/data/demo/allow", "{}"),
        ("/v0/data/demo/allow", "{}"),
        ("/", "{}"),
        ("/v1/batch/data/demo/allow", r#"{"inputs": {"a": {}}}"#),
    ] {
        let (reply, record) = server.recorded(|| server.post(path, body));
        assert_eq!(reply.status, 503, "{path}");
        assert_eq!(reply.header("retry-after"), Some("1"), "{path}");
        assert!(reply.header(ID).is_some(), "{path}");
        assert_eq!(record["outcome"], "refused", "{path}");
        assert_eq!(record["error"]["kind"], "policy_unavailable", "{path}");
        assert_eq!(record["generation"], 0, "{path}");
    }
    server.write("demo/policy.rego", "package demo\n\nallow := true\n");
    server.wait_generation(1);
    assert_eq!(server.post("/v1/data/demo/allow", "{}").json()["result"], true);
}

#[test]
fn metrics_provenance_and_pretty_on_request() {
    let server = app().start();
    let plain = server.post("/v1/data/demo/no", "{\"input\": 1}");
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&plain.json()), ["decision_id", "result"]);
    assert!(!String::from_utf8(plain.body).unwrap().trim_end().contains('\n'));
    let full = server.post("/v1/data/demo/no?metrics&provenance=TRUE&pretty", "{\"input\": 1}");
    let body = full.json();
    for timer in ["timer_rego_input_parse_ns", "timer_rego_query_eval_ns", "timer_server_handler_ns"] {
        assert!(body["metrics"][timer].as_u64().unwrap() > 0, "{timer}");
    }
    assert_eq!(body["provenance"]["bundles"], json!({"demo": {"revision": "r1"}}));
    assert_eq!(body["provenance"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(body["provenance"]["generation"], 1);
    assert!(String::from_utf8(full.body).unwrap().starts_with("{\n  \"decision_id\""));
    let no_input = server.post("/v1/data/demo/no", "{}");
    assert_eq!(no_input.json()["warning"]["code"], "api_usage_warning");
    let pretty = server.post("/v0/data/demo/echo?pretty", r#"{"a": 1}"#);
    assert_eq!(String::from_utf8(pretty.body).unwrap(), "{\n  \"a\": 1\n}");
}

#[test]
fn labels_of_rules_that_hold_are_recorded_and_shown_on_request() {
    let policy = "# METADATA\n# labels: {team: payments}\npackage labelled\n\n\
        # METADATA\n# labels: {severity: low}\nallow if input.ok\n\ndefault allow := false\n";
    let server = app().file("demo/labelled/policy.rego", policy).start();
    let labels = json!([{"severity": "low", "team": "payments"}]);
    let body = "{\"input\": {\"ok\": true}}";
    assert_eq!(server.post("/v1/data/labelled/allow?rule_labels", body).json()["rule_labels"], labels);
    assert_eq!(server.post("/v1/data/labelled/allow", body).json().get("rule_labels"), None);
    assert_eq!(server.post("/v1/data/demo/no?rule_labels=true", "{}").json().get("rule_labels"), None);
    let records = server.records();
    assert_eq!((&records[0]["rule_labels"], &records[1]["rule_labels"]), (&labels, &labels));
    assert_eq!(records[2].get("rule_labels"), None);
}
