//! Names of partners: whose agents are whose, and what a partner says of itself that counts for nothing.

use serde_json::{Value, json};
use verdict::identity::dev::TokenRequest;
use verdict::registry::command::{Command, NewAgent, NewOrganisation};
use verdict_jose::Algorithm;

use super::world::{World, agent, ask, execute};
use crate::harness::{Server, TestApp};
use crate::identity::support::{Pair, jwks};

const ISSUER: &str = "https://nike.example/v1/orgs/nike";

/// A sidecar that trusts a partner whose private key the test has.
fn start(pair: &Pair) -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, jwks(&[pair.jwk("k1", json!({}))])).unwrap();
    let partner =
        format!("{{organisation: nike, issuer: '{ISSUER}', audience: us, jwks_file: '{}'}}", file.display());
    (World::start("acme", &partner), folder)
}

fn assertion(pair: &Pair, server: &Server, jti: &str, more: Value) -> String {
    let now = server.app.authorizer.now().unix_seconds();
    let mut claims =
        json!({"iss": ISSUER, "sub": "agent_x", "aud": "us", "iat": now, "exp": now + 60, "jti": jti});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    pair.typed("ES256", "agent-assertion+jwt", &claims)
}

#[test]
fn what_a_partner_says_of_itself_gives_it_nothing() {
    let pair = Pair::new(Algorithm::Es256);
    let (world, _folder) = start(&pair);
    let server = &world.server;
    let claims = json!({
        "sub": world.agent, "roles": ["admin"], "scope": "all", "permissions": ["app:allow"], "tenant": "acme",
        "type": "agent", "agent": world.agent,
    });
    let who = server.ask("/v1/data/app/who", &assertion(&pair, server, "1", claims.clone()), "{}");
    let who = who.json()["result"].clone();
    assert_eq!(
        [&who["id"], &who["tenant"], &who["type"]],
        [&json!(world.agent), &json!("nike"), &json!("partner_agent")]
    );
    for list in ["roles", "scopes", "permissions"] {
        assert_eq!(who[list], json!([]), "{list}");
    }
    assert_eq!(who["agent"], Value::Null);
    let manage = |jti, path: &str| {
        let bearer = format!("Bearer {}", assertion(&pair, server, jti, claims.clone()));
        server.send("GET", path, &[("Authorization", &bearer)], b"").status
    };
    assert_eq!(manage("2", "/v1/config"), 403);
    let own =
        server.ask("/v1/assertions", &assertion(&pair, server, "3", claims.clone()), r#"{"audience": "b"}"#);
    assert_eq!(own.status, 403);
    // An agent of ours of the same id that is disabled is somebody else.
    world.set_agent(verdict::registry::State::Disabled);
    assert_eq!(ask(server, &assertion(&pair, server, "4", claims.clone())).0, 200);
}

#[test]
fn an_assertion_has_all_that_it_must_have() {
    let pair = Pair::new(Algorithm::Es256);
    let (world, _folder) = start(&pair);
    let server = &world.server;
    let now = server.app.authorizer.now().unix_seconds();
    for (n, more) in [
        json!({"aud": null}),
        json!({"aud": "them"}),
        json!({"exp": null}),
        json!({"exp": now + 301}),
        json!({"iat": null}),
        json!({"jti": null}),
        json!({"sub": null}),
        json!({"sub": "anonymous"}),
        json!({"act": {"sub": "other"}}),
        json!({"cnf": {"kid": "k"}}),
        json!({"iss": "https://nike.example/v1/orgs/other"}),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, _, kind) = ask(server, &assertion(&pair, server, &format!("a{n}"), more.clone()));
        assert_eq!((status, kind), (401, json!("credential_invalid")), "{more}");
    }
    assert_eq!(ask(server, &assertion(&pair, server, "last", json!({}))).0, 200);
    for typ in ["JWT", "at+jwt", "agent-card+jwt"] {
        let claims = json!({"iss": ISSUER, "sub": "a", "aud": "us", "iat": now, "exp": now + 60, "jti": typ});
        assert_eq!(ask(server, &pair.typed("ES256", typ, &claims)).0, 401, "{typ}");
    }
    let other = Pair::new(Algorithm::Es384);
    let claims = json!({"iss": ISSUER, "sub": "a", "aud": "us", "iat": now, "exp": now + 60, "jti": "384"});
    assert_eq!(ask(server, &other.typed("ES384", "agent-assertion+jwt", &claims)).0, 401);
}

#[test]
fn a_name_is_ours_or_a_partners_and_never_both() {
    let pair = Pair::new(Algorithm::Es256);
    let (world, _folder) = start(&pair);
    let server = &world.server;
    let alice = |tenant: &str| {
        let claims = json!({ "tenant": tenant }).as_object().unwrap().clone();
        let ttl = std::time::Duration::from_secs(60);
        server.token(&TokenRequest { sub: "alice".to_owned(), claims, ttl, ..TokenRequest::default() })
    };
    assert_eq!(ask(server, &alice("other")).0, 200);
    assert_eq!((ask(server, &alice("nike")).0, ask(server, &alice("nike")).2), (403, json!("mismatch")));
    assert_eq!(ask(server, &assertion(&pair, server, "1", json!({}))).1, json!(true));
    // From now on the name is ours, and the partner is refused.
    let new = NewOrganisation { id: Some("nike".to_owned()), ..NewOrganisation::default() };
    execute(server, &Command::CreateOrganisation(new));
    let (_, key) = agent(server, "nike", NewAgent::default());
    let (status, _, kind) = ask(server, &assertion(&pair, server, "2", json!({})));
    assert_eq!((status, kind), (403, json!("mismatch")));
    assert_eq!(ask(server, &key).0, 200);
    // And no configuration with both comes into force.
    let error = server.block_on(async { server.app.live.reload() }).unwrap_err();
    assert!(error.contains("identity.partners[0].organisation"), "{error}");
    assert!(error.contains("there is an organisation `nike` of our own"), "{error}");
}

#[test]
fn a_configuration_that_does_not_hold_together_is_refused() {
    for (partners, at) in [
        ("{organisation: n, issuer: i, audience: a}", "identity.partners[0]"),
        ("{organisation: n, issuer: i, audience: [], jwks_file: /k}", "identity.partners[0].audience"),
        ("{organisation: '', issuer: i, audience: a, jwks_file: /k}", "identity.partners[0].organisation"),
        ("{organisation: n, issuer: '', audience: a, jwks_file: /k}", "identity.partners[0].issuer"),
        (
            "{organisation: n, issuer: i, audience: a, jwks_file: /k}, {organisation: m, issuer: i, audience: a, jwks_file: /k}",
            "identity.partners[1].issuer",
        ),
        (
            "{organisation: n, issuer: i, audience: a, jwks_file: /k}, {organisation: n, issuer: j, audience: a, jwks_file: /k}",
            "identity.partners[1].organisation",
        ),
        (
            "{organisation: n, issuer: i, audience: a, jwks_url: 'https://n.example', jwks_refresh: 1s}",
            "identity.partners[0].jwks_refresh",
        ),
    ] {
        let config = format!("identity: {{partners: [{partners}]}}\n");
        let started = std::panic::catch_unwind(|| drop(TestApp::new().config(&config).start()));
        let error = started.expect_err(partners);
        let error = error.downcast_ref::<String>().unwrap();
        assert!(error.contains(&format!("{at}:")) || error.contains(at), "{partners}: {error}");
    }
}
