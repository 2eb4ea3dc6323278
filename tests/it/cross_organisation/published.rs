//! What outsiders can read: keys, bundles and cards, and nothing of what they are not to know.

use serde_json::{Value, json};
use verdict::model::units::Period;
use verdict::registry::State;
use verdict::registry::command::{AgentChange, Command, NewAgent, NewOrganisation, SigningKeyChange};

use super::world::{World, agent, execute, said, signing};
use crate::harness::TestApp;

#[test]
fn keys_are_published_and_may_be_kept_for_a_minute() {
    let world = World::start("nike", "");
    let get = |path: &str, headers: &[(&str, &str)]| world.server.send("GET", path, headers, b"");
    let reply = get("/v1/orgs/nike/jwks.json", &[]);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/jwk-set+json"));
    assert_eq!(reply.header("cache-control"), Some("public, max-age=60"));
    let key = reply.json()["keys"][0].clone();
    let fixed = json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256"});
    for (name, value) in fixed.as_object().unwrap() {
        assert_eq!(&key[name], value);
    }
    assert!(key.get("d").is_none(), "{key}");
    let tag = reply.header("etag").unwrap().to_owned();
    for named in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let again = get("/v1/orgs/nike/jwks.json", &[("If-None-Match", &named)]);
        assert_eq!((again.status, again.body.len()), (304, 0), "{named}");
    }
    let head = world.server.send("HEAD", "/v1/orgs/nike/jwks.json", &[], b"");
    assert_eq!((head.status, head.header("etag")), (200, Some(tag.as_str())));
    world.rotate(Period::secs(3600));
    let changed = get("/v1/orgs/nike/jwks.json", &[("If-None-Match", &tag)]);
    assert_eq!((changed.status, changed.json()["keys"].as_array().unwrap().len()), (200, 2));
    assert_eq!(world.server.post("/v1/orgs/nike/jwks.json", "{}").status, 405);
}

#[test]
fn a_bundle_counts_up() {
    let world = World::start("nike", "");
    let bundle = || world.server.get("/v1/orgs/nike/spiffe-bundle").json();
    let first = bundle();
    assert_eq!((&first["keys"][0]["use"], &first["spiffe_refresh_hint"]), (&json!("jwt-svid"), &json!(60)));
    let sequence = |bundle: &Value| bundle["spiffe_sequence"].as_u64().unwrap();
    world.rotate(Period::secs(0));
    let second = bundle();
    assert_eq!(second["keys"].as_array().unwrap().len(), 1);
    assert_ne!(first["keys"][0]["kid"], second["keys"][0]["kid"]);
    assert!(sequence(&first) < sequence(&second));
    world.revoke(second["keys"][0]["kid"].as_str().unwrap());
    let third = bundle();
    assert_eq!(third["keys"], json!([]), "what is revoked is revoked for outsiders, too");
    assert!(sequence(&second) < sequence(&third));
}

