//! Bundle endpoints: right, slow, down, and lying.

use std::time::Duration;

use serde_json::{Value, json};
use verdict::identity::{Authenticator, EndpointProfile, FederationConfig, Pace, TrustDomainConfig};
use verdict::model::failure::FailureKind;
use verdict_jose::Algorithm;

use super::super::support::*;
use super::bundles::kept;
use super::*;

fn at(url: &str) -> TrustDomainConfig {
    TrustDomainConfig {
        name: DOMAIN.to_owned(),
        federation: Some(FederationConfig {
            endpoint_url: url.into(),
            profile: EndpointProfile::HttpsWeb,
            endpoint_spiffe_id: None,
        }),
        ..TrustDomainConfig::default()
    }
}

fn numbered(keys: &[(&str, &Pair)], sequence: u64) -> Answer {
    Answer::Body(bundle(keys, json!({ "spiffe_sequence": sequence, "spiffe_refresh_hint": 1 })))
}

#[tokio::test]
async fn an_endpoint_that_fails_or_lies_changes_nothing() {
    let pair = Pair::new(Algorithm::Es256);
    let token = pair.token("ES256", "k1", &svid("spiffe://example.org/a"));
    let provider = Provider::start(Answer::Status(500)).await;
    let mut setup = Setup::new(Path::new("."), clock(), client());
    setup.pace = Pace { timeout: Duration::from_millis(300), ..Pace::default() };
    let authenticator = Authenticator::new(&trusting(vec![at(&provider.url)]), &setup).unwrap();
    authenticator.refresh_now().await;
    assert_eq!(kind(&authenticator, &token).await, Some(FailureKind::VerifierUnavailable));
    provider.answer(numbered(&[("k1", &pair)], 5));
    authenticator.refresh_now().await;
    assert_eq!(kind(&authenticator, &token).await, None);
    let thief = Pair::new(Algorithm::Es256);
    let elsewhere = Provider::start(numbered(&[("k1", &thief)], 9)).await;
    for (answer, error) in [
        (Answer::Status(404), "answered 404"),
        (Answer::Status(204), "answered 204"),
        (Answer::Redirect(elsewhere.url.clone()), "redirects are not followed"),
        (Answer::Silence, "no complete answer"),
        (Answer::Endless, "longer than"),
        (Answer::Body("<html>".to_owned()), "not a bundle"),
        (Answer::Body(String::new()), "not a bundle"),
        (Answer::Body(" ".repeat(2 << 20)), "longer than"),
        (numbered(&[("k1", &thief)], 4), "its sequence 4 is lower than 5"),
        (numbered(&[], 0), "its sequence 0 is lower than 5"),
    ] {
        provider.answer(answer);
        authenticator.refresh_now().await;
        let status = authenticator.status().remove(0);
        assert!(status.last_error.as_ref().unwrap().contains(error), "{error}: {:?}", status.last_error);
        assert_eq!(status.generation, 1, "{error}");
        assert_eq!(kind(&authenticator, &token).await, None, "{error}");
    }
    assert_eq!(elsewhere.calls(), 0);
    // A document without a number is taken, but makes no way back for an older one.
    provider.answer(Answer::Body(bundle(&[("k1", &pair)], json!({}))));
    authenticator.refresh_now().await;
    assert_eq!(authenticator.status()[0].last_error, None);
    provider.answer(numbered(&[("k1", &thief)], 4));
    authenticator.refresh_now().await;
    assert_eq!(authenticator.status()[0].generation, 2);
    provider.answer(numbered(&[("k2", &thief)], 5));
    authenticator.refresh_now().await;
    assert_eq!(outcome(&authenticator, &token).await, "unknown key");
}

/// Whoever serves a domain's bundle can have that domain's workloads be anyone of it, and nobody of another.
#[tokio::test]
async fn an_endpoint_with_the_keys_of_another_domain_speaks_for_its_own_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (victim, thief) = (Pair::new(Algorithm::Es256), Pair::new(Algorithm::Es256));
    let provider = Provider::start(numbered(&[("k1", &victim), ("k2", &thief)], 1)).await;
    let file = write(dir.path(), "b.json", &bundle(&[("k1", &victim)], json!({})));
    let authenticator = quick(&trusting(vec![in_file("victim.example", &file), at(&provider.url)]), &clock());
    authenticator.refresh_now().await;
    for (pair, kid, domain, expected) in [
        (&victim, "k1", "victim.example", "ok"),
        (&thief, "k2", DOMAIN, "ok"),
        (&thief, "k2", "victim.example", "unknown key"),
        (&thief, "k1", "victim.example", "the signature is not valid"),
    ] {
        let token = pair.token("ES256", kid, &svid(&format!("spiffe://{domain}/a")));
        assert_eq!(outcome(&authenticator, &token).await, expected, "{kid} {domain}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_endpoint_is_asked_as_often_as_its_bundle_says_within_bounds() {
    let pair = Pair::new(Algorithm::Es256);
    for (hint, least, most) in [
        (json!(60), 54, 60),
        (json!(0), 300, 360),
        (json!(1), 300, 360),
        (Value::Null, 10, 12),
        // Never so seldom that the bundle becomes too old: a day.
        (json!(1_000_000_000), 0, 1),
    ] {
        let document = bundle(&[("k1", &pair)], json!({ "spiffe_refresh_hint": hint }));
        let provider = Provider::start(Answer::Body(document)).await;
        let setup = Setup::new(Path::new("."), clock(), client());
        let authenticator = Authenticator::new(&trusting(vec![at(&provider.url)]), &setup).unwrap();
        let _tasks = kept(&authenticator);
        tokio::time::sleep(Duration::from_secs(5)).await;
        let before = provider.calls();
        assert_eq!(before, 1, "{hint}: at once");
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let calls = provider.calls() - before;
        assert!((least..=most).contains(&calls), "{hint}: {calls} calls in an hour");
    }
}
