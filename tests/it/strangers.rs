//! Who is calling is decided before the body is read, and what a caller may make of one call is bounded.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use verdict::config::{Insecure, Profile};
use verdict::identity::dev::TokenRequest;

use crate::harness::wire::{Wire, request};
use crate::harness::{Server, TestApp};

const POLICY: &str =
    "package demo\n\necho := input\n\ndefault allow := false\n\nallow if input.user == \"ann\"\n";

fn app(config: &str) -> TestApp {
    let insecure = Insecure { dev_issuer: true, ..Insecure::default() };
    TestApp::new().config(config).profile(Profile::Run(insecure)).file("demo/policy.rego", POLICY)
}

fn token(server: &Server, roles: &[&str]) -> String {
    server.token(&TokenRequest {
        sub: "ann".to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ttl: Duration::from_secs(60),
        ..TokenRequest::default()
    })
}

/// The answer comes although the body never does: there is nothing that could have been read.
#[test]
fn a_strangers_body_is_not_waited_for() {
    let server = app("identity: {mode: required}\n").start();
    for path in ["/v1/data/demo/echo", "/v0/data/demo/echo", "/", "/v1/batch/data/demo/echo"] {
        for headers in [
            &[][..],
            &[("Content-Encoding", "gzip")],
            &[("Content-Encoding", "none-such")],
            &[("Content-Type", "application/x-yaml")],
            &[("Authorization", "Bearer no.such.token")],
        ] {
            let headers = [&[("Content-Length", "1000000")], headers].concat();
            let (reply, record) = server.recorded(|| {
                let mut wire = Wire::open(server.app.address);
                wire.send(&request("POST", path, &headers, b""));
                wire.reply().unwrap()
            });
            assert_eq!(reply.status, 401, "{path} {headers:?}");
            assert_eq!(reply.header("verdict-decision-id"), record["decision_id"].as_str());
            assert!(record.get("input").is_none() && record.get("input_size").is_none(), "{record}");
        }
    }
}

/// Parameters are read after it is known who is calling.
#[test]
fn a_stranger_is_not_told_what_is_wrong_with_a_call() {
    let server = app("identity: {mode: required}\n").start();
    for path in ["/v1/data/demo/echo?input=1&input=2", "/v1/data/demo/echo?x=%ff"] {
        let (reply, record) = server.recorded(|| server.get(path));
        assert_eq!((reply.status, &record["path"]), (401, &json!("demo/echo")));
    }
}

#[test]
fn a_strangers_bomb_is_not_unpacked() {
    let server = app("identity: {mode: required}\n").start();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(b"{\"inputs\": {").unwrap();
    encoder.write_all(&b" ".repeat(20_000_000)).unwrap();
    encoder.write_all(b"}}").unwrap();
    let bomb = encoder.finish().unwrap();
    let nested = "[".repeat(200_000);
    for (header, body) in [
        (("Content-Encoding", "gzip"), bomb.as_slice()),
        (("Content-Type", "application/yaml"), nested.as_bytes()),
    ] {
        let (reply, record) =
            server.recorded(|| server.send("POST", "/v1/batch/data/demo/echo", &[header], body));
        assert_eq!((reply.status, &record["error"]["kind"]), (401, &json!("credential_missing")));
        // The same from somebody who is known is looked at, and wrong.
        let bearer = format!("Bearer {}", token(&server, &[]));
        let headers = [header, ("Authorization", bearer.as_str())];
        let (reply, _) = server.recorded(|| server.send("POST", "/v1/batch/data/demo/echo", &headers, body));
        assert!(matches!(reply.status, 400 | 413), "{}", reply.status);
    }
}

fn log_size(server: &Server) -> u64 {
    ["decisions.jsonl", "decisions.refused.jsonl"]
        .iter()
        .map(|file| std::fs::metadata(server.dir.path().join(file)).map_or(0, |file| file.len()))
        .sum()
}

#[test]
fn a_batch_is_bounded_in_items_and_in_bytes() {
    let caps = "server: {listen: 127.0.0.1:0, max_batch_items: 10, max_batch_size: 100KiB}\n";
    let server = app(&format!("identity: {{mode: required}}\n{caps}")).start();
    let token = token(&server, &[]);
    let batch = |items: usize, common: usize| {
        let inputs: serde_json::Map<String, Value> =
            (0..items).map(|n| (n.to_string(), json!({"n": n}))).collect();
        json!({"inputs": inputs, "common_input": {"text": "x".repeat(common)}}).to_string()
    };
    let ask = |body: &str| server.ask("/v1/batch/data/demo/allow", &token, body);
    for (body, key) in
        [(batch(11, 1), "server.max_batch_items"), (batch(10, 11_000), "server.max_batch_size")]
    {
        let before = log_size(&server);
        let (reply, record) = server.recorded(|| ask(&body));
        let answer = reply.json();
        assert_eq!(reply.status, 413, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(key), "{answer}");
        assert_eq!(record["error"]["kind"], "too_large");
        let grown = log_size(&server) - before;
        assert!(grown < 4096, "{key}: one refusal took {grown} bytes of the log");
    }
    // At the limits it is answered, and no more is logged than was reckoned, besides what every record has.
    let before = (server.records().len(), log_size(&server));
    assert_eq!(ask(&batch(10, 10_000)).status, 200);
    assert_eq!(server.records().len(), before.0 + 10);
    let grown = log_size(&server) - before.1;
    assert!(grown < (100 << 10) + 10 * 4096, "{grown}");
}

const ASKED: &str = r#"{"input": {"user": "bob"}}"#;

#[test]
fn explanations_are_granted_by_role_or_by_entry_point() {
    for (explain, roles, granted) in [
        ("{}", &["auditor"][..], false),
        // What is made for the record is not for the caller.
        ("{record: all}", &["auditor"], false),
        ("{roles: [auditor]}", &["editor"], false),
        ("{roles: [auditor]}", &["auditor"], true),
        ("{entrypoints: [demo/echo]}", &[], false),
        ("{entrypoints: [demo/allow]}", &[], true),
        ("{entrypoints: [demo], record: all}", &[], true),
    ] {
        let config = format!("identity: {{mode: required}}\ndecision: {{explain: {explain}}}\n");
        let server = app(&config).start();
        let token = token(&server, roles);
        let plain = server.ask("/v1/data/demo/allow", &token, ASKED).json();
        let reply = server.ask("/v1/data/demo/allow?explain=full", &token, ASKED);
        let answer = reply.json();
        assert_eq!((reply.status, &answer["result"]), (200, &plain["result"]), "{explain}");
        assert_eq!(reply.header("verdict-outcome"), Some("deny"));
        assert_eq!(answer["explanation"]["rule"] == "data.demo.allow", granted, "{explain}: {answer}");
        assert_eq!(answer.get("explanation").is_some(), granted, "{explain}: {answer}");
        let warning = (!granted).then_some("explanation_denied");
        assert_eq!(answer["warning"]["code"].as_str(), warning, "{explain}: {answer}");

        let inputs = r#"{"inputs": {"a": {"user": "bob"}}}"#;
        for (query, granted) in [("", false), ("?explain=full", granted)] {
            let answer = server.ask(&format!("/v1/batch/data/demo/allow{query}"), &token, inputs).json();
            let item = &answer["responses"]["a"];
            assert_eq!(
                (&item["result"], item.get("explanation").is_some()),
                (&json!(false), granted),
                "{answer}"
            );
            let warning = (!granted && !query.is_empty()).then_some("explanation_denied");
            assert_eq!(answer["warning"]["code"].as_str(), warning, "{explain}{query}: {answer}");
        }
    }
}
