//! Older tokens are exchanged for ones of the form of a JWT-SVID, and those verify elsewhere.

use std::time::Duration;

use serde_json::{Value, json};
use verdict::identity::dev::TokenRequest;
use verdict::registry::State;

use super::world::{World, said};
use crate::harness::{Reply, TestApp, wait_until};

const BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const FORM: &str = "application/x-www-form-urlencoded";

/// The older token of an agent.
fn older(world: &World, agent: Value, ttl: u64) -> String {
    let claims = json!({"agent": agent, "scope": "agent:economics agent:reputation"});
    let mut claims = claims.as_object().unwrap().clone();
    claims.retain(|_, value| !value.is_null());
    let ttl = Duration::from_secs(ttl);
    world.server.token(&TokenRequest {
        sub: "user@example.com".to_owned(),
        claims,
        ttl,
        ..TokenRequest::default()
    })
}

fn post(world: &World, path: &str, pairs: &[(&str, &str)]) -> Reply {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let body: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    world.server.send("POST", path, &[("Content-Type", FORM)], body.join("&").as_bytes())
}

fn error(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["error"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_token_is_exchanged_by_both_grants_and_verifies_elsewhere() {
    let world = World::start("vault", "");
    let id = format!("spiffe://vault.example/agent/{}", world.agent);
    for (path, pairs) in [
        ("/oauth/token", vec![("grant_type", BEARER), ("scope", "agent:economics"), ("assertion", "$")]),
        (
            "/api/v1/teg/token",
            vec![
                ("grant_type", EXCHANGE),
                ("subject_token", "$"),
                ("subject_token_type", JWT),
                ("audience", "teg"),
                ("scope", "agent:economics"),
            ],
        ),
    ] {
        let token = older(&world, json!(world.agent), 3600);
        let pairs: Vec<_> = pairs
            .into_iter()
            .map(|(name, value)| (name, if value == "$" { token.as_str() } else { value }))
            .collect();
        let (reply, record) = world.server.recorded(|| post(&world, path, &pairs));
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(
            (reply.header("cache-control"), reply.header("pragma")),
            (Some("no-store"), Some("no-cache"))
        );
        assert_eq!(record["operation"], json!(format!("POST {path}")));
        assert!(!record.to_string().contains(&token), "the record has no token");
        let body = reply.json();
        assert_eq!(
            [&body["token_type"], &body["expires_in"], &body["issued_token_type"], &body["scope"]],
            [&json!("Bearer"), &json!(300), &json!(JWT), &json!("agent:economics")]
        );
        let issued = body["access_token"].as_str().unwrap();
        let (header, claims) = said(issued);
        assert_eq!([&header["alg"], &header["typ"], &header["kid"]], ["ES256", "JWT", &world.published()[0]]);
        assert_eq!([&claims["sub"], &claims["aud"]], [&json!(id), &json!(["teg"])]);
        let url = world.server.url("/v1/orgs/vault/jwks.json");
        let config = format!(
            "identity: {{issuers: [{{issuer: '{}', audience: teg, algorithms: [ES256], jwks_url: '{url}'}}]}}\n",
            world.issuer()
        );
        let elsewhere = TestApp::new()
            .config(&config)
            .file("app/app.rego", "package app\nwho := input.subject\n")
            .start();
        wait_until("the keys", || elsewhere.ask("/v1/data/app/who", issued, "{}").status == 200);
        let who = elsewhere.ask("/v1/data/app/who", issued, "{}").json()["result"].clone();
        assert_eq!([&who["id"], &who["scopes"]], [&json!(id), &json!(["agent:economics"])]);
    }
}

#[test]
fn nothing_is_exchanged_that_should_not_be() {
    let world = World::start("vault", "");
    let good = older(&world, json!(world.agent), 3600);
    let with = |token: &str, more: &[(&str, &str)]| {
        let mut pairs = vec![("grant_type", BEARER), ("assertion", token)];
        pairs.extend(more);
        error(&post(&world, "/oauth/token", &pairs))
    };
    let is = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(with(&good, &[("scope", "agent:economics admin")]), is(400, "invalid_scope"));
    assert_eq!(with(&good, &[("audience", "bank")]), is(400, "invalid_target"));
    assert_eq!(with(&older(&world, Value::Null, 60), &[]), is(400, "invalid_grant"));
    assert_eq!(with(&older(&world, json!("agent_0"), 60), &[]), is(400, "invalid_grant"));
    assert_eq!(with("not-a-token", &[]), is(400, "invalid_grant"));
    assert_eq!(with("a\r\nb", &[]), is(400, "invalid_grant"));
    assert_eq!(with(&world.key, &[]), is(400, "invalid_grant"));
    assert_eq!(with(&world.assertion("teg"), &[]), is(400, "invalid_grant"));
    assert_eq!(
        error(&post(&world, "/oauth/token", &[("grant_type", "password")])),
        is(400, "unsupported_grant_type")
    );
    assert_eq!(error(&world.server.post("/oauth/token", "{}")), is(400, "invalid_request"));
    let both = [("Content-Type", FORM), ("Authorization", "Basic YTpi")];
    let reply = world.server.send("POST", "/oauth/token", &both, b"grant_type=x");
    assert_eq!(error(&reply), is(400, "invalid_request"));
    let large = vec![b'a'; 17 * 1024];
    let reply = world.server.send("POST", "/oauth/token", &[("Content-Type", FORM)], &large);
    assert_eq!(error(&reply), is(400, "invalid_request"));
    assert_eq!(world.server.get("/oauth/token").status, 405);
    // What is issued lives no longer than what it was issued for.
    let reply = post(
        &world,
        "/oauth/token",
        &[("grant_type", BEARER), ("assertion", &older(&world, json!(world.agent), 40))],
    );
    assert!(reply.json()["expires_in"].as_i64().unwrap() <= 40, "{reply:?}");
    world.set_agent(State::Disabled);
    assert_eq!(with(&good, &[]), is(400, "invalid_grant"));
}

#[test]
fn calls_are_counted_as_others_are() {
    let config = "identity: {}\nregistry: {enabled: true, public_url: 'https://vault.example', trust_domain: vault.example, \
                  token_audiences: [teg]}\nrate_limits: {users: 2/m}\n";
    let server = TestApp::new().config(config).start();
    let new =
        verdict::registry::command::NewOrganisation { id: Some("vault".to_owned()), ..Default::default() };
    super::world::execute(&server, &verdict::registry::command::Command::CreateOrganisation(new));
    let (agent, key) = super::world::agent(&server, "vault", Default::default());
    let world = World { server, organisation: "vault", agent, key };
    let ask = || {
        let token = older(&world, json!(world.agent), 60);
        post(&world, "/oauth/token", &[("grant_type", BEARER), ("assertion", &token)])
    };
    assert_eq!([ask().status, ask().status], [200, 200]);
    let third = ask();
    assert_eq!(error(&third), (429, "temporarily_unavailable".to_owned()));
    assert!(third.header("retry-after").is_some());
}
