//! Assertions between two running sidecars: both ways, and all that must not get through.

use serde_json::{Value, json};
use verdict::model::units::Period;
use verdict::registry::State;
use verdict_jose::Algorithm;

use super::world::{World, ask, said};
use crate::harness::wait_until;
use crate::identity::support::{Pair, b64};

const NIKE: &str = "https://nike.example";
const SALESFORCE: &str = "https://salesforce.example";

/// Two sidecars, each of which trusts the other.
fn two() -> (World, World) {
    let nike = World::start("nike", "");
    let salesforce = World::start("salesforce", &nike.as_partner("nike", SALESFORCE));
    nike.trust(&salesforce.as_partner("salesforce", NIKE));
    (nike, salesforce)
}

fn allowed() -> (u16, Value, Value) {
    (200, json!(true), Value::Null)
}

fn refused(kind: &str) -> (u16, Value, Value) {
    (401, Value::Null, json!(kind))
}

#[test]
fn each_side_knows_the_agent_of_the_other() {
    let (nike, salesforce) = two();
    for (from, to, audience) in [(&nike, &salesforce, SALESFORCE), (&salesforce, &nike, NIKE)] {
        let token = from.assertion(audience);
        assert_eq!(ask(&to.server, &token), allowed(), "{}", from.organisation);
        let who = to.server.ask("/v1/data/app/who", &from.assertion(audience), "{}").json()["result"].clone();
        assert_eq!(
            [&who["id"], &who["type"], &who["tenant"], &who["issuer"], &who["method"]],
            [
                &json!(from.agent),
                &json!("partner_agent"),
                &json!(from.organisation),
                &json!(from.issuer()),
                &json!("partner")
            ]
        );
        assert_eq!((&who["agent"], &who["roles"]), (&Value::Null, &json!([])));
    }
}

