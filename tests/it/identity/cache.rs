//! A cached token: what a hit saves, and what it must check again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use verdict::identity::Setup;
use verdict::model::clock::{Clock, Timestamp};
use verdict::model::failure::FailureKind;
use verdict::model::units::Period;
use verdict_jose::Algorithm;

use super::support::*;

fn set(clock: &Clock, seconds: i64) {
    clock.set(Timestamp::from_unix_seconds(seconds));
}

#[tokio::test]
async fn a_second_call_gets_the_same_principal() {
    let (authenticator, _) = es256();
    let token = es256_token(&claims());
    let first = present(&authenticator, &token).await.unwrap();
    let second = present(&authenticator, &token).await.unwrap();
    assert!(Arc::ptr_eq(&first.principal, &second.principal));
    assert_eq!(
        (second.principal.method, second.expires_at),
        ("jwt", Some(Timestamp::from_unix_seconds(NOW + 300)))
    );
    let other = es256_token(&json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "bob", "exp": NOW + 300 }));
    assert_eq!(present(&authenticator, &other).await.unwrap().principal.id, "bob");
    assert_eq!(authenticator.cached_tokens(), 2);
}

#[tokio::test]
async fn a_hit_judges_the_times_again() {
    let (authenticator, clock) = es256();
    let mut payload = claims();
    payload["nbf"] = (NOW - 5).into();
    payload["exp"] = (NOW + 10).into();
    let token = es256_token(&payload);
    present(&authenticator, &token).await.unwrap();
    for (at, expected) in [
        (NOW + 39, None),
        (NOW + 40, Some(FailureKind::CredentialExpired)),
        (NOW + 41, Some(FailureKind::CredentialExpired)),
        (NOW + 3600, Some(FailureKind::CredentialExpired)),
        // The clock steps back: first to a time when the token is good, then to before it was.
        (NOW - 35, None),
        (NOW - 36, Some(FailureKind::CredentialInvalid)),
        (NOW, None),
    ] {
        set(&clock, at);
        let got = present(&authenticator, &token).await.err().map(|failure| failure.kind);
        assert_eq!(got, expected, "at {}", at - NOW);
    }
}

#[tokio::test]
async fn a_token_is_verified_again_when_its_time_in_the_cache_is_over() {
    let (authenticator, clock) = es256();
    let token = es256_token(&claims());
    let first = present(&authenticator, &token).await.unwrap();
    set(&clock, NOW + 59);
    assert!(Arc::ptr_eq(&first.principal, &present(&authenticator, &token).await.unwrap().principal));
    set(&clock, NOW + 60);
    assert!(!Arc::ptr_eq(&first.principal, &present(&authenticator, &token).await.unwrap().principal));
}

#[tokio::test]
async fn the_cache_is_bounded_and_can_be_off() {
    let clock = clock();
    let keys = jwks(&[pair_for("ES256").jwk("k1", json!({}))]);
    let mut small = config(vec![issuer(&["ES256"], keys.clone())]);
    small.cache_entries = 10;
    let mut none = small.clone();
    none.cache_entries = 0;
    let mut no_time = small.clone();
    no_time.cache_ttl = Period::secs(0);
    let [small, none, no_time] = [small, none, no_time].map(|config| build(&config, &clock).unwrap());
    for n in 0..100 {
        let mut payload = claims();
        payload["sub"] = n.to_string().into();
        let token = es256_token(&payload);
        for authenticator in [&small, &none, &no_time] {
            assert_eq!(present(authenticator, &token).await.unwrap().principal.id, n.to_string());
        }
    }
    assert!((1..=10).contains(&small.cached_tokens()), "{}", small.cached_tokens());
    assert_eq!((none.cached_tokens(), no_time.cached_tokens()), (0, 0));
}

#[tokio::test]
async fn a_key_that_is_removed_stops_verifying_cached_tokens_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let (old, new) = (Pair::new(Algorithm::Es256), Pair::new(Algorithm::Es256));
    let write = |keys: &[serde_json::Value]| std::fs::write(&file, jwks(keys)).unwrap();
    write(&[old.jwk("old", json!({}))]);
    let mut from_file = issuer(&["ES256"], String::new());
    from_file.jwks = None;
    from_file.jwks_file = Some("jwks.json".into());
    let setup = Setup::new(folder.path(), clock(), client());
    let authenticator = verdict::identity::Authenticator::new(&config(vec![from_file]), &setup).unwrap();
    let token = old.token("ES256", "old", &claims());
    let first = present(&authenticator, &token).await.unwrap();

    // Another key beside it: the cached token stays good, and stays cached.
    write(&[old.jwk("old", json!({})), new.jwk("new", json!({}))]);
    authenticator.refresh_now().await;
    assert!(Arc::ptr_eq(&first.principal, &present(&authenticator, &token).await.unwrap().principal));
    assert_eq!(outcome(&authenticator, &new.token("ES256", "new", &claims())).await, "ok");

    // The same name for another key is another key.
    write(&[new.jwk("old", json!({}))]);
    authenticator.refresh_now().await;
    assert_eq!(outcome(&authenticator, &token).await, "the signature is not valid");

    // A key that may do something else now.
    write(&[old.jwk("old", json!({}))]);
    authenticator.refresh_now().await;
    assert_eq!(outcome(&authenticator, &token).await, "ok");
    write(&[old.jwk("old", json!({ "use": "enc" }))]);
    authenticator.refresh_now().await;
    assert_eq!(outcome(&authenticator, &token).await, "unknown key");

    // And none at all: everything is revoked.
    write(&[old.jwk("old", json!({}))]);
    authenticator.refresh_now().await;
    assert_eq!(outcome(&authenticator, &token).await, "ok");
    write(&[]);
    authenticator.refresh_now().await;
    assert_eq!(outcome(&authenticator, &token).await, "unknown key");
}

#[tokio::test]
async fn calls_at_once_agree() {
    let (authenticator, _) = es256();
    let authenticator = Arc::new(authenticator);
    let token = es256_token(&claims());
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let (authenticator, token) = (Arc::clone(&authenticator), token.clone());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::ZERO).await;
                outcome(&authenticator, &token).await
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), "ok");
    }
}
