//! The server with issuers whose keys change, age and fail: what callers, probes and operators see.

use serde_json::{Value, json};
use verdict::model::clock::{Clock, Timestamp};

use super::support::*;
use crate::harness::{Server, TestApp, wait_until};

const POLICY: &str = "package app\nallow := input.subject.id == \"alice\"\n";
const DAY: i64 = 24 * 60 * 60;

fn start(clock: &Clock, keys: &str) -> Server {
    let config = format!(
        "identity: {{issuers: [{{issuer: '{ISSUER}', audience: {AUDIENCE}, algorithms: [ES256], {keys}}}]}}\n"
    );
    TestApp::new().config(&config).clock(clock.clone()).file("app/app.rego", POLICY).start()
}

fn ask(server: &Server, token: &str) -> u16 {
    server.ask("/v1/data/app/allow", token, "{}").status
}

fn valid_at(now: i64) -> String {
    let mut payload = claims();
    payload["exp"] = (now + 300).into();
    es256_token(&payload)
}

#[test]
fn keys_that_are_too_old_refuse_with_503_and_the_server_is_not_ready() {
    let clock = clock();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let write = || std::fs::write(&file, jwks(&[pair_for("ES256").jwk("k1", json!({}))])).unwrap();
    write();
    let server = start(&clock, &format!("jwks_file: '{}'", file.display()));
    let mut long = claims();
    long["exp"] = (NOW + 2 * DAY).into();
    let cached = es256_token(&long);
    assert_eq!((ask(&server, &cached), server.get("/health/ready").status), (200, 200));
    std::fs::remove_file(&file).unwrap();
    clock.set(Timestamp::from_unix_seconds(NOW + DAY + 1));
    for token in [&cached, &valid_at(NOW + DAY)] {
        let (answer, record) = server.recorded(|| server.ask("/v1/data/app/allow", token, "{}"));
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(record["error"]["kind"], "verifier_unavailable");
    }
    let ready = server.get("/health/ready");
    assert_eq!((ready.status, &ready.json()["reasons"]), (503, &json!(["identity: keys too old"])));
    // Probes are answered to strangers.
    let body = String::from_utf8(ready.body).unwrap();
    assert!(!body.contains("idp.example") && !body.contains("jwks.json"), "{body}");
    assert_eq!(server.get("/health?plugins").status, 500);
    write();
    server.block_on(async { server.app.live.fetch_keys() });
    wait_until("keys that are new again", || server.get("/health/ready").status == 200);
    assert_eq!((ask(&server, &cached), server.get("/health?plugins").status), (200, 200));
}

#[test]
fn a_reload_keeps_the_keys_and_a_refresh_fetches_them() {
    let clock = clock();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let keys = Answer::Body(jwks(&[pair_for("ES256").jwk("k1", json!({}))]));
    let provider = runtime.block_on(Provider::start(keys));
    let server = start(&clock, &format!("jwks_url: '{}'", provider.url));
    let token = valid_at(NOW);
    wait_until("the keys", || ask(&server, &token) == 200);
    let calls = provider.calls();
    provider.answer(Answer::Status(500));
    server.block_on(async { server.app.live.reload() }).unwrap();
    assert_eq!(ask(&server, &token), 200, "the keys of before the reload are still in use");
    assert_eq!(provider.calls(), calls, "a reload is no reason to fetch");
    server.block_on(async { server.app.live.fetch_keys() });
    wait_until("another fetch", || provider.calls() > calls);
    assert_eq!(ask(&server, &token), 200, "a fetch that fails changes nothing");
}

