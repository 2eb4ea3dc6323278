//! What an issuer can demand of its tokens, and what policy sees of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use verdict::identity::{Authenticator, IssuerConfig};
use verdict::model::units::Period;

use super::support::*;

fn demanding(change: impl FnOnce(&mut IssuerConfig)) -> Authenticator {
    let mut one = issuer(&["ES256"], jwks(&[pair_for("ES256").jwk("k1", json!({}))]));
    change(&mut one);
    build(&config(vec![one]), &clock()).unwrap()
}

/// The usual claims, changed; null takes one away.
fn changed(change: Value) -> Value {
    let mut claims = claims();
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

#[tokio::test]
async fn required_claims_are_there_and_not_null() {
    let authenticator = demanding(|i| {
        i.required_claims = vec!["email".to_owned(), "org.id".to_owned(), "/urn:x/0".to_owned()];
    });
    let org = json!({ "id": 7 });
    for (claims, expected) in [
        (json!({ "email": "a@example.com", "org": org, "urn:x": [false] }), "ok"),
        (json!({ "email": "", "org": org, "urn:x": [{}] }), "ok"),
        (json!({ "org": org, "urn:x": [1] }), "claim `email` is missing"),
        (json!({ "email": "x", "org": {}, "urn:x": [1] }), "claim `org.id` is missing"),
        (json!({ "email": "x", "org": { "id": null }, "urn:x": [1] }), "claim `org.id` is missing"),
        (json!({ "email": "x", "org": org, "urn:x": [] }), "claim `/urn:x/0` is missing"),
        (
            json!({ "email": "x", "org": org, "org.id": 8, "urn:x": [1] }),
            "claim `org.id` is ambiguous: the token has several members that the path can mean",
        ),
    ] {
        assert_eq!(
            outcome(&authenticator, &es256_token(&changed(claims.clone()))).await,
            expected,
            "{claims}"
        );
    }
    let mut null = changed(json!({ "org": org, "urn:x": [1] }));
    null["email"] = Value::Null;
    assert_eq!(outcome(&authenticator, &es256_token(&null)).await, "claim `email` is missing");
}

#[tokio::test]
async fn a_lifetime_is_no_longer_than_allowed() {
    let authenticator = demanding(|i| i.max_lifetime = Some(Period::secs(600)));
    for (claims, expected) in [
        (json!({ "iat": NOW, "exp": NOW + 600 }), "ok"),
        (json!({ "iat": NOW - 590, "exp": NOW + 10 }), "ok"),
        (json!({ "iat": NOW, "exp": NOW + 601 }), "claim `exp` is too long after `iat`"),
        (json!({ "iat": NOW, "exp": 253_402_300_799_i64 }), "claim `exp` is too long after `iat`"),
        (json!({ "iat": null }), "claim `iat` is missing"),
        (json!({ "iat": "now" }), "claim `iat` is not a number"),
        (json!({ "iat": NOW + 30, "exp": NOW + 630 }), "ok"),
        // An `iat` that is to come makes no longer lifetime short.
        (json!({ "iat": NOW + 31, "exp": NOW + 631 }), "the token is not valid yet"),
        (json!({ "iat": NOW + 9000, "exp": NOW + 9600 }), "the token is not valid yet"),
        (json!({ "iat": NOW - 5, "nbf": NOW + 60, "exp": NOW + 300 }), "the token is not valid yet"),
    ] {
        assert_eq!(
            outcome(&authenticator, &es256_token(&changed(claims.clone()))).await,
            expected,
            "{claims}"
        );
    }
    let any = demanding(|_| ());
    assert_eq!(
        outcome(&any, &es256_token(&changed(json!({ "iat": null, "exp": NOW + 99_999_999 })))).await,
        "ok"
    );
}

#[tokio::test]
async fn entitlements_of_access_tokens_are_permissions_unless_mapped_otherwise() {
    let usual = demanding(|_| ());
    let mapped = demanding(|i| i.claims.permissions = Some("permissions".to_owned()));
    let pair = pair_for("ES256");
    let of_profile =
        json!({ "client_id": "app", "jti": "t-1", "entitlements": ["pay", "read"], "groups": ["g"] });
    for (authenticator, typ, permissions, expected) in [
        (&usual, "at+jwt", json!(["read", "write"]), json!(["read", "write", "pay"])),
        (&usual, "application/at+jwt", Value::Null, json!(["pay", "read"])),
        (&usual, "JWT", json!(["read"]), json!(["read"])),
        (&mapped, "at+jwt", json!(["read"]), json!(["read"])),
        (&mapped, "at+jwt", Value::Null, json!([])),
    ] {
        let mut claims = changed(of_profile.clone());
        if !permissions.is_null() {
            claims["permissions"] = permissions;
        }
        let verified = present(authenticator, &pair.typed("ES256", typ, &claims)).await.unwrap();
        assert_eq!(json!(verified.principal.permissions), expected, "{typ} {claims}");
    }
}

#[tokio::test]
async fn agent_and_attributes_are_as_mapped() {
    let authenticator = demanding(|i| {
        i.claims.agent = Some("agent.id".to_owned());
        i.claims.attributes = BTreeMap::from([
            ("email".to_owned(), "email".to_owned()),
            ("reputation".to_owned(), "agentvault.score".to_owned()),
        ]);
    });
    for (claims, expected) in [
        (json!({}), Ok((None, json!({})))),
        (json!({ "email": "a@example.com" }), Ok((None, json!({ "email": "a@example.com" })))),
        (
            json!({ "agent": { "id": "agent-7" }, "agentvault": { "score": { "of": [1, 2.5] } } }),
            Ok((Some("agent-7"), json!({ "reputation": { "of": [1, 2.5] } }))),
        ),
        (json!({ "agent": { "id": 7 } }), Err("claim `agent.id` is not a text")),
        (json!({ "agent": { "id": "" } }), Err("claim `agent.id` is empty")),
        (json!({ "agent": { "id": "anonymous" } }), Err("claim `agent.id` is a reserved word")),
        (
            json!({ "agentvault": { "score": 1 }, "agentvault.score": 2 }),
            Err(
                "claim `agentvault.score` is ambiguous: the token has several members that the path can mean",
            ),
        ),
    ] {
        let got = present(&authenticator, &es256_token(&changed(claims.clone()))).await;
        let got = got.map(|verified| {
            let principal = &verified.principal;
            (principal.agent.clone(), Value::Object(principal.attributes.clone()))
        });
        let got = got.map_err(|failure| failure.message);
        let expected = expected
            .map(|(agent, attributes)| (agent.map(str::to_owned), attributes))
            .map_err(|text: &str| text.to_owned());
        assert_eq!(got, expected, "{claims}");
    }
    // Nobody is an agent, and has attributes, by a token's own choice.
    let plain = demanding(|_| ());
    let token = es256_token(&changed(json!({ "agent": "agent-7", "attributes": { "email": "x" } })));
    let verified = present(&plain, &token).await.unwrap();
    assert_eq!((&verified.principal.agent, &verified.principal.attributes), (&None, &Map::new()));
}

#[tokio::test]
async fn a_token_for_a_single_use_has_a_name_and_comes_once() {
    let authenticator = demanding(|i| (i.single_use, i.max_lifetime) = (true, Some(Period::secs(600))));
    let named =
        |jti: Value, sub: &str| es256_token(&changed(json!({ "jti": jti, "iat": NOW + 1, "sub": sub })));
    for (jti, expected) in [
        (json!("t-1"), "ok"),
        (json!("t-1"), "the credential was used before"),
        (json!("t-2"), "ok"),
        (Value::Null, "claim `jti` is missing"),
        (json!(7), "claim `jti` is not a text, or empty"),
        (json!(""), "claim `jti` is not a text, or empty"),
        (json!("x".repeat(2049)), "claim `jti` is too long"),
    ] {
        assert_eq!(outcome(&authenticator, &named(jti.clone(), "alice")).await, expected, "{jti}");
    }
    // It is the name that counts, whatever else differs.
    assert_eq!(outcome(&authenticator, &named(json!("t-2"), "bob")).await, "the credential was used before");
    assert_eq!(authenticator.cached_tokens(), 0);
}

/// A token that is bound to a key is of no use without the key.
#[tokio::test]
async fn a_bound_token_alone_is_refused() {
    let authenticator = demanding(|_| ());
    let hash = b64([7; 32]);
    for cnf in [json!({ "jkt": hash }), json!({ "x5t#S256": hash }), json!({ "kid": "key-7" })] {
        let token = es256_token(&changed(json!({ "cnf": cnf })));
        let got = outcome(&authenticator, &token).await;
        assert!(got != "ok" && !got.contains("cnf"), "{got}");
    }
}
