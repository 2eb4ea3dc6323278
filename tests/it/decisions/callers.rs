//! Identity: required, optional, off; what a verified caller looks like; what happens to the others.

use serde_json::{Value, json};
use verdict::identity::dev::{DevIssuer, TokenRequest};
use verdict::model::clock::{Clock, Timestamp};

use super::{VERIFIED, alice, app, verified};
use crate::harness::Reply;

#[test]
fn a_verified_caller_is_the_subject() {
    let server = verified();
    let token = server.token(&TokenRequest {
        claims: json!({"tenant": "acme", "scope": "a b", "permissions": ["p"]}).as_object().unwrap().clone(),
        ..alice()
    });
    let (reply, record) =
        server.recorded(|| server.ask("/v1/data/demo/echo", &token, r#"{"input": {"x": 1}}"#));
    let seen = reply.json()["result"].clone();
    let subject = &seen["subject"];
    for (name, expected) in [
        ("id", json!("alice")),
        ("type", json!("agent")),
        ("issuer", json!("https://verdict-dev.invalid")),
        ("roles", json!(["editor"])),
        ("scopes", json!(["a", "b"])),
        ("permissions", json!(["p"])),
        ("tenant", json!("acme")),
    ] {
        assert_eq!(subject[name], expected, "{name}");
    }
    assert_eq!(subject["claims"]["sub"], "alice");
    assert_eq!(seen["x"], 1);
    assert_eq!(seen.get("asserted"), None);
    let who = json!({"id": "alice", "type": "agent", "issuer": "https://verdict-dev.invalid", "tenant": "acme", "method": "jwt"});
    assert_eq!(record["subject"], who);

    let allowed = server.ask("/v1/data/demo/allow", &token, "{}");
    assert_eq!((allowed.status, allowed.json()["result"].clone()), (200, json!(true)));
    assert_eq!(allowed.header("verdict-outcome"), Some("allow"));
    let bob = server.token(&TokenRequest { sub: "bob".to_owned(), ..alice() });
    let (denied, record) = server
        .recorded(|| server.ask("/v1/data/demo/allow", &bob, r#"{"input": {"subject": {"id": "alice"}}}"#));
    assert_eq!((denied.status, denied.json()["result"].clone()), (200, json!(false)));
    assert_eq!((denied.header("verdict-outcome"), &record["outcome"]), (Some("deny"), &json!("deny")));
    assert_eq!(record["subject"]["id"], "bob");
}

#[test]
fn what_a_body_says_of_its_sender_is_only_asserted() {
    let server = verified();
    let token = server.token(&alice());
    let body = json!({"input": {
        "subject": {"id": "root", "roles": ["admin"]}, "agent": "a", "agent_id": "b", "org_id": "c",
        "asserted": {"subject": "d"}, "action": "read",
    }});
    let expected = json!({
        "subject": {"id": "root", "roles": ["admin"]}, "agent": "a", "agent_id": "b", "org_id": "c",
        "asserted": {"subject": "d"},
    });
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let reply = server.ask("/v1/data/demo/echo", &token, &body.to_string());
    let seen = &reply.json()["result"];
    assert_eq!(names(seen), ["action", "asserted", "subject"]);
    assert_eq!(seen["asserted"], expected);
    assert_eq!((&seen["subject"]["id"], &seen["subject"]["roles"]), (&json!("alice"), &json!(["editor"])));

    let reply = server.post("/v1/data/demo/echo", &body.to_string());
    let seen = &reply.json()["result"];
    assert_eq!(names(seen), ["action", "asserted", "subject"]);
    assert_eq!(seen["asserted"], expected);
    assert_eq!((&seen["subject"]["type"], seen["subject"].get("id")), (&json!("anonymous"), None));
    for bare in ["/v0/data/demo/echo", "/"] {
        let reply = server.ask(bare, &token, &body["input"].to_string());
        let seen = reply.json();
        let seen = seen.get("echo").unwrap_or(&seen);
        assert_eq!((&seen["asserted"], &seen["subject"]["id"]), (&expected, &json!("alice")), "{bare}");
    }
}

#[test]
fn identity_is_required_optional_or_off_by_entry_point() {
    let server = verified();
    let asked = |path: &str| server.post(path, r#"{"input": {"subject": {"id": "alice"}}}"#);
    for (path, status, result) in [
        ("/v1/data/demo/allow", 401, Value::Null),
        ("/v1/data/demo/text", 401, Value::Null),
        ("/v1/data/demo/no", 200, json!(false)),
        // The whole holds documents that need a credential.
        ("/v1/data/demo", 401, Value::Null),
        ("/v1/data", 401, Value::Null),
        ("/v1/data/nowhere", 401, Value::Null),
    ] {
        let reply = asked(path);
        assert_eq!((reply.status, &reply.json()["result"]), (status, &result), "{path}");
    }
    // With identity off the input passes as it is, and a credential, good or bad, is not looked at.
    let off = app().start();
    let reply = off.ask("/v1/data/demo/allow", "no.such.token", r#"{"input": {"subject": {"id": "alice"}}}"#);
    assert_eq!((reply.status, &reply.json()["result"]), (200, &json!(true)));
    let (_, record) = off.recorded(|| off.post("/v1/data/demo/no", "{}"));
    assert_eq!(record.get("subject"), None);
    // Optional: absent is anonymous, bad is refused.
    assert_eq!(server.ask("/v1/data/demo/echo", "no.such.token", "{}").status, 401);
    let (_, record) = server.recorded(|| server.post("/v1/data/demo/echo", "{}"));
    assert_eq!(record["subject"], json!({"type": "anonymous"}));
}

/// What a refused credential leaves behind: one record, one challenge, and no trace of itself.
fn check_refusal(reply: &Reply, record: &Value, kind: &str, challenge: &str) {
    assert_eq!(reply.status, 401, "{kind}");
    let body = reply.json();
    assert_eq!(body["code"], "unauthorized");
    assert_eq!(reply.header("verdict-outcome"), Some("refused"));
    let authenticate = reply.header("www-authenticate").unwrap();
    assert!(authenticate.starts_with(challenge), "{authenticate}");
    assert_eq!(body["decision_id"], record["decision_id"]);
    assert_eq!(reply.header("verdict-decision-id"), record["decision_id"].as_str());
    assert_eq!((&record["outcome"], &record["error"]["kind"]), (&json!("refused"), &json!(kind)));
    assert_eq!(record["reason"], body["message"]);
    assert!(!record["reason"].as_str().unwrap().is_empty());
    assert_eq!(record.get("subject"), None);
    assert_eq!(record.get("result"), None);
}

#[test]
fn bad_credentials_are_refused_recorded_and_forgotten() {
    let clock = Clock::fixed(Timestamp::from_unix_seconds(1_800_000_000));
    let server = app().config(VERIFIED).clock(clock.clone()).start();
    let good = server.token(&alice());
    let expired = server.token(&TokenRequest { ttl: std::time::Duration::from_secs(5), ..alice() });
    // Once good, and so in the cache.
    assert_eq!(server.ask("/v1/data/demo/allow", &expired, "{}").status, 200);
    clock.set(Timestamp::from_unix_seconds(1_800_000_060));
    let stranger = DevIssuer::in_memory().unwrap().mint(&alice(), clock.now()).unwrap().expose().clone();
    let (head, tail) = good.rsplit_once('.').unwrap();
    let (first, second) = tail.split_at(20);
    let changed = if second.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{head}.{first}{changed}{}", &second[1..]);
    let other = good.replacen("eyJ", "eyK", 1);
    let invalid = "Bearer error=\"invalid_token\", error_description=\"";
    let bearer = |token: &str| vec![("Authorization".to_owned(), format!("Bearer {token}"))];
    let plain = |value: &str| vec![("Authorization".to_owned(), value.to_owned())];
    let secret = "czNjcjN0LXBhc3N3b3Jk";
    let cases = [
        (vec![], "credential_missing", "Bearer"),
        (bearer(&expired), "credential_expired", invalid),
        (bearer(&forged), "credential_invalid", invalid),
        (bearer(&stranger), "credential_invalid", invalid),
        (bearer(&other), "credential_invalid", invalid),
        (bearer("abc"), "credential_invalid", invalid),
        (plain(&format!("Basic {secret}")), "credential_invalid", invalid),
        (plain(&format!("Bearer {good} {good}")), "credential_invalid", invalid),
        (plain("Bearer "), "credential_invalid", invalid),
        ([bearer(&good), bearer(&good)].concat(), "credential_invalid", invalid),
        ([bearer(&good), plain("Basic x")].concat(), "credential_invalid", invalid),
    ];
    for (headers, kind, challenge) in &cases {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        for (path, body) in [("/v1/data/demo/allow", "{}"), ("/v0/data/demo/allow", "{}"), ("/", "{}")] {
            let (reply, record) = server.recorded(|| server.send("POST", path, &headers, body.as_bytes()));
            check_refusal(&reply, &record, kind, challenge);
        }
        let batch = r#"{"inputs": {"a": {}}}"#;
        let (reply, record) =
            server.recorded(|| server.send("POST", "/v1/batch/data/demo/allow", &headers, batch.as_bytes()));
        assert_eq!((reply.status, &record["error"]["kind"]), (401, &json!(kind)));
        assert!(reply.header("www-authenticate").unwrap().starts_with(challenge));
    }
    assert_eq!(server.ask("/v1/data/demo/allow", &good, "{}").status, 200);
    let log = ["decisions.jsonl", "decisions.refused.jsonl"]
        .map(|file| std::fs::read_to_string(server.dir.path().join(file)).unwrap())
        .concat();
    let metrics = String::from_utf8(server.get("/metrics").body).unwrap();
    let status = String::from_utf8(server.ask("/v1/status", &good, "").body).unwrap();
    let parts = [&good, &expired, &forged, &stranger, &other];
    let parts = parts.iter().flat_map(|token| token.split('.')).filter(|part| part.len() > 8).chain([secret]);
    for part in parts {
        for (name, text) in [("log", &log), ("metrics", &metrics), ("status", &status)] {
            assert!(!text.contains(part), "a part of a token stands in the {name}");
        }
    }
    let failures = "verdict_authentication_failures_total{kind=\"credential_expired\"}";
    assert!((server.metric(failures) - 4.0).abs() < 0.5, "{}", server.metric(failures));
}
