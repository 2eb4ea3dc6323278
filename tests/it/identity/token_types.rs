//! Tokens that were made for something else, transaction tokens, and what Entra says of agents.

use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use verdict::identity::{Authenticator, IssuerConfig, TokenType, check};
use verdict::model::failure::Failure;
use verdict::model::presented::Presented;
use verdict::model::principal::{AuthContext, IdentityMode, Verified};
use verdict::model::units::Period;

use super::support::*;
use crate::harness::TestApp;

const OTHER_PURPOSES: [&str; 14] = [
    "client-authentication+jwt",
    "dpop+jwt",
    "entity-statement+jwt",
    "jwk-set+jwt",
    "kb+jwt",
    "logout+jwt",
    "oauth-authz-req+jwt",
    "oauth-id-jag+jwt",
    "secevent+jwt",
    "statuslist+jwt",
    "token-introspection+jwt",
    "txntoken+jwt",
    "wit+jwt",
    "wpt+jwt",
];

#[tokio::test]
async fn tokens_for_something_else_are_refused_and_cannot_be_configured() {
    let (authenticator, _) = es256();
    for typ in OTHER_PURPOSES {
        for typ in [typ.to_owned(), typ.to_uppercase(), format!("application/{typ}")] {
            let token = pair_for("ES256").typed("ES256", &typ, &claims());
            let expected = "the token's `typ` is not accepted for its issuer";
            assert_eq!(outcome(&authenticator, &token).await, expected, "{typ}");
            let mut listing = issuer(&["ES256"], jwks(&[pair_for("ES256").jwk("k1", json!({}))]));
            listing.types.push(typ.clone());
            let flaws = check(&config(vec![listing]), Period::secs(1));
            assert_eq!(flaws.len(), 1, "{typ}");
            assert_eq!(flaws[0].at, "identity.issuers[0].types");
            assert!(flaws[0].message.contains("is not a type of access tokens"), "{}", flaws[0].message);
        }
    }
}

/// A logout token needs no `typ`, and has issuer, subject, audience and end of an access token.
#[tokio::test]
async fn security_events_without_a_type_are_refused() {
    let (authenticator, _) = es256();
    for (events, expected) in [
        (
            json!({ "http://schemas.openid.net/event/backchannel-logout": {} }),
            "claim `events` makes it a security event token, which is no credential",
        ),
        (
            json!({ "urn:ietf:params:scim:event:create": {} }),
            "claim `events` makes it a security event token, which is no credential",
        ),
        (json!(["concert"]), "ok"),
        (json!({ "concert": 1 }), "ok"),
    ] {
        let mut payload = claims();
        payload["events"] = events.clone();
        assert_eq!(outcome(&authenticator, &es256_token(&payload)).await, expected, "{events}");
    }
}

const TRUST_DOMAIN: &str = "trust.example";

/// The issuer of access tokens, and one of transaction tokens with the key of P-384.
fn with_transactions() -> Vec<IssuerConfig> {
    let access = issuer(&["ES256"], jwks(&[pair_for("ES256").jwk("k1", json!({}))]));
    let transactions = IssuerConfig {
        issuer: "https://txn.example".to_owned(),
        audience: vec![TRUST_DOMAIN.to_owned()],
        token_type: TokenType::Transaction,
        ..issuer(&["ES384"], jwks(&[pair_for("ES384").jwk("k1", json!({}))]))
    };
    vec![access, transactions]
}

fn transaction() -> Value {
    json!({
        "iss": "https://txn.example", "aud": TRUST_DOMAIN, "iat": NOW - 5, "exp": NOW + 60, "txn": "t-1", "sub": "bob",
        "scope": "trade.stocks", "req_wl": "apigateway.trust.example",
        "tctx": { "action": "BUY" }, "rctx": { "req_ip": "192.0.2.1" },
    })
}

async fn call(
    authenticator: &Authenticator,
    bearer_token: Option<&str>,
    transactions: &[String],
) -> Result<Verified, Failure> {
    let mut headers = bearer_token.map(bearer).unwrap_or_default();
    for token in transactions {
        headers.append(HeaderName::from_static("txn-token"), HeaderValue::from_str(token).unwrap());
    }
    match authenticator.authenticate(IdentityMode::Required, &Presented::from(&headers)).await? {
        AuthContext::Verified(verified) => Ok(verified),
        other => panic!("{other:?}"),
    }
}

fn changed(name: &str, value: Value) -> Value {
    let mut payload = transaction();
    payload[name] = value;
    payload
}

