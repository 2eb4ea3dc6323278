//! Keys that are found by an issuer's discovery document, and all that a document can say wrong.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use verdict::identity::{Authenticator, Config, Pace, Setup};
use verdict_jose::Algorithm;

use super::support::*;

const DOCUMENT: &str = "/.well-known/openid-configuration";

fn config_for(provider: &Provider) -> Config {
    let mut discovered = issuer(&["ES256"], String::new());
    (discovered.jwks, discovered.discovery) = (None, true);
    discovered.issuer = provider.base();
    config(vec![discovered])
}

fn build_for(provider: &Provider, cooldown: Duration) -> Authenticator {
    let mut setup = Setup::new(Path::new("."), clock(), client());
    setup.pace = Pace { cooldown, ..Pace::default() };
    Authenticator::new(&config_for(provider), &setup).unwrap()
}

/// A token of the provider, signed by `pair` under `kid`.
fn token(provider: &Provider, pair: &Pair, kid: &str) -> String {
    let mut payload = claims();
    payload["iss"] = provider.base().into();
    pair.token("ES256", kid, &payload)
}

fn keys(kid: &str, pair: &Pair) -> Answer {
    Answer::Body(jwks(&[pair.jwk(kid, json!({}))]))
}

fn document(issuer: &str, jwks_uri: &str) -> Answer {
    Answer::Body(json!({ "issuer": issuer, "jwks_uri": jwks_uri, "subject_types_supported": [] }).to_string())
}

/// A provider whose document names the keys at `/keys`.
async fn honest(pair: &Pair) -> Provider {
    let provider = Provider::start(Answer::Silence).await;
    provider.answer(serving(&provider, "/keys", "k1", pair));
    provider
}

fn serving(provider: &Provider, path: &'static str, kid: &str, pair: &Pair) -> Answer {
    let base = provider.base();
    Answer::ByPath(vec![(DOCUMENT, document(&base, &format!("{base}{path}"))), (path, keys(kid, pair))])
}

#[tokio::test]
async fn the_document_leads_to_the_keys_and_to_new_ones() {
    let (old, new) = (Pair::new(Algorithm::Es256), Pair::new(Algorithm::Es256));
    let provider = honest(&old).await;
    let authenticator = build_for(&provider, Duration::ZERO);
    let (by_old, by_new) = (token(&provider, &old, "k1"), token(&provider, &new, "k2"));
    assert_eq!(outcome(&authenticator, &by_old).await, "ok");
    assert_eq!(provider.calls(), 2, "the document and the keys");
    let status = authenticator.status().remove(0);
    assert_eq!((status.source, status.keys), (format!("{}{DOCUMENT}", provider.base()), 1));
    assert_eq!(outcome(&authenticator, &by_new).await, "unknown key");
    // Another place for the keys, and another key there.
    provider.answer(serving(&provider, "/moved", "k2", &new));
    assert_eq!(outcome(&authenticator, &by_new).await, "ok");
    assert_eq!(outcome(&authenticator, &by_old).await, "unknown key", "though it is cached");
    // Another key under the same name.
    let by_third = token(&provider, &old, "k2");
    assert_eq!(outcome(&authenticator, &by_third).await, "the signature is not valid");
    provider.answer(serving(&provider, "/moved", "k2", &old));
    assert_eq!(outcome(&authenticator, &by_third).await, "ok");
    assert_eq!(outcome(&authenticator, &by_new).await, "the signature is not valid");
}

