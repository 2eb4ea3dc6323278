//! What of an input stands in the record of a server: claims, refused calls, and bundles that would have it masked.

use std::time::Duration;

use serde_json::{Map, Value, json};
use verdict::identity::dev::TokenRequest;

use crate::harness::{Server, TestApp, wait_until};

const POLICY: &str =
    "package demo\n\ndefault allow := false\n\nallow if input.subject.claims.team == \"blue\"\n";
const SECRET: &str = "not-for-the-log";

fn server(config: &str) -> Server {
    TestApp::new().file("demo/demo/policy.rego", POLICY).config(config).start()
}

fn token(server: &Server) -> String {
    let claims: Map<String, Value> = [("team", "blue"), ("email", SECRET)]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    server.token(&TokenRequest {
        sub: "alice".to_owned(),
        claims,
        ttl: Duration::from_secs(600),
        ..TokenRequest::default()
    })
}

fn text(server: &Server) -> String {
    ["decisions.jsonl", "decisions.refused.jsonl"]
        .map(|file| std::fs::read_to_string(server.dir.path().join(file)).unwrap())
        .concat()
}

#[test]
fn claims_are_recorded_as_configured() {
    let log = "decision_log: {console: off, file: {path: decisions.jsonl}";
    for (config, expected) in [
        ("identity: {mode: required}\n".to_owned(), None),
        (format!("identity: {{mode: required}}\n{log}, claims: none}}\n"), None),
        (format!("identity: {{mode: required}}\n{log}, claims: [team]}}\n"), Some(json!({"team": "blue"}))),
    ] {
        let server = server(&config);
        let token = token(&server);
        let (reply, record) =
            server.recorded(|| server.ask("/v1/data/demo/allow", &token, r#"{"input": {"x": 1}}"#));
        // Policy saw them all the same.
        assert_eq!(reply.json()["result"], true, "{config}");
        assert_eq!(record["input"]["subject"].get("claims").cloned(), expected, "{config}");
        assert_eq!((&record["input"]["subject"]["id"], &record["input"]["x"]), (&json!("alice"), &json!(1)));
        assert!(!text(&server).contains(SECRET), "{config}");
    }
}

/// The caller is known: its own words, in the log of those who are known, and not as what policy saw.
#[test]
fn what_a_known_caller_sent_in_vain_is_asserted() {
    let server = server("identity: {mode: required}\n");
    let token = token(&server);
    let body = r#"{"input": [{"subject": {"id": "root"}}]}"#;
    let (reply, record) = server.recorded(|| server.ask("/v1/data/demo/allow", &token, body));
    assert_eq!((reply.status, &record["outcome"]), (400, &json!("refused")));
    assert_eq!(record["asserted"], json!([{"subject": {"id": "root"}}]));
    assert_eq!((record.get("input"), record.get("input_digest")), (None, None));
    assert_eq!(record["subject"]["id"], "alice");
    assert_eq!(server.lines("decisions.jsonl"), vec![record]);
}

#[test]
fn of_what_a_stranger_sent_there_is_a_size_and_a_hash_at_the_most() {
    let server = server("identity: {mode: required, entrypoints: {demo/open: optional}}\n");
    let body = format!(r#"{{"input": ["{SECRET}", 1]}}"#);
    let (reply, record) = server.recorded(|| server.post("/v1/data/demo/open", &body));
    assert_eq!((reply.status, &record["outcome"]), (400, &json!("refused")));
    assert_eq!(record["input_digest"]["bytes"], 21);
    let sha256 = "56f72dbe3bd47729dd2fafe530e6d24688e932cb26ecd9e20ddea6e0754a5267";
    assert_eq!(record["input_digest"]["sha256"], sha256);
    for path in ["/v1/data/demo/allow", "/v1/data/demo//allow", "/v1/batch/data/demo/allow"] {
        let body =
            format!(r#"{{"input": {{"subject": "{SECRET}"}}, "inputs": {{"a": {{"b": "{SECRET}"}}}}}}"#);
        let (_, record) = server.recorded(|| server.post(path, &body));
        assert_eq!(
            (&record["outcome"], record.get("input"), record.get("asserted")),
            (&json!("refused"), None, None),
            "{path}"
        );
    }
    assert!(!text(&server).contains(SECRET));
    assert_eq!(server.lines("decisions.refused.jsonl").len(), 4);
    assert!(server.lines("decisions.jsonl").is_empty());
}

/// A secret must not be recorded because a mask that should have hidden it is ignored.
#[test]
fn a_bundle_with_a_log_mask_is_refused_unless_the_configuration_says_otherwise() {
    let mask = "package system.log\n\nmask contains \"/input/password\"\n";
    let drop = "package system.log\n\ndrop if input.path == \"demo/allow\"\n";
    let log = "decision_log: {console: off, file: {path: decisions.jsonl}, allow_unmasked: true}\n";
    for (file, declares) in [
        ("demo/mask.rego", mask),
        ("demo/drop.rego", drop),
        ("demo/data.json", r#"{"system": {"log": {"mask": ["/input/password"]}}}"#),
    ] {
        let start = |config: &str| {
            let app = TestApp::new().file("demo/demo/policy.rego", POLICY).file(file, declares);
            app.config(config).start()
        };
        let server = start("identity: {mode: off}\n");
        wait_until("the bundle's refusal", || server.app.bundles.report().explained.is_some());
        let said = server.app.bundles.report().explained.clone().unwrap();
        assert!(said.contains("is declared, but decision records are not masked yet"), "{file}: {said}");
        let reply =
            server.post("/v1/data/demo/allow", &format!(r#"{{"input": {{"password": "{SECRET}"}}}}"#));
        assert_eq!(reply.status, 503, "{file}");
        assert!(!text(&server).contains(SECRET), "{file}");
        let server = start(&format!("identity: {{mode: off}}\n{log}"));
        assert_eq!(server.post("/v1/data/demo/allow", r#"{"input": {}}"#).status, 200, "{file}");
    }
}
