//! Session tokens: which are accepted and which are not, once, rotated, and for one policy.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use verdict::model::presented::Presented;
use verdict::model::principal::IdentityMode;

use super::world::{GATEWAY, NOW, World, key_file, next_token, payload, standing};
use crate::harness::Reply;
use crate::harness::redis::Redis;

/// A policy of a name, with these terms.
pub fn policy(name: &str, identity: &str) -> String {
    format!(
        "apiVersion: aip.io/v1alpha2\nkind: AgentPolicy\nmetadata: {{name: {name}}}\nspec:\n  allowed_tools: [read, {name}-tool]\n  \
         identity: {{enabled: true, require_token: true{identity}}}\n"
    )
}

fn read() -> Value {
    json!({ "tool": "read", "arguments": {} })
}

/// `STATUS DECISION` or `STATUS TOKEN_ERROR`.
fn shown(reply: &Reply) -> String {
    let body = reply.json();
    let said = ["token_error", "decision", "error"].into_iter().find_map(|name| body[name].as_str());
    format!("{} {}", reply.status, said.unwrap_or_default())
}

fn ask(world: &World, token: &str) -> String {
    shown(&world.validate(token, &read()))
}

/// How many of ten thousand uses at once are accepted.
fn accepted_of_many(world: &World) -> usize {
    let token = world.first_token(None);
    let authenticator = &world.server.app.authorizer.in_force().authenticator;
    let headers =
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}")).unwrap())]);
    let (accepted, replayed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                world.server.block_on(async {
                    for _ in 0..500 {
                        match authenticator
                            .authenticate(IdentityMode::Required, &Presented::from(&headers))
                            .await
                        {
                            Ok(_) => accepted.fetch_add(1, Ordering::Relaxed),
                            Err(failure) => {
                                assert_eq!(failure.code, Some("replay_detected"), "{failure}");
                                replayed.fetch_add(1, Ordering::Relaxed)
                            }
                        };
                    }
                });
            });
        }
    });
    assert_eq!(accepted.load(Ordering::Relaxed) + replayed.load(Ordering::Relaxed), 10_000);
    accepted.into_inner()
}

#[test]
fn of_ten_thousand_replays_at_once_one_is_accepted() {
    assert_eq!(accepted_of_many(&World::of(&policy("a", ""))), 1);
}

#[test]
fn of_ten_thousand_replays_at_once_one_is_accepted_in_redis() {
    let Some(redis) = Redis::start() else { return };
    let store = format!("shared_store: {{backend: redis, redis: {{url: '{}', timeout: 5s}}}}\n", redis.url());
    let files = [("agent.yaml".to_owned(), policy("a", ", nonce_storage: {type: redis}"))].into();
    assert_eq!(accepted_of_many(&World::new(&files, standing(), &store)), 1);
}

#[test]
fn two_sidecars_with_one_key_and_one_redis_accept_a_token_once() {
    let Some(redis) = Redis::start() else { return };
    let store = format!("shared_store: {{backend: redis, redis: {{url: '{}', timeout: 5s}}}}\n", redis.url());
    let terms = ", session_binding: policy, nonce_storage: {type: redis}, keys: {key_source: file, key_path: key.pem}";
    let files = [("agent.yaml".to_owned(), policy("a", terms)), ("key.pem".to_owned(), key_file())].into();
    let (one, other) = (World::new(&files, standing(), &store), World::new(&files, standing(), &store));
    let token = one.first_token(None);
    assert_eq!(
        (ask(&other, &token), ask(&one, &token)),
        ("200 allow".to_owned(), "401 replay_detected".to_owned())
    );
}

#[test]
fn nonces_in_redis_need_a_redis() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("agent.yaml"), policy("a", ", nonce_storage: {type: redis}")).unwrap();
    let world = World::of(&policy("a", ""));
    std::fs::write(world.server.dir.path().join("agent.yaml"), policy("a", ", nonce_storage: {type: redis}"))
        .unwrap();
    let error = world.server.app.live.reload().unwrap_err();
    assert!(error.contains("asks for used nonces in Redis"), "{error}");
    assert_eq!(ask(&world, &world.first_token(None)), "200 allow", "the old policy stays in force");
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn pair(pem: &str) -> EcdsaKeyPair {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &BASE64_STANDARD.decode(body).unwrap())
        .unwrap()
}

fn signed(pair: &EcdsaKeyPair, header: &Value, payload: &Value) -> String {
    let signing = format!("{}.{}", b64(header.to_string()), b64(payload.to_string()));
    let signature = pair.sign(&SystemRandom::new(), signing.as_bytes()).unwrap();
    format!("{signing}.{}", b64(signature))
}

