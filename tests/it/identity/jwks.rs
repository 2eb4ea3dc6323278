//! Keys from a real identity provider on a socket, and all that it can do wrong.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use verdict::identity::{Authenticator, Config, IssuerStatus, Pace, Setup};
use verdict::model::clock::{Clock, Timestamp};
use verdict::model::failure::FailureKind;
use verdict::model::units::Period;
use verdict_jose::Algorithm;

use super::support::*;

fn config_for(provider: &Provider) -> Config {
    let mut from_url = issuer(&["ES256"], String::new());
    from_url.jwks = None;
    from_url.jwks_url = Some(provider.url.as_str().into());
    config(vec![from_url])
}

fn with_pace(config: &Config, pace: Pace) -> Authenticator {
    with_clock(config, pace, &clock())
}

fn with_clock(config: &Config, pace: Pace, clock: &Clock) -> Authenticator {
    let mut setup = Setup::new(Path::new("."), clock.clone(), client());
    setup.pace = pace;
    Authenticator::new(config, &setup).unwrap()
}

/// Every unknown key may be asked for at once; nothing else is quicker than usual.
fn no_cooldown() -> Pace {
    Pace { cooldown: Duration::ZERO, ..Pace::default() }
}

fn keys(pairs: &[(&str, &Pair)]) -> Answer {
    let all: Vec<Value> = pairs.iter().map(|(kid, pair)| pair.jwk(kid, json!({}))).collect();
    Answer::Body(jwks(&all))
}

async fn kind(authenticator: &Authenticator, token: &str) -> Option<FailureKind> {
    present(authenticator, token).await.err().map(|failure| failure.kind)
}

fn status(authenticator: &Authenticator) -> IssuerStatus {
    authenticator.status().remove(0)
}

#[tokio::test]
async fn a_rotated_key_is_found_and_a_removed_one_is_gone() {
    let (old, new) = (Pair::new(Algorithm::Es256), Pair::new(Algorithm::Es256));
    let (by_old, by_new) = (old.token("ES256", "old", &claims()), new.token("ES256", "new", &claims()));
    let provider = Provider::start(keys(&[("old", &old)])).await;
    let authenticator = with_pace(&config_for(&provider), no_cooldown());
    assert_eq!(status(&authenticator).generation, 0);
    assert_eq!(kind(&authenticator, &by_old).await, None, "the first call brings the keys");
    assert_eq!(kind(&authenticator, &by_new).await, Some(FailureKind::CredentialInvalid));

    provider.answer(keys(&[("old", &old), ("new", &new)]));
    assert_eq!(kind(&authenticator, &by_new).await, None, "the unknown key is asked for");
    assert_eq!(kind(&authenticator, &by_old).await, None);
    let before = provider.calls();
    for token in [&by_old, &by_new] {
        assert_eq!(kind(&authenticator, token).await, None);
    }
    assert_eq!(provider.calls(), before, "known keys are not asked for");

    provider.answer(keys(&[("new", &new)]));
    authenticator.refresh_now().await;
    assert_eq!(
        kind(&authenticator, &by_old).await,
        Some(FailureKind::CredentialInvalid),
        "though it is cached"
    );
    assert_eq!(kind(&authenticator, &by_new).await, None);
    let status = status(&authenticator);
    assert_eq!((status.keys, status.generation, status.last_error), (1, 3, None));
    assert_eq!(status.source, provider.url);
}

#[tokio::test]
async fn a_flood_of_unknown_kids_is_one_fetch_and_harms_nobody() {
    let good_key = pair_for("ES256");
    let good = good_key.token("ES256", "k1", &claims());
    for (answer, expected, good_expected) in [
        (keys(&[("k1", good_key)]), FailureKind::CredentialInvalid, None),
        (Answer::Body(jwks(&[])), FailureKind::CredentialInvalid, Some(FailureKind::CredentialInvalid)),
        (Answer::Status(500), FailureKind::VerifierUnavailable, Some(FailureKind::VerifierUnavailable)),
    ] {
        let provider = Provider::start(answer).await;
        let authenticator =
            with_pace(&config_for(&provider), Pace { cooldown: Duration::from_secs(300), ..Pace::default() });
        let signed = good.rsplit_once('.').unwrap().1;
        assert_eq!(kind(&authenticator, &good).await, good_expected);
        for n in 0..10_000 {
            let header = b64(json!({ "alg": "ES256", "kid": format!("random-{n}") }).to_string());
            let forged = format!("{header}.{}.{signed}", b64(claims().to_string()));
            assert_eq!(kind(&authenticator, &forged).await, Some(expected));
            if n % 100 == 0 {
                assert_eq!(kind(&authenticator, &good).await, good_expected);
            }
        }
        assert_eq!(provider.calls(), 1);
    }
}

