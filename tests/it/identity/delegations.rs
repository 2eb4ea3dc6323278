//! Delegations over real HTTP: who acts for whom, for what, until when, and what the record says of it.

use serde_json::{Value, json};
use verdict::identity::dev::TokenRequest;
use verdict::model::clock::{Clock, Timestamp};
use verdict::registry::KeyHash;

use super::support::NOW;
use crate::harness::{Reply, Server, TestApp};

const POLICY: &str = "package app\nsubject := input.subject\nagent := input.agent\nallow := true\n";

fn key(agent: &str) -> String {
    format!("key-of-{agent}-rosebud-0001")
}

fn directory() -> String {
    let agent = |id: &str, more: &str| format!("- {{id: {id}, organisation: acme{more}}}\n");
    let key_of =
        |id: &str| format!("- {{id: k-{id}, kind: agent, agent: {id}, hash: '{}'}}\n", KeyHash::of(&key(id)));
    let delegation = |id: &str, from: &str, to: &str, more: &str| {
        format!("- {{id: {id}, from: {from}, to: {to}, expires_at: 2035-01-01T00:00:00Z, {more}}}\n")
    };
    [
        "organisations: [{id: acme}]\nagents:\n".to_owned(),
        agent("ada", ", permissions: ['secrets:get', 'secrets:put', 'mail:send'], limits: {max_amount: 10}"),
        agent("bob", ""),
        agent("eve", ""),
        agent("off", ", disabled: true"),
        agent("chief", ", roles: [verdict-admin]"),
        "keys:\n".to_owned(),
        ["ada", "bob", "eve", "chief"].map(key_of).concat(),
        "delegations:\n".to_owned(),
        delegation("ada-to-bob", "ada", "bob", "scope: ['secrets:*']"),
        delegation("bob-to-eve", "bob", "eve", "scope: ['secrets:get'], parent: ada-to-bob"),
        delegation("gone", "ada", "bob", "scope: ['*'], disabled: true"),
        delegation("revoked", "ada", "bob", "scope: ['*']"),
        delegation("from-off", "off", "bob", "scope: ['*']"),
        "- {id: late, from: ada, to: bob, scope: ['*'], expires_at: 2020-01-01T00:00:00Z}\n".to_owned(),
        delegation("chief-to-bob", "chief", "bob", "scope: ['*']"),
        "roles: [{name: verdict-admin, permissions: ['bundles:remove']}]\n".to_owned(),
        "revocations: [{jti: revoked}]\n".to_owned(),
    ]
    .concat()
}

fn start(more: &str) -> Server {
    let app = TestApp::new();
    std::fs::write(app.dir.path().join("directory.yaml"), directory()).unwrap();
    let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW));
    let config = format!("identity: {{static: directory.yaml{more}}}\n");
    app.config(&config).clock(clock).file("app/app.rego", POLICY).start()
}

fn ask(server: &Server, document: &str, agents: &[&str], delegation: &str, input: &Value) -> Reply {
    // Of two keys one is a bearer token.
    let keys: Vec<_> = agents.iter().map(|agent| key(agent)).collect();
    let bearer = keys.get(1).map(|key| format!("Bearer {key}"));
    let mut headers: Vec<(&str, &str)> = Vec::new();
    headers.extend(keys.first().map(|key| ("x-api-key", key.as_str())));
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    headers.extend(Some(("x-agentpack-delegation", delegation)).filter(|(_, id)| !id.is_empty()));
    let body = json!({ "input": input }).to_string();
    server.send("POST", &format!("/v1/data/app/{document}"), &headers, body.as_bytes())
}

