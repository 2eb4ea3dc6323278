//! Tokens for a single use: at once, after a restart, and at two sidecars on one Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use verdict::model::clock::{Clock, Timestamp};

use super::support::NOW;
use crate::harness::redis::Redis;
use crate::harness::{Server, TestApp};

const SECRET: &str = "a-secret-for-single-use-of-32-bytes-and-more";
const POLICY: &str = "package app\nallow := true\n";

/// A server at a time, in seconds after [`NOW`].
fn start(at: i64, store: &str) -> Server {
    let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW + at));
    let config = format!(
        "identity: {{issuers: [{{issuer: relay, prefix: relay_jwt_, algorithms: [HS256], secret_env: JWT_SECRET, \
         single_use: true, max_lifetime: 10m}}]}}\n{store}"
    );
    let app = TestApp::new().config(&config).clock(clock).env(&[("JWT_SECRET", SECRET)]);
    app.file("app/app.rego", POLICY).start()
}

fn token(jti: &str, iat: i64) -> String {
    let claims = json!({"sub": "alice", "jti": jti, "iat": NOW + iat, "exp": NOW + iat + 300});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    format!("relay_jwt_{}", jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap())
}

/// The status, and the kind of failure in the record.
fn ask(server: &Server, token: &str) -> (u16, Value) {
    let (reply, record) = server.recorded(|| server.ask("/v1/data/app/allow", token, "{}"));
    (reply.status, record["error"]["kind"].clone())
}

#[test]
fn of_a_thousand_at_once_one_is_accepted() {
    let server = Arc::new(start(0, ""));
    let (token, accepted) = (Arc::new(token("t-1", 0)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let (server, token, accepted) = (Arc::clone(&server), Arc::clone(&token), Arc::clone(&accepted));
            std::thread::spawn(move || {
                for _ in 0..50 {
                    let status = server.ask("/v1/data/app/allow", &token, "{}").status;
                    assert!(matches!(status, 200 | 401), "{status}");
                    accepted.fetch_add(usize::from(status == 200), Ordering::Relaxed);
                }
            })
        })
        .collect();
    callers.into_iter().for_each(|caller| caller.join().unwrap());
    assert_eq!(accepted.load(Ordering::Relaxed), 1);
}

#[test]
fn a_restart_forgets_nothing_that_may_have_been_used() {
    let used = token("t-1", 0);
    let first = start(0, "");
    assert_eq!(ask(&first, &used), (200, Value::Null));
    assert_eq!(ask(&first, &used), (401, json!("credential_replayed")));
    assert!(first.shutdown());
    let second = start(5, "");
    assert_eq!(ask(&second, &used), (401, json!("credential_replayed")));
    assert_eq!(
        ask(&second, &token("t-2", 4)),
        (401, json!("credential_replayed")),
        "it may have been used before"
    );
    assert_eq!(ask(&second, &token("t-3", 5)), (200, Value::Null), "it was issued since");
}

#[test]
fn two_sidecars_on_one_redis_accept_a_token_once() {
    let Some(mut redis) = Redis::start() else { return };
    let store = format!("shared_store: {{backend: redis, redis: {{url: '{}', timeout: 2s}}}}\n", redis.url());
    let (one, other) = (start(0, &store), start(0, &store));
    let used = token("t-1", 0);
    assert_eq!(ask(&one, &used), (200, Value::Null));
    assert_eq!(ask(&other, &used), (401, json!("credential_replayed")));
    assert!(one.shutdown());
    let again = start(5, &store);
    assert_eq!(ask(&again, &used), (401, json!("credential_replayed")), "after a restart, too");
    assert_eq!(ask(&again, &token("t-2", 1)), (200, Value::Null), "redis knows what was before the restart");
    let everything = redis.cli(&["KEYS", "*"]).join(" ");
    assert!(!everything.contains("t-1") && !everything.contains("alice"), "{everything}");
    redis.kill();
    assert_eq!(ask(&again, &token("t-3", 5)), (503, json!("verifier_unavailable")));
}

#[test]
fn a_redis_that_asks_for_a_password_is_a_mistake_of_the_configuration() {
    let Some(redis) = Redis::start() else { return };
    redis.cli(&["CONFIG", "SET", "requirepass", "something"]);
    let store = format!("shared_store: {{backend: redis, redis: {{url: '{}', timeout: 2s}}}}\n", redis.url());
    assert_eq!(ask(&start(0, &store), &token("t-1", 0)), (500, json!("misconfigured")));
}