#[tokio::test]
async fn calls_that_meet_one_new_key_share_one_fetch() {
    let pair = pair_for("ES256");
    let provider = Provider::start(keys(&[("k1", pair)])).await;
    let authenticator = Arc::new(with_pace(&config_for(&provider), Pace::default()));
    let calls: Vec<_> = (0..100)
        .map(|n| {
            let mut payload = claims();
            payload["sub"] = format!("user-{n}").into();
            let (authenticator, token) = (Arc::clone(&authenticator), pair.token("ES256", "k1", &payload));
            tokio::spawn(async move { kind(&authenticator, &token).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), None);
    }
    assert_eq!(provider.calls(), 1);
}

#[tokio::test]
async fn a_provider_that_fails_leaves_the_last_good_keys_and_says_so() {
    let pair = pair_for("ES256");
    let good = pair.token("ES256", "k1", &claims());
    let elsewhere = Provider::start(keys(&[("k1", pair)])).await;
    let many = jwks(&vec![pair.jwk("k", json!({})); 101]);
    let long = jwks(&[json!({ "kty": "oct", "x": "x".repeat(20_000) })]);
    for (answer, error) in [
        (Answer::Status(500), "answered 500 instead of 200"),
        (Answer::Status(404), "answered 404 instead of 200"),
        (Answer::Redirect(elsewhere.url.clone()), "answered 302, a redirect"),
        (Answer::Silence, "no complete answer within 1s"),
        (Answer::Endless, "the body is longer than 1048576 bytes"),
        (Answer::Body(" ".repeat((1 << 20) + 1)), "the body is longer than 1048576 bytes"),
        (Answer::Body("<html>".into()), "not a jwks"),
        (Answer::Body(many), "the jwks has 101 keys"),
        (Answer::Body(long), "keys[0] of the jwks is longer than 16384 bytes"),
    ] {
        let provider = Provider::start(answer.clone()).await;
        let patience = if matches!(answer, Answer::Silence) { 1 } else { 60 };
        let pace = Pace { timeout: Duration::from_secs(patience), ..no_cooldown() };
        let authenticator = with_pace(&config_for(&provider), pace);
        // Never obtained: nothing can be said of any token.
        assert_eq!(kind(&authenticator, &good).await, Some(FailureKind::VerifierUnavailable), "{error}");
        // A forged one is not even looked at.
        assert_eq!(kind(&authenticator, "a.b.c").await, Some(FailureKind::CredentialInvalid));

        provider.answer(keys(&[("k1", pair)]));
        assert_eq!(kind(&authenticator, &good).await, None, "{error}");
        provider.answer(answer);
        authenticator.refresh_now().await;
        let after = status(&authenticator);
        assert!(
            after.last_error.as_deref().is_some_and(|text| text.contains(error)),
            "{:?}",
            after.last_error
        );
        assert_eq!((after.keys, after.generation), (1, 1));
        assert!(after.last_success.is_some());
        let mut payload = claims();
        payload["sub"] = "not cached".into();
        assert_eq!(kind(&authenticator, &pair.token("ES256", "k1", &payload)).await, None, "{error}");
        // A key that may be new cannot be told from a forged one now.
        let unknown = pair.token("ES256", "k2", &claims());
        assert_eq!(kind(&authenticator, &unknown).await, Some(FailureKind::VerifierUnavailable), "{error}");
    }
    assert_eq!(elsewhere.calls(), 0, "no redirect is followed");
}

#[tokio::test]
async fn a_provider_that_is_gone_is_a_failure_and_not_a_pass() {
    let provider = Provider::start(Answer::Silence).await;
    let mut config = config_for(&provider);
    // A port that nobody listens on: bound, and let go.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    config.issuers[0].jwks_url = Some(format!("http://{free}/").as_str().into());
    let authenticator = with_pace(&config, no_cooldown());
    let token = es256_token(&claims());
    assert_eq!(kind(&authenticator, &token).await, Some(FailureKind::VerifierUnavailable));
    assert!(status(&authenticator).last_error.unwrap().contains("the call failed"));
}

#[tokio::test]
async fn a_call_does_not_wait_for_ever_and_others_not_at_all() {
    let pair = pair_for("ES256");
    let (good, unknown) = (pair.token("ES256", "k1", &claims()), pair.token("ES256", "k2", &claims()));
    for (wait, ends) in [(Duration::from_millis(50), true), (Duration::from_secs(600), false)] {
        let provider = Provider::start(keys(&[("k1", pair)])).await;
        let pace = Pace { wait, timeout: Duration::from_secs(900), ..no_cooldown() };
        let authenticator = Arc::new(with_pace(&config_for(&provider), pace));
        assert_eq!(kind(&authenticator, &good).await, None);
        provider.answer(Answer::Silence);
        let waiting = tokio::spawn({
            let (authenticator, unknown) = (Arc::clone(&authenticator), unknown.clone());
            async move { kind(&authenticator, &unknown).await }
        });
        until("the second fetch", || provider.calls() >= 2).await;
        assert_eq!(kind(&authenticator, &good).await, None);
        if ends {
            assert_eq!(waiting.await.unwrap(), Some(FailureKind::CredentialInvalid));
        } else {
            assert!(!waiting.is_finished(), "the good call did not wait for the other");
            waiting.abort();
        }
    }
}

#[tokio::test]
async fn unusable_keys_are_left_out_with_a_warning() {
    let pair = pair_for("ES256");
    let oct = json!({ "kty": "oct", "kid": "k1", "alg": "HS256", "k": b64([1; 32]) });
    let odd = json!({ "kty": "XYZ", "kid": "x" });
    let provider =
        Provider::start(Answer::Body(jwks(&[oct, odd, json!(7), pair.jwk("k1", json!({}))]))).await;
    let authenticator = with_pace(&config_for(&provider), no_cooldown());
    assert_eq!(kind(&authenticator, &pair.token("ES256", "k1", &claims())).await, None);
    let status = status(&authenticator);
    assert_eq!(status.keys, 1);
    assert_eq!(
        status.warnings,
        [
            "keys[0] is ignored: it is a symmetric key (`oct`), and whoever can read it could sign with it",
            "keys[1] is ignored: its type `XYZ` is not supported",
            "keys[2] is ignored: it is not a json object",
        ]
    );
}

/// Keeps the keys of every issuer fresh, as the supervisor does, until it is dropped.
fn refreshed(authenticator: &Authenticator) -> JoinSet<()> {
    authenticator.key_refreshes().into_iter().map(verdict::identity::KeyRefresh::run).collect()
}

/// The background task: it fetches before any call, and again; it ends when it is dropped.
#[tokio::test]
async fn the_background_fetches_first_and_again() {
    let pair = pair_for("ES256");
    let provider = Provider::start(Answer::Status(503)).await;
    let mut config = config_for(&provider);
    config.issuers[0].jwks_refresh = Period::millis(20);
    let pace = Pace { cooldown: Duration::from_millis(5), ..Pace::default() };
    let authenticator = with_pace(&config, pace);
    let refresh = refreshed(&authenticator);
    until("a failed fetch", || status(&authenticator).last_error.is_some()).await;
    provider.answer(keys(&[("k1", pair)]));
    until("the keys", || status(&authenticator).generation != 0).await;
    assert_eq!(status(&authenticator).last_error, None);
    provider.answer(Answer::Body(jwks(&[])));
    until("the keys that are gone", || status(&authenticator).generation != 1).await;
    assert_eq!(status(&authenticator).keys, 0);
    drop(refresh);
}

#[tokio::test]
async fn a_file_is_read_again_and_a_bad_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let (old, new) = (Pair::new(Algorithm::Es256), Pair::new(Algorithm::Es256));
    let write = |text: String| std::fs::write(&file, text).unwrap();
    write(jwks(&[old.jwk("k1", json!({}))]));
    let mut from_file = issuer(&["ES256"], String::new());
    (from_file.jwks, from_file.jwks_file) = (None, Some("jwks.json".into()));
    let mut setup = Setup::new(folder.path(), clock(), client());
    setup.pace.file_poll = Duration::from_millis(5);
    let authenticator = Authenticator::new(&config(vec![from_file]), &setup).unwrap();
    let _refresh = refreshed(&authenticator);
    let by_old = old.token("ES256", "k1", &claims());
    assert_eq!(kind(&authenticator, &by_old).await, None);

    write("{".into());
    until("the file that is wrong", || status(&authenticator).last_error.is_some()).await;
    assert_eq!(kind(&authenticator, &by_old).await, None);
    assert_eq!(status(&authenticator).generation, 1);

    write(jwks(&[new.jwk("k1", json!({}))]));
    until("the new file", || status(&authenticator).generation != 1).await;
    assert_eq!(kind(&authenticator, &by_old).await, Some(FailureKind::CredentialInvalid));
    assert_eq!(kind(&authenticator, &new.token("ES256", "k1", &claims())).await, None);
}