fn with(value: &Value, name: &str, member: impl Into<Value>) -> Value {
    let mut value = value.clone();
    value[name] = member.into();
    value
}

fn without(value: &Value, name: &str) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().remove(name);
    value
}

/// Whoever has the key can sign anything: what is wrong is refused all the same.
#[test]
fn bad_tokens_are_refused() {
    let (pem, other) = (key_file(), pair(&key_file()));
    let keys = ", keys: {key_source: file, key_path: key.pem}";
    let files = [
        ("agent.yaml".to_owned(), policy("a", keys)),
        ("made.yaml".to_owned(), policy("b", "")),
        ("key.pem".to_owned(), pem.clone()),
    ];
    let world = World::new(&files.into(), standing(), "");
    let (own, good) = (pair(&pem), world.first_token(Some("a")));
    let header: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(good.split('.').next().unwrap()).unwrap())
            .unwrap();
    let claims = payload(&good);
    let made = payload(&world.first_token(Some("b")));
    let time = |seconds: i64| verdict::model::clock::Timestamp::from_unix_seconds(NOW + seconds).rfc3339();
    let by = |claims: &Value| signed(&own, &header, claims);
    let headed = |header: &Value| signed(&own, header, &claims);
    let parts: Vec<&str> = good.split('.').collect();
    let hmac = |secret: &[u8]| {
        let signing = format!("{}.{}", b64(with(&header, "alg", "HS256").to_string()), parts[1]);
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        format!("{signing}.{}", b64(aws_lc_rs::hmac::sign(&key, signing.as_bytes())))
    };
    let eddsa = {
        let signing = format!("{}.{}", b64(with(&header, "alg", "EdDSA").to_string()), parts[1]);
        format!("{signing}.{}", b64(Ed25519KeyPair::generate().unwrap().sign(signing.as_bytes())))
    };
    let jwks = world.server.get("/v1/jwks");
    let cases = [
        ("alg none", format!("{}.{}.", b64(with(&header, "alg", "none").to_string()), parts[1]), "malformed"),
        ("HS256 by the public key", hmac(&jwks.body), "malformed"),
        ("EdDSA by another key", eddsa, "malformed"),
        ("ES384", headed(&with(&header, "alg", "ES384")), "malformed"),
        ("another type", headed(&with(&header, "typ", "JWT")), "malformed"),
        ("no type", headed(&without(&header, "typ")), "malformed"),
        ("no kid", headed(&without(&header, "kid")), "malformed"),
        ("another kid", headed(&with(&header, "kid", "k")), "malformed"),
        ("crit", headed(&with(&header, "crit", json!(["x"]))), "malformed"),
        ("a foreign key", signed(&other, &header, &claims), "malformed"),
        (
            "tampered",
            format!("{}.{}.{}", parts[0], b64(with(&claims, "agent_id", "b").to_string()), parts[2]),
            "malformed",
        ),
        ("no signature", format!("{}.{}", parts[0], parts[1]), "malformed"),
        ("unsigned JSON", b64(claims.to_string()), "malformed"),
        ("encrypted", format!("{good}.a.b"), "malformed"),
        ("exp and iat beside", by(&with(&with(&claims, "exp", NOW + 60), "iat", NOW)), "malformed"),
        ("a number for a time", by(&with(&claims, "expires_at", NOW + 60)), "malformed"),
        ("no time at all", by(&with(&claims, "expires_at", "soon")), "malformed"),
        ("null", by(&with(&claims, "aud", Value::Null)), "malformed"),
        ("a list of audiences", by(&with(&claims, "aud", json!(["a"]))), "malformed"),
        ("another version", by(&with(&claims, "version", "aip/v1alpha1")), "malformed"),
        ("a short nonce", by(&with(&claims, "nonce", "00")), "malformed"),
        ("another form of nonce", by(&with(&claims, "nonce", "A".repeat(32))), "malformed"),
        ("no session", by(&with(&claims, "session_id", "s-1")), "malformed"),
        ("too long a life", by(&with(&claims, "expires_at", time(3_601))), "malformed"),
        ("an end before the beginning", by(&with(&claims, "expires_at", time(-1))), "malformed"),
        (
            "from the future",
            by(&with(&with(&claims, "issued_at", time(31)), "expires_at", time(100))),
            "malformed",
        ),
        (
            "expired",
            by(&with(&with(&claims, "issued_at", time(-300)), "expires_at", time(0))),
            "token_expired",
        ),
        ("another audience", by(&with(&claims, "aud", "https://elsewhere.example")), "audience_mismatch"),
        ("another policy's hash", by(&with(&claims, "policy_hash", "0".repeat(64))), "policy_changed"),
        ("no such policy", by(&with(&claims, "agent_id", "gone")), "policy_changed"),
        ("a policy with another key", by(&made), "malformed"),
        (
            "another process",
            by(&with(&claims, "binding", with(&claims["binding"], "process_id", 1))),
            "session_mismatch",
        ),
        ("a binding of nothing", by(&with(&claims, "binding", json!({}))), "malformed"),
        ("issued before this server began", by(&with(&claims, "issued_at", time(-2))), "replay_detected"),
    ];
    for (what, token, error) in cases {
        assert_eq!(ask(&world, &token), format!("401 {error}"), "{what}");
    }
    for name in claims.as_object().unwrap().keys() {
        assert_eq!(ask(&world, &by(&without(&claims, name))), "401 malformed", "without {name}");
    }
    assert_eq!(ask(&world, &by(&claims)), "200 allow", "none of them used it up");
    assert_eq!(ask(&world, &good), "401 replay_detected", "the same nonce");
}

