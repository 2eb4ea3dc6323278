//! A server with trust domains: what callers, probes and operators see.

use serde_json::{Value, json};
use verdict::model::clock::Timestamp;

use super::super::support::*;
use super::*;
use crate::harness::{Server, TestApp, wait_until};

const POLICY: &str =
    "package app\nallow if {\n\tinput.subject.type == \"agent\"\n\tinput.subject.id == input.owner\n}\n";
const HEALTH: &str = "package system.health\nidentity := true\n";
const AGENT: &str = "spiffe://example.org/agent/a1";

fn start(config: &str, clock: &Clock) -> Server {
    let app = TestApp::new().config(config).clock(clock.clone());
    app.file("app/app.rego", POLICY).file("app/health.rego", HEALTH).start()
}

fn health(server: &Server) -> (u16, Value) {
    let reply = server.get("/health/identity");
    (reply.status, reply.json())
}

#[test]
fn a_workload_calls_and_policy_believes_its_svid_alone() {
    let dir = tempfile::tempdir().unwrap();
    let pair = pair_for("ES256");
    let good = bundle(&[("k1", pair)], json!({}));
    let file = write(dir.path(), "b.json", &good);
    let clock = clock();
    let config = format!(
        "identity: {{spiffe: {{audience: {AUDIENCE}, trust_domains: [{{name: {DOMAIN}, bundle_file: '{}'}}]}}}}\n",
        file.display()
    );
    let server = start(&config, &clock);
    let mut claims = svid(AGENT);
    claims["exp"] = json!(NOW + 3 * 86_400);
    let token = pair.token("ES256", "k1", &claims);
    let asked = |token: &str, owner: &str| {
        let body = json!({ "input": {
            "owner": owner, "subject": { "id": "spiffe://example.org/agent/other", "type": "agent", "role": "admin" } } });
        server.ask("/v1/data/app/allow", token, &body.to_string())
    };
    let (reply, record) = server.recorded(|| asked(&token, AGENT));
    assert_eq!((reply.status, reply.json()["result"].clone()), (200, json!(true)));
    let text = record.to_string();
    assert!(text.contains(AGENT) && text.contains("jwt-svid") && !text.contains(&token), "{text}");
    assert_eq!(asked(&token, "spiffe://example.org/agent/other").json()["result"], Value::Null);
    assert_eq!(asked(&pair.token("ES256", "k2", &claims), AGENT).status, 401);
    let header = [("x-spiffe-id", AGENT)];
    let reply = server.send(
        "POST",
        "/v1/data/app/allow",
        &header,
        json!({ "input": { "owner": AGENT } }).to_string().as_bytes(),
    );
    assert_eq!(reply.status, 401, "a header is no identity");
    let well =
        json!({ "spire_agent": true, "svid_valid": true, "opa_responsive": true, "bundle_fresh": true });
    assert_eq!(health(&server), (200, well));
    // The bundle cannot be read for longer than it is good for.
    std::fs::remove_file(&file).unwrap();
    clock.set(Timestamp::from_unix_seconds(NOW + 86_401));
    wait_until("an old bundle", || asked(&token, AGENT).status == 503);
    let old =
        json!({ "spire_agent": true, "svid_valid": true, "opa_responsive": true, "bundle_fresh": false });
    assert_eq!(health(&server), (503, old));
    assert_eq!(server.get("/health/ready").status, 503);
    std::fs::write(&file, good).unwrap();
    server.block_on(async { server.app.live.fetch_keys() });
    wait_until("a bundle that is new again", || health(&server).0 == 200);
    assert_eq!(asked(&token, AGENT).status, 200);
}

#[test]
fn an_agent_that_is_not_there_shows() {
    let config = format!(
        "identity: {{spiffe: {{audience: {AUDIENCE}, trust_domains: [{{name: {DOMAIN}, workload_api: 'unix:///nowhere/api.sock'}}]}}}}\n"
    );
    let server = start(&config, &clock());
    wait_until("the failure", || health(&server).0 == 503);
    let expected =
        json!({ "spire_agent": false, "svid_valid": true, "opa_responsive": true, "bundle_fresh": false });
    assert_eq!(health(&server), (503, expected));
    let token = pair_for("ES256").token("ES256", "k1", &svid(AGENT));
    assert_eq!(server.ask("/v1/data/app/allow", &token, "{}").status, 503);
}

#[test]
fn without_trust_domains_the_path_is_a_rule_of_policy() {
    let server = start("identity: {mode: off}\n", &clock());
    assert_eq!(health(&server), (200, json!({})));
}

#[test]
fn a_revocation_ends_a_cached_svid() {
    let dir = tempfile::tempdir().unwrap();
    let pair = pair_for("ES256");
    let file = write(dir.path(), "b.json", &bundle(&[("k1", pair)], json!({})));
    let directory = write(dir.path(), "directory.yaml", "agents: []\n");
    let config = format!(
        "identity: {{static: '{}', spiffe: {{audience: {AUDIENCE}, trust_domains: [{{name: {DOMAIN}, bundle_file: '{}'}}]}}}}\n",
        directory.display(),
        file.display()
    );
    let server = start(&config, &clock());
    let mut claims = svid(AGENT);
    claims["jti"] = json!("t1");
    let token = pair.token("ES256", "k1", &claims);
    let status = || server.ask("/v1/data/app/allow", &token, "{}").status;
    for revocation in [
        "{jti: t1}",
        "{key: k1}",
        "{agent: 'spiffe://example.org/agent/a1'}",
        "{subject: 'spiffe://example.org/agent/a1'}",
        "{subject: 'spiffe://example.org/agent/a1', issuer: 'spiffe://example.org'}",
    ] {
        std::fs::write(&directory, format!("revocations: [{revocation}]\n")).unwrap();
        wait_until(revocation, || status() == 401);
        std::fs::write(&directory, "agents: []\n").unwrap();
        wait_until("no revocation", || status() == 200);
    }
    // Of another's agent of that name nothing is known here.
    std::fs::write(&directory, "revocations: [{subject: 'spiffe://example.org/agent/a1', issuer: 'https://idp.example'}, {jti: t2}]\n").unwrap();
    server.block_on(async { server.app.live.fetch_keys() });
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(status(), 200);
}