#[tokio::test]
async fn a_reload_keeps_the_keys_of_an_unchanged_source() {
    let pair = pair_for("ES256");
    let provider = Provider::start(keys(&[("k1", pair)])).await;
    let token = pair.token("ES256", "k1", &claims());
    let before = with_pace(&config_for(&provider), Pace::default());
    assert_eq!(kind(&before, &token).await, None);
    let mut config = config_for(&provider);
    config.issuers[0].audience = vec!["another".to_owned()];
    let mut after = with_pace(&config, Pace::default());
    after.adopt_keys(&before);
    let _refresh = refreshed(&after);
    assert_eq!(status(&after).generation, 1);
    assert_eq!(outcome(&after, &token).await, "the audience does not match", "the cache is not taken over");
    assert_eq!(provider.calls(), 1);
}

/// The time, so many seconds after the start, and a token that is valid then.
fn later(clock: &Clock, pair: &Pair, seconds: i64) -> String {
    clock.set(Timestamp::from_unix_seconds(NOW + seconds));
    let mut payload = claims();
    payload["exp"] = (NOW + seconds + 300).into();
    pair.token("ES256", "k1", &payload)
}

const DAY: i64 = 24 * 60 * 60;

#[tokio::test]
async fn keys_that_cannot_be_read_again_are_too_old_after_a_day() {
    let pair = pair_for("ES256");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let provider = Provider::start(Answer::Status(500)).await;
    let from_url = config_for(&provider);
    let mut from_file = from_url.clone();
    from_file.issuers[0].jwks_url = None;
    from_file.issuers[0].jwks_file = Some(file.clone());
    for config in [from_url, from_file] {
        // Readable: a URL once it is asked for, a file at the start.
        let mend = || {
            provider.answer(keys(&[("k1", pair)]));
            std::fs::write(&file, jwks(&[pair.jwk("k1", json!({}))])).unwrap();
        };
        let damage = || {
            provider.answer(Answer::Status(500));
            std::fs::write(&file, "{").unwrap();
        };
        mend();
        let clock = clock();
        let mut config = config;
        // So that what is cached is not cached anew.
        config.cache_ttl = Period::secs(10 * DAY as u64);
        let authenticator = with_clock(&config, no_cooldown(), &clock);
        let mut cached = claims();
        cached["exp"] = (NOW + 2 * DAY).into();
        let cached = pair.token("ES256", "k1", &cached);
        assert_eq!(kind(&authenticator, &cached).await, None);
        damage();
        authenticator.refresh_now().await;
        for (after, expected) in [(DAY, None), (DAY + 1, Some(FailureKind::VerifierUnavailable))] {
            let fresh = later(&clock, pair, after);
            for token in [&cached, &fresh] {
                assert_eq!(kind(&authenticator, token).await, expected, "after {after} s");
            }
            assert_eq!(status(&authenticator).too_old, expected.is_some());
        }
        assert_eq!(authenticator.cached_tokens(), 2);
        assert_eq!(outcome(&authenticator, &cached).await, "the issuer's keys are too old");
        // What is wrong with the token itself is still said.
        assert_eq!(kind(&authenticator, "a.b.c").await, Some(FailureKind::CredentialInvalid));
        // The next call asks for them, and so does not wait for the background.
        mend();
        assert_eq!(kind(&authenticator, &cached).await, None);
        assert!(!status(&authenticator).too_old);
        later(&clock, pair, 2 * DAY);
        damage();
        assert_eq!(
            kind(&authenticator, &later(&clock, pair, 2 * DAY + 1)).await,
            None,
            "a day from the last success"
        );
    }
}