#[test]
fn an_agent_acts_for_another_and_everybody_sees_it() {
    let server = start("");
    let input = json!({"action": "secrets:get", "agent_id": "eve", "subject": {"id": "eve"}});
    let (reply, record) = server.recorded(|| ask(&server, "subject", &["bob"], "ada-to-bob", &input));
    assert_eq!(
        reply.json()["result"],
        json!({
            "id": "ada", "type": "agent", "issuer": "registry", "method": "delegation", "agent": "bob",
            "act": {"sub": "bob", "iss": "registry"}, "tenant": "acme", "roles": [], "scopes": ["secrets:*"],
            "permissions": ["secrets:get", "secrets:put"], "claims": {"delegations": ["ada-to-bob"]},
            "proof": {"type": "bearer"}, "limits": {"max_amount": 10},
            "delegation": {
                "id": "ada-to-bob", "from": "ada", "to": "bob", "scope": ["secrets:*"],
                "expires_at": "2035-01-01T00:00:00.000000000Z",
            },
        })
    );
    assert_eq!(
        record["subject"],
        json!({
            "id": "ada", "type": "agent", "issuer": "registry", "tenant": "acme", "method": "delegation",
            "agent": "bob", "act": {"sub": "bob", "iss": "registry"}, "key": "k-bob", "delegation": "ada-to-bob",
        })
    );
    let agent = ask(&server, "agent", &["bob"], "ada-to-bob", &input).json();
    assert_eq!(
        agent["result"],
        json!({"agent_id": "bob", "org_id": "acme"}),
        "who acts, not what the body says"
    );
}

#[test]
fn a_delegation_is_good_for_whom_it_names_and_for_what_it_says() {
    let server = start("");
    let get = json!({"action": "secrets:get"});
    for (agents, delegation, input, status, kind) in [
        (&["bob"][..], "ada-to-bob", &get, 200, Value::Null),
        (&["bob", "ada"], "ada-to-bob", &get, 200, Value::Null),
        (&["bob"], "ada-to-bob", &json!({"action": "mail:send"}), 403, json!("insufficient_permissions")),
        (&["bob"], "ada-to-bob", &json!({}), 403, json!("insufficient_permissions")),
        (
            &["bob"],
            "ada-to-bob",
            &json!({"action": {"name": "secrets:get", "amount": 11}}),
            403,
            json!("insufficient_permissions"),
        ),
        (&["eve"], "ada-to-bob", &get, 403, json!("mismatch")),
        (&["ada"], "ada-to-bob", &get, 403, json!("mismatch")),
        (&["bob", "eve"], "ada-to-bob", &get, 401, json!("credential_invalid")),
        (&[], "ada-to-bob", &get, 403, json!("mismatch")),
        (&["bob"], "nowhere", &get, 401, json!("credential_invalid")),
        (&["bob"], "late", &get, 401, json!("credential_expired")),
        (&["bob"], "gone", &get, 401, json!("credential_revoked")),
        (&["bob"], "revoked", &get, 401, json!("credential_revoked")),
        (&["bob"], "from-off", &get, 401, json!("credential_revoked")),
        (&["eve"], "bob-to-eve", &get, 403, json!("mismatch")),
    ] {
        let (reply, record) = server.recorded(|| ask(&server, "allow", agents, delegation, input));
        assert_eq!(
            (reply.status, &record["error"]["kind"]),
            (status, &kind),
            "{agents:?} {delegation} {input}"
        );
    }
}

#[test]
fn a_chain_narrows_and_has_the_length_that_is_allowed() {
    let server = start(", delegations: {max_depth: 2}");
    let subject = ask(&server, "subject", &["eve"], "bob-to-eve", &json!({"action": "secrets:get"})).json();
    let subject = &subject["result"];
    let act = json!({"sub": "eve", "iss": "registry", "act": {"sub": "bob", "iss": "registry"}});
    assert_eq!((&subject["id"], &subject["act"], &subject["agent"]), (&json!("ada"), &act, &json!("eve")));
    assert_eq!(subject["permissions"], json!(["secrets:get"]), "what both allow");
    let put = ask(&server, "allow", &["eve"], "bob-to-eve", &json!({"action": "secrets:put"}));
    assert_eq!(put.status, 403, "the second delegation is for less than the first");
}