#[tokio::test]
async fn a_document_that_is_wrong_brings_no_keys() {
    let pair = pair_for("ES256");
    let elsewhere = Provider::start(keys("k1", pair)).await;
    let provider = Provider::start(Answer::Silence).await;
    let base = provider.base();
    let at = |path: &str| format!("{base}{path}");
    let documents = [
        (document("https://other.example", &at("/keys")), "its `issuer` is not exactly"),
        (document(&format!("{base}/"), &at("/keys")), "its `issuer` is not exactly"),
        (document(&base, "http://keys.example/k"), "plain http"),
        (document(&base, "file:///etc/passwd"), "only http and https"),
        (document(&base, "https://user:CANARY@keys.example/"), "a user name or a password"),
        (document(&base, &at("/redirect")), "answered 302, a redirect"),
        (document(&base, &at("/nothing")), "answered 404 instead of 200"),
        (document(&base, &at("/html")), "not a jwks"),
        (Answer::Redirect(elsewhere.url.clone()), "the discovery document: answered 302, a redirect"),
        (Answer::Status(500), "the discovery document: answered 500"),
        (Answer::Body("<html>".to_owned()), "it is no json object"),
        (Answer::Body(json!({ "issuer": base }).to_string()), "it is no json object"),
        (Answer::Body(" ".repeat((1 << 18) + 1)), "the body is longer than 262144 bytes"),
        (Answer::Endless, "the body is longer than 262144 bytes"),
    ];
    for (document, expected) in documents {
        provider.answer(Answer::ByPath(vec![
            (DOCUMENT, document),
            ("/keys", keys("k1", pair)),
            ("/redirect", Answer::Redirect(elsewhere.url.clone())),
            ("/html", Answer::Body("<html>".to_owned())),
        ]));
        let authenticator = build_for(&provider, Duration::ZERO);
        let token = token(&provider, pair, "k1");
        assert_eq!(
            outcome(&authenticator, &token).await,
            "the issuer's keys are not available",
            "{expected}"
        );
        let error = authenticator.status().remove(0).last_error.unwrap();
        assert!(error.contains(expected) && !error.contains("CANARY"), "{error}");
    }
    assert_eq!(elsewhere.calls(), 0, "no redirect is followed");
}

#[tokio::test]
async fn a_document_that_turns_bad_leaves_the_last_good_keys() {
    let pair = Pair::new(Algorithm::Es256);
    let thief = Pair::new(Algorithm::Es256);
    let provider = honest(&pair).await;
    let authenticator = build_for(&provider, Duration::ZERO);
    let good = token(&provider, &pair, "k1");
    assert_eq!(outcome(&authenticator, &good).await, "ok");
    // Whoever can write the document of another issuer brings keys for none.
    let other = document("https://other.example", &format!("{}/keys", provider.base()));
    provider.answer(Answer::ByPath(vec![(DOCUMENT, other), ("/keys", keys("k1", &thief))]));
    authenticator.refresh_now().await;
    assert_eq!(outcome(&authenticator, &good).await, "ok");
    assert_ne!(outcome(&authenticator, &token(&provider, &thief, "k1")).await, "ok");
    assert!(authenticator.status().remove(0).last_error.unwrap().contains("is not exactly"));
}

/// Document and keys together are one fetch of the pace, also where there are no keys.
#[tokio::test]
async fn a_flood_of_unknown_kids_is_one_look_at_the_document() {
    let pair = pair_for("ES256");
    for empty in [false, true] {
        let provider = honest(pair).await;
        let base = provider.base();
        if empty {
            let found = document(&base, &format!("{base}/keys"));
            provider.answer(Answer::ByPath(vec![(DOCUMENT, found), ("/keys", Answer::Body(jwks(&[])))]));
        }
        let authenticator = build_for(&provider, Duration::from_secs(300));
        let good = token(&provider, pair, "k1");
        let good_expected = if empty { "unknown key" } else { "ok" };
        assert_eq!(outcome(&authenticator, &good).await, good_expected);
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let payload = signed.split_once('.').unwrap().1;
        for n in 0..10_000 {
            let header = b64(json!({ "alg": "ES256", "kid": format!("random-{n}") }).to_string());
            let forged = format!("{header}.{payload}.{signature}");
            assert_eq!(outcome(&authenticator, &forged).await, "unknown key");
            if n % 1000 == 0 {
                assert_eq!(outcome(&authenticator, &good).await, good_expected);
            }
        }
        assert_eq!(provider.calls(), 2);
    }
}