#[tokio::test]
async fn the_greatest_age_is_as_configured_and_keys_in_memory_have_none() {
    let pair = pair_for("ES256");
    let provider = Provider::start(keys(&[("k1", pair)])).await;
    let mut config = config_for(&provider);
    config.issuers[0].jwks_max_age = Period::secs(600);
    let clock = clock();
    let authenticator = with_clock(&config, no_cooldown(), &clock);
    assert_eq!(outcome(&authenticator, &later(&clock, pair, 0)).await, "ok");
    provider.answer(Answer::Status(500));
    assert_eq!(outcome(&authenticator, &later(&clock, pair, 600)).await, "ok");
    assert_eq!(outcome(&authenticator, &later(&clock, pair, 601)).await, "the issuer's keys are too old");
    let (in_memory, clock) = es256();
    assert_eq!(outcome(&in_memory, &later(&clock, pair, 1000 * DAY)).await, "ok");
    assert!(!status(&in_memory).too_old);
}

#[tokio::test]
async fn another_key_under_the_same_kid_is_fetched_for() {
    let (old, new, rsa) = (Pair::new(Algorithm::Es256), Pair::new(Algorithm::Es256), pair_for("RS256"));
    let provider = Provider::start(keys(&[("k1", &old)])).await;
    let mut config = config_for(&provider);
    config.issuers[0].algorithms.push("RS256".to_owned());
    let authenticator = with_pace(&config, no_cooldown());
    let [by_old, by_new] = [&old, &new].map(|pair| pair.token("ES256", "k1", &claims()));
    let by_rsa = rsa.token("RS256", "k1", &claims());
    assert_eq!(outcome(&authenticator, &by_old).await, "ok");
    assert_eq!(outcome(&authenticator, &by_new).await, "the signature is not valid");
    assert_eq!(provider.calls(), 2);
    provider.answer(keys(&[("k1", &new)]));
    assert_eq!(outcome(&authenticator, &by_new).await, "ok");
    assert_eq!(outcome(&authenticator, &by_old).await, "the signature is not valid", "though it is cached");
    // Another type of key under the same name.
    assert_eq!(outcome(&authenticator, &by_rsa).await, "the key is not for the token's algorithm");
    provider.answer(keys(&[("k1", rsa)]));
    assert_eq!(outcome(&authenticator, &by_rsa).await, "ok");
    // A provider that fails leaves the doubt with the token.
    provider.answer(Answer::Status(500));
    assert_eq!(outcome(&authenticator, &rsa_forged()).await, "the signature is not valid");
}

