//! What operators read: health, readiness, status, configuration, policies, metrics.

use serde_json::{Value, json};
use verdict::model::clock::{Clock, Timestamp};

use crate::harness::{Server, TestApp};

const POLICY: &str = "package demo\n\nallow := true\n";
const HEALTH: &str = r#"package system.health

good if input.plugin_state.bundle == "OK"

bad := false

odd := "yes"

broken := to_number("x")

ready := input.plugins_ready
"#;

fn app() -> TestApp {
    TestApp::new()
        .file("demo/.manifest", r#"{"revision": "r1", "roots": ["demo", "system"]}"#)
        .file("demo/policy.rego", POLICY)
        .file("demo/health.rego", HEALTH)
}

fn status(server: &Server) -> Value {
    server.get("/v1/status").json()["result"].clone()
}

#[test]
fn before_the_first_bundle_it_lives_but_is_not_ready() {
    let server = TestApp::new().start();
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(server.get("/health/live").status, 200);
    for (path, error) in [
        ("/health?bundles", "one or more bundles are not activated"),
        ("/health?plugins", "one or more plugins are not up"),
    ] {
        let reply = server.get(path);
        assert_eq!((reply.status, &reply.json()["error"]), (500, &json!(error)), "{path}");
    }
    assert_eq!(server.get("/health?plugins&exclude-plugin=bundle").status, 200);
    let ready = server.get("/health/ready");
    assert_eq!((ready.status, ready.json()["ready"].clone()), (503, json!(false)));
    assert_eq!(ready.json()["reasons"], json!(["no bundle is active yet"]));
    assert_eq!(status(&server)["plugins"]["bundle"]["state"], "NOT_READY");
    assert_eq!(server.get("/v1/policies").json(), json!({"result": []}));

    server.write("demo/policy.rego", POLICY);
    server.wait_generation(1);
    for path in ["/health?bundles", "/health?plugins", "/health?bundles&plugins"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    let ready = server.get("/health/ready");
    assert_eq!((ready.status, ready.json()), (200, json!({"ready": true, "generation": 1})));
    assert_eq!(status(&server)["plugins"]["bundle"]["state"], "OK");
}

#[test]
fn health_rules_are_policy() {
    let server = app().start();
    for (rule, code, error) in [
        ("good", 200, ""),
        ("ready", 200, ""),
        ("bad", 500, "health check (data.system.health.bad) returned unexpected value"),
        ("odd", 500, "health check (data.system.health.odd) returned unexpected value"),
        ("nope", 500, "health check (data.system.health.nope) was undefined"),
        (
            "broken",
            500,
            "health check (data.system.health.broken) failed: to_number: strconv.ParseFloat: parsing \"x\": invalid syntax",
        ),
        ("a%2fb", 500, "health check was refused: ambiguous path: an encoded slash in `a%2fb`"),
    ] {
        let reply = server.get(&format!("/health/{rule}"));
        assert_eq!(reply.status, code, "{rule}");
        assert_eq!(reply.json().get("error").and_then(Value::as_str).unwrap_or_default(), error, "{rule}");
    }
}

#[test]
fn a_broken_reload_keeps_the_last_good_and_shows_everywhere() {
    let start = 1_800_000_000;
    let clock = Clock::fixed(Timestamp::from_unix_seconds(start));
    let server = app()
        .config(
            "identity: {mode: off}\n\
             bundles: {dir: bundles, poll_interval: 100ms, debounce: 5ms, max_stale: 60s, deny_when_stale: true}\n",
        )
        .clock(clock.clone())
        .start();
    assert_eq!(status(&server)["bundles"]["demo"]["active_revision"], "r1");
    server.write("demo/policy.rego", "package demo\n\nallow := true\n\nx := undefinedfn(1)\n");
    server.wait_failure();

    let asked = || server.post("/v1/data/demo/allow", "{}");
    let ready = || server.get("/health/ready").status;
    assert_eq!((asked().json()["result"].clone(), ready()), (json!(true), 200), "within `max_stale`");
    let now = status(&server);
    let demo = &now["bundles"]["demo"];
    assert_eq!((&demo["active_revision"], &demo["code"]), (&json!("r1"), &json!("bundle_error")));
    let location = &demo["errors"][0]["location"];
    let file = location["file"].as_str().unwrap();
    assert!(file.ends_with("policy.rego") && location["row"] == 5 && location["col"].is_u64(), "{demo}");
    let reload = &now["reload"];
    assert_eq!(
        (&reload["generation"], &reload["failures"], &reload["stale"]),
        (&json!(1), &json!(1), &json!(false))
    );
    assert!(reload["error"].as_str().unwrap().contains("undefinedfn"), "{reload}");
    let close = |series: &str, value: f64| {
        let seen = server.metric(series);
        assert!((seen - value).abs() < 1e-6, "{series} is {seen}");
    };
    close("verdict_bundle_failures_total", 1.0);
    close("verdict_bundle_activations_total", 1.0);
    close("verdict_bundle_generation", 1.0);
    close("verdict_bundle_stale", 0.0);

    clock.set(Timestamp::from_unix_seconds(start + 61));
    assert_eq!(ready(), 503);
    let reply = server.get("/health/ready").json();
    assert_eq!(reply["reasons"], json!(["reloading has failed for longer than `bundles.max_stale`"]));
    assert!(reply["error"].as_str().unwrap().contains("undefinedfn"));
    assert_eq!(server.get("/health?plugins").status, 500);
    assert_eq!(server.get("/health/good").status, 500);
    assert_eq!(server.get("/health/live").status, 200);
    assert_eq!(status(&server)["reload"]["stale"], true);
    close("verdict_bundle_stale", 1.0);
    let (refused, record) = server.recorded(asked);
    assert_eq!((refused.status, &record["error"]["kind"]), (503, &json!("policy_unavailable")));

    server.write("demo/policy.rego", "package demo\n\nallow := false\n");
    server.wait_generation(2);
    assert_eq!((asked().json()["result"].clone(), ready()), (json!(false), 200));
    assert_eq!(status(&server)["reload"]["error"], Value::Null);
    close("verdict_bundle_stale", 0.0);
}

#[test]
fn policies_and_configuration_are_shown_and_not_written() {
    let server = app()
        .config(
            "identity: {mode: off}\n\
             decision_log: {console: off, file: {path: decisions.jsonl}, labels: {app: demo}}\n",
        )
        .start();
    let policies = server.get("/v1/policies").json()["result"].clone();
    assert_eq!(policies.as_array().unwrap().len(), 2);
    let id = policies[1]["id"].as_str().unwrap();
    let one = server.get(&format!("/v1/policies/{id}")).json()["result"].clone();
    assert_eq!((&one, one["raw"].as_str()), (&policies[1], Some(POLICY)));
    let missing = server.get("/v1/policies/nope.rego");
    assert_eq!((missing.status, &missing.json()["code"]), (404, &json!("resource_not_found")));
    for method in ["PUT", "DELETE"] {
        let reply = server.send(method, &format!("/v1/policies/{id}"), &[], b"");
        assert_eq!((reply.status, &reply.json()["code"]), (400, &json!("invalid_parameter")));
    }
    let config = server.get("/v1/config").json();
    assert_eq!(config["result"]["labels"]["app"], "demo");
    assert_eq!(config["result"]["default_decision"], "/system/main");
    assert_eq!(config["verdict"]["identity"]["mode"], "off");
    assert_eq!(config["verdict"]["bundles"]["debounce"], "20ms");
    assert_eq!(server.post("/v1/config", "{}").status, 405);
    assert!(String::from_utf8(server.get("/v1/config?pretty").body).unwrap().contains("\n  "));
    let metrics = server.get("/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    // Reading is recorded, too, also by whom it is refused; `/metrics` is not.
    let counted = || server.metric("verdict_decision_log_records_total");
    let before = counted();
    assert_eq!(before, server.records().len() as f64);
    server.post("/v1/data/demo/allow", "{}");
    assert_eq!(counted(), before + 1.0);
    let shown = status(&server)["decision_logs"].clone();
    assert_eq!(shown, json!({"records": server.records().len(), "failures": 0}));
    assert_eq!(server.get("/nothing/here").status, 404);
}