fn signed(typ: &str, payload: &Value) -> String {
    pair_for("ES384").typed("ES384", typ, payload)
}

#[tokio::test]
async fn a_transaction_is_what_the_call_is_part_of_and_never_the_caller() {
    let authenticator = build(&config(with_transactions()), &clock()).unwrap();
    let (workload, token) = (es256_token(&claims()), signed("txntoken+jwt", &transaction()));
    // Twice: from the cache, too.
    for _ in 0..2 {
        let verified = call(&authenticator, Some(&workload), std::slice::from_ref(&token)).await.unwrap();
        assert_eq!((verified.principal.id.as_str(), verified.principal.kind.as_str()), ("alice", "user"));
        assert!(verified.principal.actors.is_empty() && verified.principal.agent.is_none());
        let transaction = serde_json::to_value(verified.transaction.unwrap()).unwrap();
        let expected = json!({
            "txn": "t-1", "sub": "bob", "iss": "https://txn.example", "scope": ["trade.stocks"],
            "req_wl": "apigateway.trust.example", "tctx": { "action": "BUY" }, "rctx": { "req_ip": "192.0.2.1" },
        });
        assert_eq!(transaction, expected);
    }
    let alone = call(&authenticator, None, std::slice::from_ref(&token)).await.unwrap_err();
    assert_eq!(
        alone.message,
        "a transaction token is used with a credential of the workload that presents it"
    );
    let bare = call(&authenticator, Some(&token), &[]).await.unwrap_err();
    assert_eq!(bare.message, "unknown issuer", "as a bearer token");
    let both = [token.clone(), token];
    let twice = call(&authenticator, Some(&workload), &both).await.unwrap_err();
    assert_eq!(twice.message, "more than one `txn-token` header");
}

#[tokio::test]
async fn every_claim_of_a_transaction_token_counts() {
    let authenticator = build(&config(with_transactions()), &clock()).unwrap();
    let workload = es256_token(&claims());
    let mut without_iss = transaction();
    without_iss.as_object_mut().unwrap().remove("iss");
    let type_refused = "the token's `typ` is not accepted for its issuer";
    for (name, token, expected) in [
        ("good", signed("txntoken+jwt", &transaction()), "ok"),
        ("application/", signed("application/txntoken+JWT", &transaction()), "ok"),
        ("iss may be left out", signed("txntoken+jwt", &without_iss), "ok"),
        ("JWT", signed("JWT", &transaction()), type_refused),
        ("at+jwt", signed("at+jwt", &transaction()), type_refused),
        ("no typ", pair_for("ES384").token("ES384", "k1", &transaction()), type_refused),
        ("an access token", workload.clone(), type_refused),
        (
            "of another issuer",
            pair_for("ES256").typed("ES256", "txntoken+jwt", &changed("iss", json!(ISSUER))),
            "unknown issuer",
        ),
        (
            "another key",
            pair_for("ES256").typed("ES256", "txntoken+jwt", &transaction()),
            "the token's algorithm is not accepted",
        ),
        (
            "trust domain",
            signed("txntoken+jwt", &changed("aud", json!("other.example"))),
            "the audience does not match",
        ),
        ("exp", signed("txntoken+jwt", &changed("exp", json!(NOW - 60))), "the token has expired"),
        ("iat", signed("txntoken+jwt", &changed("iat", Value::Null)), "claim `iat` is not a number"),
        ("txn", signed("txntoken+jwt", &changed("txn", json!(1))), "claim `txn` is not a text, or empty"),
        ("sub", signed("txntoken+jwt", &changed("sub", json!(""))), "claim `sub` is not a text, or empty"),
        (
            "scope",
            signed("txntoken+jwt", &changed("scope", json!(["a"]))),
            "claim `scope` is not a text, or empty",
        ),
        (
            "req_wl",
            signed("txntoken+jwt", &changed("req_wl", json!([]))),
            "claim `req_wl` is not a text, or empty",
        ),
        ("tctx", signed("txntoken+jwt", &changed("tctx", json!("x"))), "claim `tctx` is not an object"),
        ("rctx", signed("txntoken+jwt", &changed("rctx", json!([]))), "claim `rctx` is not an object"),
        (
            "bound to a key that nobody proves",
            signed("txntoken+jwt", &changed("cnf", json!({ "kid": "k" }))),
            "the credential is bound to a key that the caller does not prove to hold",
        ),
    ] {
        let got = call(&authenticator, Some(&workload), &[token]).await.map(|_| "ok".to_owned());
        assert_eq!(got.unwrap_or_else(|failure| failure.message), expected, "{name}");
    }
}