#[test]
fn a_token_that_names_an_agent_counts_while_the_agent_does() {
    let issuer = ", issuers: [{issuer: https://relay.example, audience: a, algorithms: [HS256], secret_file: secret, \
                  claims: {id: agent_id, agent: agent_id, tenant: org_id}}]";
    let app = TestApp::new();
    std::fs::write(app.dir.path().join("directory.yaml"), directory()).unwrap();
    let secret = "a-secret-rosebud-with-more-than-32-bytes";
    std::fs::write(app.dir.path().join("secret"), secret).unwrap();
    let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW));
    let config = format!("identity: {{static: directory.yaml{issuer}}}\n");
    let server = app.config(&config).clock(clock).file("app/app.rego", POLICY).start();
    for (agent, organisation, status, kind) in [
        ("ada", json!("acme"), 200, Value::Null),
        ("ada", Value::Null, 200, Value::Null),
        ("ada", json!("evil"), 403, json!("mismatch")),
        ("nobody", json!("acme"), 401, json!("credential_invalid")),
        ("off", json!("acme"), 401, json!("credential_revoked")),
    ] {
        let claims = json!({"iss": "https://relay.example", "aud": "a", "agent_id": agent, "org_id": organisation,
            "exp": NOW + 60});
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
        let bearer = format!("Bearer {token}");
        let body = json!({"input": {"action": {"name": "x", "amount": 5}}}).to_string();
        let call =
            || server.send("POST", "/v1/data/app/subject", &[("authorization", &bearer)], body.as_bytes());
        // The second time it is in the cache.
        for _ in 0..2 {
            let (reply, record) = server.recorded(call);
            assert_eq!((reply.status, &record["error"]["kind"]), (status, &kind), "{agent} {organisation}");
            if status == 200 {
                let subject = &reply.json()["result"];
                assert_eq!((&subject["type"], &subject["tenant"]), (&json!("agent"), &json!("acme")));
            }
        }
        // The directory's limits are the agent's, whoever vouches for it.
        let body = json!({"input": {"action": {"name": "x", "amount": 11}}}).to_string();
        let over =
            server.send("POST", "/v1/data/app/subject", &[("authorization", &bearer)], body.as_bytes());
        assert_eq!(over.status, if status == 200 { 403 } else { status }, "{agent} {organisation}");
    }
    let request = TokenRequest {
        sub: "ops".to_owned(),
        kind: None,
        roles: vec!["verdict-admin".to_owned()],
        claims: serde_json::Map::new(),
        ttl: std::time::Duration::from_secs(60),
    };
    let bearer = format!("Bearer {}", server.token(&request));
    assert_eq!(server.send("GET", "/v1/status", &[("authorization", &bearer)], b"").status, 200);
}

/// A delegation is for operations of policy; the roles of whom it comes from open nothing else.
#[test]
fn a_delegation_lends_no_role_for_management_or_explanations() {
    let server = start("");
    let (chief, bob) = (key("chief"), key("bob"));
    for (headers, status) in [
        (&[("x-api-key", chief.as_str())][..], 200),
        (&[("x-api-key", &bob)], 403),
        (&[("x-api-key", &bob), ("x-agentpack-delegation", "chief-to-bob")], 403),
    ] {
        let (reply, record) = server.recorded(|| server.send("GET", "/v1/status", headers, b""));
        assert_eq!(reply.status, status, "{record}");
    }
}

#[test]
fn roles_give_a_delegation_permissions_where_they_give_any() {
    let permissions = |more: &str| {
        let app = TestApp::new();
        std::fs::write(app.dir.path().join("directory.yaml"), directory()).unwrap();
        let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW));
        let config = format!("identity: {{static: directory.yaml}}\n{more}");
        let server = app.config(&config).clock(clock).file("app/app.rego", POLICY).start();
        let subject = ask(&server, "subject", &["bob"], "chief-to-bob", &json!({"action": "x"})).json();
        subject["result"]["permissions"].clone()
    };
    assert_eq!(permissions(""), json!(["bundles:remove"]));
    assert_eq!(permissions("permissions: {role_permissions: false}\n"), json!([]));
}