/// A token with the key's name and another's signature.
fn rsa_forged() -> String {
    let good = pair_for("RS256").token("RS256", "k1", &claims());
    let (signed, _) = good.rsplit_once('.').unwrap();
    format!("{signed}.{}", b64([1; 256]))
}

#[tokio::test]
async fn a_flood_of_bad_signatures_is_one_fetch() {
    let pair = pair_for("ES256");
    let provider = Provider::start(keys(&[("k1", pair)])).await;
    let pace = Pace { cooldown: Duration::from_secs(300), ..Pace::default() };
    let mut config = config_for(&provider);
    config.issuers[0].jwks_refresh = Period::secs(300);
    let authenticator = with_pace(&config, pace);
    let good = pair.token("ES256", "k1", &claims());
    let (signed, _) = good.rsplit_once('.').unwrap();
    assert_eq!(outcome(&authenticator, &good).await, "ok");
    for n in 0..1000_u32 {
        let forged = format!("{signed}.{}", b64([&n.to_be_bytes()[..], &[1; 60]].concat()));
        assert_eq!(outcome(&authenticator, &forged).await, "the signature is not valid");
    }
    assert_eq!(provider.calls(), 1);
}

/// What was fetched before somebody asked may be older than what made them ask.
#[tokio::test]
async fn a_refresh_is_not_content_with_a_fetch_that_was_under_way() {
    let (old, new) = (Pair::new(Algorithm::Es256), Pair::new(Algorithm::Es256));
    let provider = Provider::start(Answer::Silence).await;
    let pace = Pace { timeout: Duration::from_millis(500), wait: Duration::ZERO, ..no_cooldown() };
    let authenticator = with_pace(&config_for(&provider), pace);
    let by_new = new.token("ES256", "k1", &claims());
    // Starts a fetch that is answered with silence, and does not wait for it.
    assert_eq!(kind(&authenticator, &by_new).await, Some(FailureKind::VerifierUnavailable));
    while provider.calls() == 0 {
        tokio::task::yield_now().await;
    }
    provider.answer(keys(&[("k0", &old), ("k1", &new)]));
    authenticator.refresh_now().await;
    assert_eq!((provider.calls(), status(&authenticator).keys), (2, 2));
    assert_eq!(kind(&authenticator, &by_new).await, None);
}