/// Through the server: policy sees the transaction beside the caller, and what a body says of one is not it.
#[test]
fn policy_sees_the_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let keys = |name: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, jwks(&[pair_for(name).jwk("k1", json!({}))])).unwrap();
        file.display().to_string()
    };
    let config = format!(
        "identity: {{issuers: [{{issuer: '{ISSUER}', audience: {AUDIENCE}, algorithms: [ES256], jwks_file: '{}'}}, \
         {{issuer: 'https://txn.example', audience: {TRUST_DOMAIN}, algorithms: [ES384], jwks_file: '{}', \
         token_type: transaction}}]}}\n",
        keys("ES256"),
        keys("ES384")
    );
    let policy = "package app\nseen := [input.subject.id, input.subject.transaction.tctx.action, \
                  input.subject.transaction.sub]\n";
    let server = TestApp::new().config(&config).clock(clock()).file("app/app.rego", policy).start();
    let authorization = format!("Bearer {}", es256_token(&claims()));
    let token = signed("txntoken+jwt", &transaction());
    let mut headers = vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
    let body = br#"{"input": {"subject": {"transaction": {"tctx": {"action": "SELL"}, "sub": "mallory"}}}}"#;
    assert_eq!(server.send("POST", "/v1/data/app/seen", &headers, body).json().get("result"), None);
    headers.push(("txn-token", &token));
    let answer = server.send("POST", "/v1/data/app/seen", &headers, body).json();
    assert_eq!(answer["result"], json!(["alice", "BUY", "bob"]));
}

#[tokio::test]
async fn the_header_is_no_place_of_credentials_where_nobody_is_trusted_with_it() {
    let (authenticator, _) = es256();
    let token = signed("txntoken+jwt", &transaction());
    let verified = call(&authenticator, Some(&es256_token(&claims())), &[token]).await.unwrap();
    assert_eq!(verified.transaction, None);
}

/// What an issuer is given that it cannot have.
type Change = (&'static str, fn(&mut IssuerConfig));

#[test]
fn an_issuer_of_transaction_tokens_has_nothing_of_access_tokens() {
    let changes: [Change; 4] = [
        ("types", |one| one.types = vec!["JWT".to_owned()]),
        ("prefix", |one| one.prefix = Some("txn_".to_owned())),
        ("claims", |one| one.claims.tenant = Some("org".to_owned())),
        ("single_use", |one| (one.single_use, one.max_lifetime) = (true, Some(Period::secs(60)))),
    ];
    for (key, change) in changes {
        let mut issuers = with_transactions();
        assert!(check(&config(issuers.clone()), Period::secs(1)).is_empty());
        change(&mut issuers[1]);
        let flaws = check(&config(issuers), Period::secs(1));
        let places: Vec<_> = flaws.iter().map(|flaw| flaw.at.as_str()).collect();
        assert_eq!(places, [format!("identity.issuers[1].{key}")]);
    }
}

#[tokio::test]
async fn agents_of_entra_are_agents() {
    let (authenticator, _) = es256();
    for (more, kind, actors) in [
        (
            json!({ "idtyp": "user", "xms_act_fct": "11", "azp": "bot", "xms_par_app_azp": "blueprint" }),
            "user",
            "bot",
        ),
        (json!({ "idtyp": "app", "xms_act_fct": "11", "xms_sub_fct": "11", "azp": "bot" }), "agent", ""),
        (json!({ "idtyp": "user", "xms_act_fct": "11", "xms_sub_fct": "13", "azp": "bot" }), "agent", "bot"),
        (json!({ "idtyp": "app" }), "service", ""),
        (json!({ "idtyp": "app", "xms_act_fct": "15 404" }), "service", ""),
        (json!({ "idtyp": "app", "type": "robot" }), "robot", ""),
        (json!({ "xms_act_fct": "11", "azp": "bot", "act": { "sub": "other" } }), "user", "other"),
    ] {
        let mut payload = claims();
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let principal = present(&authenticator, &es256_token(&payload)).await.unwrap().principal;
        let acting: Vec<_> = principal.actors.iter().map(|actor| actor.id.as_str()).collect();
        assert_eq!((principal.kind.as_str(), acting.join(" ").as_str()), (kind, actors), "{more}");
        assert_eq!(principal.agent, None, "the directory need not know it");
    }
}