#[test]
fn a_card_says_what_its_owner_wants_it_to_say() {
    let world = World::start("nike", "");
    let path = format!("/v1/agents/{}/card.jwt", world.agent);
    let card = || String::from_utf8(world.server.get(&path).body).unwrap();
    let first = card();
    let (header, claims) = said(&first);
    assert_eq!(header["typ"], "agent-card+jwt");
    assert_eq!(
        [&claims["iss"], &claims["sub"], &claims["organisation"], &claims["card"]],
        [&json!(world.issuer()), &json!(world.agent), &json!("nike"), &json!({})]
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert_eq!(card(), first, "it is signed once");
    let change = |attributes: Value| {
        let change: AgentChange = serde_json::from_value(json!({ "attributes": attributes })).unwrap();
        execute(&world.server, &Command::UpdateAgent { id: world.agent.clone(), change });
    };
    change(json!({"card": {"name": "Buyer", "capabilities": ["negotiate"]}, "cost_centre": "7"}));
    let (_, claims) = said(&card());
    assert_eq!(claims["card"], json!({"name": "Buyer", "capabilities": ["negotiate"]}));
    assert!(!claims.to_string().contains("cost_centre"), "{claims}");
    change(json!({"card": false}));
    assert_eq!(world.server.get(&path).status, 404);
}

#[test]
fn what_is_not_in_force_is_as_what_is_not_there() {
    let world = World::start("nike", "");
    let server = &world.server;
    let new = NewOrganisation { id: Some("quiet".to_owned()), ..NewOrganisation::default() };
    execute(server, &Command::CreateOrganisation(new));
    let (quiet, _) = agent(server, "quiet", NewAgent::default());
    let answer = |path: &str| {
        let reply = server.get(path);
        let headers: Vec<String> = reply.headers.keys().map(|name| name.to_string()).collect();
        (reply.status, headers, reply.body)
    };
    let nobody = answer("/v1/orgs/nobody/jwks.json");
    assert_eq!(nobody.0, 404);
    let card = format!("/v1/agents/{}/card.jwt", world.agent);
    for path in [
        "/v1/orgs/quiet/jwks.json".to_owned(),
        "/v1/orgs/quiet/spiffe-bundle".to_owned(),
        "/v1/orgs/nobody/spiffe-bundle".to_owned(),
        format!("/v1/agents/{quiet}/card.jwt"),
        "/v1/agents/agent_0/card.jwt".to_owned(),
    ] {
        assert_eq!(answer(&path), nobody, "{path}");
    }
    assert_eq!(answer(&card).0, 200);
    world.set_agent(State::Disabled);
    assert_eq!(answer(&card), nobody);
    world.set_agent(State::Active);
    for state in [State::Disabled, State::Revoked] {
        execute(server, &Command::SetOrganisationState { id: "nike".to_owned(), state });
        for path in ["/v1/orgs/nike/jwks.json", "/v1/orgs/nike/spiffe-bundle", &card] {
            assert_eq!(answer(path), nobody, "{path}");
        }
    }
}

#[test]
fn without_a_public_url_nothing_is_shown_or_signed() {
    let server = TestApp::new().config("registry: {enabled: true}\n").start();
    let new = NewOrganisation { id: Some("nike".to_owned()), ..NewOrganisation::default() };
    execute(&server, &Command::CreateOrganisation(new));
    execute(&server, &signing("nike".to_owned(), SigningKeyChange::Create));
    let (agent, key) = agent(&server, "nike", NewAgent::default());
    for path in ["/v1/orgs/nike/jwks.json".to_owned(), format!("/v1/agents/{agent}/card.jwt")] {
        assert_eq!(server.get(&path).status, 404, "{path}");
    }
    let reply = server.ask("/v1/assertions", &key, r#"{"audience": "b"}"#);
    assert_eq!(reply.status, 400);
    assert!(reply.json()["message"].as_str().unwrap().contains("registry.public_url"), "{reply:?}");
}

#[test]
fn signing_keys_are_made_once_and_go_in_their_order() {
    let world = World::start("nike", "");
    let registry = world.registry();
    let system = verdict::registry::actor::Actor::system();
    let refused = |command: &Command| registry.execute(&system, command).unwrap_err().to_string();
    let (organisation, first) = ("nike".to_owned(), world.published()[0].clone());
    let create = signing(organisation.clone(), SigningKeyChange::Create);
    assert!(refused(&create).contains("signs with"));
    let delete = |id: &str| signing(organisation.clone(), SigningKeyChange::Delete { id: id.to_owned() });
    assert!(refused(&delete(&first)).contains("is published"));
    let long = signing(organisation.clone(), SigningKeyChange::Rotate { overlap: Period::secs(91 * 86_400) });
    assert!(refused(&long).contains("longer than 90 days"));
    world.revoke(&first);
    execute(&world.server, &delete(&first));
    assert!(refused(&delete(&first)).contains("there is no signing key"));
    execute(&world.server, &create);
    let rotated: Vec<String> = (0..15).map(|_| world.rotate(Period::secs(3600))).collect();
    assert_eq!((world.published().len(), world.published()[0].clone()), (16, rotated[14].clone()));
    let full = signing(organisation.clone(), SigningKeyChange::Rotate { overlap: Period::secs(1) });
    assert!(refused(&full).contains("has 16 signing keys"));
    let verified = registry.verify_audit().unwrap();
    assert!(verified.problems.is_empty(), "{verified:?}");
}