#[test]
fn a_strict_session_is_bound_to_all_of_its_place() {
    let keys = ", session_binding: strict, keys: {key_source: file, key_path: key.pem}";
    let pem = key_file();
    let files = [("agent.yaml".to_owned(), policy("a", keys)), ("key.pem".to_owned(), pem.clone())];
    let world = World::new(&files.into(), standing(), "");
    let good = world.first_token(None);
    let header: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(good.split('.').next().unwrap()).unwrap())
            .unwrap();
    let claims = payload(&good);
    for (name, value) in [
        ("process_id", json!(1)),
        ("hostname", json!("other")),
        ("policy_path", json!("/other.yaml")),
        ("container_id", json!("abcdefabcdef")),
        ("pod_uid", json!("u-1")),
    ] {
        let binding = with(&claims["binding"], name, value);
        let token = signed(&pair(&pem), &header, &with(&claims, "binding", binding));
        assert_eq!(ask(&world, &token), "401 binding_mismatch", "{name}");
    }
    assert_eq!(ask(&world, &good), "200 allow");
}

#[test]
fn each_answer_has_the_next_token_and_the_lifetime_is_renewed_in_time() {
    let world = World::of(&policy("a", ""));
    let first = world.first_token(None);
    let mut tokens = vec![first];
    for (wait, body) in [
        (10, read()),
        (0, json!({ "tool": "blocked", "arguments": {} })),
        (0, json!({ "nothing": 1 })),
        (229, read()),
        (1, read()),
        (299, read()),
    ] {
        world.wait(wait);
        let reply = world.validate(tokens.last().unwrap(), &body);
        assert!(matches!(reply.status, 200 | 400), "{}", shown(&reply));
        tokens.push(next_token(&reply).unwrap());
    }
    let said: Vec<Value> = tokens.iter().map(|token| payload(token)).collect();
    assert!(said.iter().all(|one| one["session_id"] == said[0]["session_id"]));
    let nonces: std::collections::BTreeSet<&str> =
        said.iter().map(|one| one["nonce"].as_str().unwrap()).collect();
    assert_eq!(nonces.len(), tokens.len());
    let ends: Vec<i64> = said
        .iter()
        .map(|one| one["expires_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second() - NOW)
        .collect();
    assert_eq!(ends, [300, 300, 300, 300, 300, 240 + 300, 540 - 1 + 300]);
    world.wait(300);
    assert_eq!(ask(&world, tokens.last().unwrap()), "401 token_expired");
}

#[test]
fn without_rotation_a_session_ends_with_its_first_token() {
    let world = World::of(&policy("a", ", rotation_interval: 0s"));
    world.wait(0);
    let first = world.first_token(None);
    world.wait(299);
    let next = next_token(&world.validate(&first, &read())).unwrap();
    assert_eq!(payload(&next)["expires_at"], payload(&first)["expires_at"]);
    world.wait(1);
    assert_eq!(ask(&world, &next), "401 token_expired");
}

#[test]
fn a_changed_policy_ends_sessions_at_once_or_after_its_grace() {
    let changed = |text: String| text.replace("[read,", "[read, more,");
    for (terms, at_once) in [("", "401 policy_changed"), (", policy_transition_grace: 1m", "200 allow")] {
        let world = World::of(&policy("a", terms));
        let (one, other) = (world.first_token(None), world.first_token(None));
        world.change(&changed(policy("a", terms)));
        let reply = world.validate(&one, &read());
        assert_eq!(shown(&reply), at_once, "{terms}");
        if let Some(next) = next_token(&reply) {
            assert_ne!(payload(&next)["policy_hash"], payload(&one)["policy_hash"]);
            world.wait(60);
            assert_eq!(ask(&world, &other), "401 policy_changed", "after the grace");
            assert_eq!(ask(&world, &next), "200 allow", "it is of the new policy");
        }
        assert_eq!(ask(&world, &world.first_token(None)), "200 allow");
    }
}

#[test]
fn teams_have_sessions_tools_and_keys_of_their_own() {
    let files = [
        ("a.yaml".to_owned(), policy("a", ", audience: 'https://aip.example/a'")),
        ("b.yaml".to_owned(), policy("b", ", keys: {signing_algorithm: EdDSA}")),
    ];
    let world = World::new(&files.into(), standing(), "");
    let (a, b) = (world.first_token(Some("a")), world.first_token(Some("b")));
    assert_eq!(payload(&a)["aud"], "https://aip.example/a");
    let call =
        |token: &str, tool: &str| shown(&world.validate(token, &json!({ "tool": tool, "arguments": {} })));
    assert_eq!((call(&a, "b-tool"), call(&b, "b-tool")), ("200 block".to_owned(), "200 allow".to_owned()));
    let reply = world.server.send("POST", "/v1/validate", &[GATEWAY], read().to_string().as_bytes());
    assert_eq!(reply.json()["reason"], "No policy is loaded for the caller", "whose call it is nobody says");
    assert_eq!(world.open(None).status, 404, "which of the two nobody says");
    let keys = world.server.get("/v1/jwks");
    assert_eq!(keys.header("cache-control"), Some("public, max-age=3600"));
    let mut algorithms: Vec<Value> =
        keys.json()["keys"].as_array().unwrap().iter().map(|key| key["alg"].clone()).collect();
    algorithms.sort_by_key(ToString::to_string);
    assert_eq!(algorithms, [json!("ES256"), json!("EdDSA")]);
    assert!(!String::from_utf8(keys.body).unwrap().contains("\"d\""), "no private key");
}

#[test]
fn keys_that_are_made_are_made_anew_and_the_old_ones_verify_what_they_signed() {
    let world =
        World::of(&policy("a", ", rotation_interval: 0s, token_ttl: 1h, keys: {rotation_period: 10m}"));
    let kids = || world.server.get("/v1/jwks").json()["keys"].as_array().unwrap().len();
    let old = world.first_token(None);
    assert_eq!(kids(), 1);
    world.wait(601);
    let new = world.first_token(None);
    assert_ne!(old.split('.').next(), new.split('.').next(), "another kid");
    assert_eq!((kids(), ask(&world, &old)), (2, "200 allow".to_owned()));
    world.wait(3_600);
    assert_eq!(ask(&world, &new), "401 token_expired");
}

#[test]
fn a_session_is_opened_by_who_may() {
    let world = World::of(&policy("a", ""));
    let open = |headers: &[(&str, &str)], body: &str| {
        shown(&world.server.send("POST", "/v1/sessions", headers, body.as_bytes()))
    };
    let token = format!("Bearer {}", world.first_token(None));
    let developer = format!(
        "Bearer {}",
        world.server.token(&verdict::identity::dev::TokenRequest {
            sub: "mallory".to_owned(),
            ttl: std::time::Duration::from_secs(60),
            ..Default::default()
        })
    );
    for (headers, body, expected) in [
        (&[][..], "", "401 token_required"),
        (&[("X-API-Key", "wrong")], "", "401 malformed"),
        (&[("Authorization", developer.as_str())], "", "403 forbidden"),
        (&[("Authorization", token.as_str())], "", "403 forbidden"),
        (&[GATEWAY], r#"{"policy": "none"}"#, "404 not_found"),
        (&[GATEWAY], r#"{"policies": "a"}"#, "400 invalid_request"),
        (&[GATEWAY], "", "201 "),
        (&[GATEWAY], r#"{"policy": "a"}"#, "201 "),
    ] {
        assert_eq!(open(headers, body), expected, "{body}");
    }
    let none = World::of(&policy("a", "").replace("enabled: true", "enabled: false"));
    assert_eq!(shown(&none.open(None)), "400 invalid_request", "it has no tokens");
}

#[test]
fn a_token_and_another_caller_do_not_go_together() {
    let world = World::of(&policy("a", ""));
    let token = format!("Bearer {}", world.first_token(None));
    let both = [("Authorization", token.as_str()), GATEWAY];
    let reply = world.server.send("POST", "/v1/validate", &both, read().to_string().as_bytes());
    assert_eq!(shown(&reply), "401 malformed");
    assert_eq!(ask(&world, token.strip_prefix("Bearer ").unwrap()), "200 allow", "it was not used up");
}