#[test]
fn secrets_of_a_jwks_url_are_not_shown() {
    let clock = clock();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let provider = runtime.block_on(Provider::start(Answer::Status(500)));
    let config = format!(
        "identity: {{mode: off, issuers: [{{issuer: a, audience: b, algorithms: [ES256], jwks_url: '{}?v=CANARY&CANARY'}}]}}\n",
        provider.url
    );
    let source = "package app\nconfig := opa.runtime().config\n";
    let server = TestApp::new().config(&config).clock(clock).file("app/app.rego", source).start();
    wait_until("a failed fetch", || {
        let status: Value = server.get("/v1/status").json();
        !status["result"]["identity"]["issuers"][0]["last_error"].is_null()
    });
    let mut printed = String::new();
    for path in [
        "/v1/status",
        "/v1/config",
        "/v1/data/app/config",
        "/health/ready",
        "/health?plugins",
        "/metrics",
        "/v1/policies",
    ] {
        let reply = server.get(path);
        printed += &format!("{path} {:?} {}\n", reply.headers, String::from_utf8(reply.body).unwrap());
    }
    printed += &format!("{:?}\n", server.app.authorizer.in_force().authenticator);
    printed += &std::fs::read_to_string(server.dir.path().join("decisions.jsonl")).unwrap();
    assert!(printed.contains("/jwks.json?***"), "{printed}");
    assert!(!printed.contains("CANARY"), "{printed}");
}

/// Relay's tokens and a key in PEM, as a file of configuration has them: the one secret is in the environment.
#[test]
fn secrets_come_from_the_environment_and_are_not_shown() {
    const SECRET: &str = "CANARY-CANARY-CANARY-CANARY-CANARY";
    let clock = clock();
    let pair = pair_for("ES512");
    let config = "identity:\n  issuers:\n    - issuer: relay\n      prefix: relay_jwt_\n      algorithms: [HS256]\n      \
                  secret_env: RELAY_JWT_SECRET\n      claims: {id: agent_id, agent: agent_id, tenant: org_id}\n    \
                  - issuer: https://idp.example\n      audience: api\n      algorithms: [ES512]\n      \
                  public_key_file: idp.pem\n";
    let policy =
        "package app\nallow := [input.subject.id, input.subject.issuer]\nconfig := opa.runtime().config\n";
    let app = TestApp::new().config(config).clock(clock).env(&[("RELAY_JWT_SECRET", SECRET)]);
    // Relative to the file of the configuration.
    std::fs::write(app.dir.path().join("idp.pem"), pair.pem()).unwrap();
    let server = app.file("app/app.rego", policy).start();
    let claims_of_relay =
        json!({ "agent_id": "agent_1", "org_id": "acme-corp", "iat": NOW, "exp": NOW + 60 });
    let relay = format!("relay_jwt_{}", Pair::secret(SECRET).token("HS256", "k1", &claims_of_relay));
    let forged = format!("relay_jwt_{}", Pair::secret(&SECRET[1..]).token("HS256", "k1", &claims_of_relay));
    for (token, status, subject) in [
        (&relay, 200, json!(["agent_1", "relay"])),
        (&pair.token("ES512", "any", &claims()), 200, json!(["alice", ISSUER])),
        (&forged, 401, Value::Null),
    ] {
        let answer = server.ask("/v1/data/app/allow", token, "{}");
        assert_eq!((answer.status, &answer.json()["result"]), (status, &subject));
    }
    server.block_on(async { server.app.live.reload() }).unwrap();
    assert_eq!(server.ask("/v1/data/app/allow", &relay, "{}").status, 200);
    let mut printed = String::new();
    for path in ["/v1/status", "/v1/config", "/v1/data/app/config", "/health/ready", "/metrics"] {
        let reply = server.ask(path, &relay, "");
        printed += &format!("{path} {:?} {}\n", reply.headers, String::from_utf8(reply.body).unwrap());
    }
    printed += &format!("{:?}\n", server.app.authorizer.in_force().authenticator);
    printed += &std::fs::read_to_string(server.dir.path().join("decisions.jsonl")).unwrap();
    assert!(printed.contains("RELAY_JWT_SECRET"), "{printed}");
    assert!(!printed.contains("CANARY"), "{printed}");
}