#[test]
fn an_assertion_says_what_it_is_and_is_noted() {
    let nike = World::start("nike", "");
    let (reply, record) = nike.server.recorded(|| nike.ask_assertion(&json!({"audience": "b", "ttl": "5m"})));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(record["operation"], "POST /v1/assertions", "{record}");
    let body = reply.json();
    assert_eq!((&body["expires_in"], &body["type"]), (&json!(300), &json!("agent-assertion+jwt")));
    let (header, claims) = said(body["assertion"].as_str().unwrap());
    assert_eq!([&header["alg"], &header["typ"]], ["ES256", "agent-assertion+jwt"]);
    assert_eq!(header["kid"], json!(nike.published()[0]));
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(life, 300);
    assert_eq!(
        [&claims["iss"], &claims["sub"], &claims["organisation"], &claims["aud"], &claims["jti"]],
        [&json!(nike.issuer()), &json!(nike.agent), &json!("nike"), &json!("b"), &body["jti"]]
    );
    for (body, status) in [
        (json!({"audience": "b", "ttl": "301s"}), 400),
        (json!({"audience": "b", "ttl": "0s"}), 400),
        (json!({"audience": ""}), 400),
        (json!({}), 400),
        (json!({"audience": "b", "sub": "agent_x"}), 400),
    ] {
        let reply = nike.ask_assertion(&body);
        assert_eq!(reply.status, status, "{body}: {reply:?}");
    }
    assert_eq!(nike.server.post("/v1/assertions", r#"{"audience": "b"}"#).status, 401);
    let dev = verdict::identity::dev::TokenRequest {
        sub: "alice".to_owned(),
        ttl: std::time::Duration::from_secs(60),
        ..Default::default()
    };
    let alice = nike.server.token(&dev);
    assert_eq!(nike.server.ask("/v1/assertions", &alice, r#"{"audience": "b"}"#).status, 403);
}

#[test]
fn what_is_not_for_us_or_was_used_is_refused() {
    let (nike, salesforce) = two();
    let elsewhere = nike.assertion("https://other.example");
    assert_eq!(ask(&salesforce.server, &elsewhere), refused("credential_invalid"));
    let once = nike.assertion(SALESFORCE);
    assert_eq!(ask(&salesforce.server, &once), allowed());
    assert_eq!(ask(&salesforce.server, &once), refused("credential_replayed"));
    // Nike trusts itself no more than anybody that is not listed.
    assert_eq!(ask(&nike.server, &nike.assertion(NIKE)), refused("credential_invalid"));
    // What is no assertion is none, though the partner signed it: its card, and the assertion by another type.
    let card = nike.server.get(&format!("/v1/agents/{}/card.jwt", nike.agent));
    let card = String::from_utf8(card.body).unwrap();
    assert_eq!(ask(&salesforce.server, &card), refused("credential_invalid"));
}

#[test]
fn a_third_organisation_is_nobody() {
    let (nike, salesforce) = two();
    let third = World::start("adidas", "");
    for server in [&nike.server, &salesforce.server] {
        assert_eq!(ask(server, &third.assertion(SALESFORCE)), refused("credential_invalid"));
    }
}

#[test]
fn forged_assertions_are_refused() {
    let (nike, salesforce) = two();
    let real = nike.assertion(SALESFORCE);
    let (header, mut claims) = said(&real);
    claims["jti"] = json!("another");
    let thief = Pair::new(Algorithm::Es256);
    let sign = |header: &Value, claims: &Value| {
        thief.sign(Algorithm::Es256, &header.to_string(), &claims.to_string())
    };
    let mut own_key = header.clone();
    own_key["jwk"] = thief.public.clone();
    let mut unknown = header.clone();
    unknown["kid"] = json!("thief");
    let (head, rest) = real.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let grafted = format!("{head}.{}.{signature}", b64(claims.to_string()));
    let mut none = header.clone();
    none["alg"] = json!("none");
    let unsigned = format!("{}.{}.", b64(none.to_string()), b64(claims.to_string()));
    for forged in
        [sign(&header, &claims), sign(&own_key, &claims), sign(&unknown, &claims), grafted, unsigned]
    {
        assert_eq!(ask(&salesforce.server, &forged), refused("credential_invalid"), "{forged}");
    }
    assert_eq!(ask(&salesforce.server, &real), allowed(), "and the real one is still good");
}

#[test]
fn a_key_that_was_rotated_verifies_within_its_overlap_and_one_that_was_revoked_does_not() {
    let (nike, salesforce) = two();
    let (first, kept) = (nike.published()[0].clone(), nike.assertion(SALESFORCE));
    let second = nike.rotate(Period::secs(3600));
    assert_eq!(nike.published(), [second.clone(), first.clone()]);
    assert_eq!(ask(&salesforce.server, &kept), allowed(), "what the first key signed");
    let (lost, late) = (nike.assertion(SALESFORCE), nike.assertion(SALESFORCE));
    assert_eq!(said(&late).0["kid"], json!(second));
    salesforce.server.block_on(async { salesforce.server.app.live.fetch_keys() });
    wait_until("the second key", || keys_of(&salesforce) == 2);
    assert_eq!(ask(&salesforce.server, &late), allowed(), "what the second key signed");
    nike.revoke(&second);
    nike.revoke(&first);
    assert_eq!(nike.published(), Vec::<String>::new());
    salesforce.server.block_on(async { salesforce.server.app.live.fetch_keys() });
    wait_until("no key", || keys_of(&salesforce) == 0);
    assert_eq!(ask(&salesforce.server, &lost), refused("credential_invalid"));
    // Whoever asks next gets a new key.
    let (header, _) = said(&nike.assertion(SALESFORCE));
    assert_eq!(nike.published(), [header["kid"].as_str().unwrap()]);
}

/// How many keys of its partner a server has.
fn keys_of(world: &World) -> u64 {
    let status = world.server.app.authorizer.in_force().authenticator.status();
    let partner = status.into_iter().find(|issuer| issuer.issuer.starts_with("https://nike."));
    partner.map_or(0, |issuer| issuer.keys as u64)
}

#[test]
fn an_agent_that_is_not_in_force_gets_no_assertion() {
    let nike = World::start("nike", "");
    assert_eq!(nike.ask_assertion(&json!({"audience": "b"})).status, 200);
    nike.set_agent(State::Disabled);
    assert_eq!(nike.ask_assertion(&json!({"audience": "b"})).status, 401);
    let system = verdict::registry::actor::Actor::system();
    let new = || serde_json::from_value(json!({"audience": "b"})).unwrap();
    let error = nike.registry().assertion(&system, &nike.agent, &new()).unwrap_err();
    assert!(error.to_string().contains("there is no agent"), "{error}");
    nike.set_agent(State::Active);
    assert_eq!(nike.ask_assertion(&json!({"audience": "b"})).status, 200);
    let state =
        |state| verdict::registry::command::Command::SetOrganisationState { id: "nike".to_owned(), state };
    super::world::execute(&nike.server, &state(State::Disabled));
    assert_eq!(nike.ask_assertion(&json!({"audience": "b"})).status, 401);
    assert!(nike.registry().assertion(&system, &nike.agent, &new()).is_err());
    assert_eq!(nike.server.get("/v1/orgs/nike/jwks.json").status, 404);
}
