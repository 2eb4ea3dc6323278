//! What operators read: health, readiness, status, configuration, policies, metrics.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use verdict::config::{Insecure, Profile};
use verdict::identity::dev::TokenRequest;
use verdict::model::clock::{Clock, Timestamp};

use crate::harness::wire::{Wire, request};
use crate::harness::{Reply, Server, TestApp};

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

const ROUTES: [&str; 4] = ["/v1/status", "/v1/config", "/v1/policies", "/v1/policies/demo/policy.rego"];

/// A server that asks for credentials, outside development.
fn guarded(more: &str) -> Server {
    let insecure = Insecure { dev_issuer: true, ..Insecure::default() };
    app().config(&format!("identity: {{mode: required}}\n{more}")).profile(Profile::Run(insecure)).start()
}

fn token(server: &Server, roles: &[&str]) -> String {
    server.token(&TokenRequest {
        sub: "ops".to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ttl: Duration::from_secs(60),
        ..TokenRequest::default()
    })
}

/// Asks one of the two listeners.
fn at(address: SocketAddr, method: &str, path: &str, token: Option<&str>) -> Reply {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<(&str, &str)> = bearer.iter().map(|value| ("Authorization", value.as_str())).collect();
    let mut wire = Wire::open(address);
    wire.send(&request(method, path, &headers, b""));
    wire.reply().unwrap()
}

#[test]
fn management_asks_for_a_role_on_either_listener_and_is_recorded() {
    let server = guarded("");
    let (caller, admin) = (token(&server, &["editor"]), token(&server, &["verdict-admin"]));
    for address in [server.app.address, server.app.management.unwrap()] {
        for path in ROUTES {
            for (token, status, outcome, kind) in [
                (None, 401, "refused", json!("credential_missing")),
                (Some("no.such.token"), 401, "refused", json!("credential_invalid")),
                (Some(caller.as_str()), 403, "refused", json!("insufficient_permissions")),
                (Some(admin.as_str()), 200, "allow", Value::Null),
            ] {
                let (reply, record) = server.recorded(|| at(address, "GET", path, token));
                assert_eq!(reply.status, status, "{path} {record}");
                assert_eq!(
                    (&record["outcome"], &record["error"]["kind"]),
                    (&json!(outcome), &kind),
                    "{path}"
                );
                // RFC 6750: 403 says that the credential does not reach as far.
                let challenged = reply.header("www-authenticate").is_some();
                assert_eq!(challenged, matches!(status, 401 | 403), "{path}");
                assert_eq!(reply.header("verdict-decision-id"), record["decision_id"].as_str(), "{path}");
                assert_eq!(record["protocol"], "management");
                assert_eq!(record["operation"], format!("GET {path}"));
                let known = matches!(status, 200 | 403).then_some("ops");
                assert_eq!(record["subject"]["id"].as_str(), known, "{path} {record}");
            }
        }
    }
    let issuers = at(server.app.address, "GET", "/v1/status", Some(&admin)).json();
    let issuer = &issuers["result"]["identity"]["issuers"][0];
    assert_eq!((&issuer["issuer"], &issuer["keys"]), (&json!("https://verdict-dev.invalid"), &json!(1)));
}

#[test]
fn the_role_and_the_listener_of_management_are_configured() {
    let server = guarded("management: {listen: off, role: operator}\n");
    assert!(server.app.management.is_none());
    let (usual, own) = (token(&server, &["verdict-admin"]), token(&server, &["operator"]));
    assert_eq!(at(server.app.address, "GET", "/v1/status", Some(&usual)).status, 403);
    assert_eq!(at(server.app.address, "GET", "/v1/status", Some(&own)).status, 200);
}

#[test]
fn decisions_are_not_asked_for_where_the_server_is_managed() {
    let server = guarded("");
    let (management, admin) = (server.app.management.unwrap(), token(&server, &["verdict-admin"]));
    for path in ["/v1/data/demo/allow", "/v0/data/demo/allow", "/", "/v1/batch/data/demo/allow"] {
        assert_eq!(at(management, "POST", path, Some(&admin)).status, 404, "{path}");
    }
    // And bundles are not removed where decisions are asked for.
    assert_eq!(at(server.app.address, "POST", "/v1/bundles/demo/removal", Some(&admin)).status, 404);
}

#[test]
fn what_strangers_are_told_names_nothing() {
    let server = guarded("");
    let caller = token(&server, &[]);
    assert_eq!(server.ask("/v1/data/demo/allow", &caller, "{}").status, 200);
    server.app.metrics.identity.fetched("https://verdict-dev.invalid", true);
    server.write("demo/policy.rego", "package demo\n\nallow := true\n\nx := undefinedfn(1)\n");
    server.wait_failure();
    let names = ["demo", "verdict-dev.invalid", "undefinedfn", "policy.rego", "r1"];
    let told = |address, path| {
        let reply = at(address, "GET", path, None);
        assert_eq!(reply.status, 200, "{path}");
        String::from_utf8(reply.body).unwrap()
    };
    for path in ["/metrics", "/health", "/health/live", "/health/ready", "/health?plugins&bundles"] {
        let text = told(server.app.address, path);
        for name in names {
            assert!(!text.contains(name), "{path} tells of {name}: {text}");
        }
    }
    // What is counted is still told, and the management listener names it.
    let text = told(server.app.address, "/metrics");
    assert!(text.contains("verdict_decisions_total{outcome=\"allow\"} 1\n"), "{text}");
    assert!(text.contains("verdict_jwks_fetches_total{result=\"ok\"} 1\n"), "{text}");
    let text = told(server.app.management.unwrap(), "/metrics");
    assert!(text.contains("demo/allow") && text.contains("https://verdict-dev.invalid"), "{text}");
}

#[test]
fn health_rules_are_calls_like_all_others() {
    let server = guarded("");
    let caller = token(&server, &[]);
    let (reply, record) = server.recorded(|| at(server.app.address, "GET", "/health/good", None));
    assert_eq!((reply.status, &record["error"]["kind"]), (500, &json!("credential_missing")));
    let (reply, record) = server.recorded(|| at(server.app.address, "GET", "/health/good", Some(&caller)));
    assert_eq!((reply.status, &record["outcome"]), (200, &json!("allow")));
    assert_eq!((&record["path"], &record["protocol"]), (&json!("system/health/good"), &json!("health")));
    assert_eq!(record["subject"]["id"], "ops");
    assert_eq!(reply.header("verdict-decision-id"), record["decision_id"].as_str());
}

#[test]
fn a_removal_is_confirmed_where_the_server_is_managed() {
    let insecure = Insecure { dev_issuer: true, ..Insecure::default() };
    let server = app()
        .file("guard/.manifest", r#"{"roots": ["guard"]}"#)
        .file("guard/guard/data.json", r#"{"blocked": true}"#)
        .config("identity: {mode: required}\n")
        .profile(Profile::Run(insecure))
        .start();
    let management = server.app.management.unwrap();
    let (caller, admin) = (token(&server, &[]), token(&server, &["verdict-admin"]));
    const REMOVAL: &str = "/v1/bundles/guard/removal";
    let confirm = |token| server.recorded(|| at(management, "POST", REMOVAL, token));
    assert_eq!(confirm(Some(&admin)).0.status, 400, "it is there");
    std::fs::remove_dir_all(server.dir.path().join("bundles/guard")).unwrap();
    server.wait_failure();
    for (token, status) in [(None, 401), (Some(caller.as_str()), 403)] {
        let (reply, record) = confirm(token);
        assert_eq!((reply.status, &record["outcome"]), (status, &json!("refused")));
    }
    assert_eq!(at(management, "GET", REMOVAL, Some(&admin)).status, 405);
    assert_eq!(server.app.bundles.report().generation, 1);
    let (reply, record) = confirm(Some(&admin));
    assert_eq!((reply.status, reply.json()["result"]["bundle"].clone()), (202, json!("guard")));
    assert_eq!(
        (&record["outcome"], &record["operation"]),
        (&json!("allow"), &json!(format!("POST {REMOVAL}")))
    );
    server.wait_generation(2);
    assert_eq!(
        at(management, "GET", "/v1/status", Some(&admin)).json()["result"]["reload"]["missing"],
        json!([])
    );
}
