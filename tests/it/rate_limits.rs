//! Rate limits over HTTP: who shares a limit with whom, what the answers say, and what a Redis has to do with it.

use std::time::{Duration, Instant};

use serde_json::json;
use verdict::identity::dev::TokenRequest;
use verdict::model::clock::{Clock, Timestamp};
use verdict::registry::KeyHash;

use crate::harness::redis::Redis;
use crate::harness::{Reply, Server, TestApp, wait_until};

const POLICY: &str = "package app\n\nallow := true\n\nallowed if input.n > 0\n";
const HEALTH: &str = "package system.health\n\ngood := true\n";
const PATH: &str = "/v1/data/app/allow";
const NOON: i64 = 1_795_000_000;

/// A server whose clock stands, with these lines of configuration.
fn limited(config: &str) -> (Server, Clock) {
    let clock = Clock::fixed(Timestamp::from_unix_seconds(NOON));
    let app = TestApp::new()
        .file("app/.manifest", r#"{"roots": ["app", "system"]}"#)
        .file("app/policy.rego", POLICY)
        .file("app/health.rego", HEALTH)
        .config(&format!("identity: {{mode: optional}}\n{config}"))
        .clock(clock.clone());
    (app.start(), clock)
}

fn token(server: &Server, sub: &str, roles: &[&str], tenant: Option<&str>) -> String {
    let claims = tenant.map(|tenant| ("tenant".to_owned(), json!(tenant)));
    server.token(&TokenRequest {
        sub: sub.to_owned(),
        kind: None,
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        claims: claims.into_iter().collect(),
        ttl: Duration::from_secs(3_600),
    })
}

/// The status and the two headers.
fn shown(reply: &Reply) -> (u16, Option<&str>, Option<&str>) {
    (reply.status, reply.header("ratelimit-policy"), reply.header("ratelimit"))
}

/// How many of so many calls are answered; the others must be refused for their rate.
fn answered(server: &Server, token: Option<&str>, calls: usize) -> usize {
    let replies = (0..calls).map(|_| match token {
        Some(token) => server.ask(PATH, token, "{}"),
        None => server.post(PATH, "{}"),
    });
    replies
        .filter(|reply| {
            assert!(matches!(reply.status, 200 | 429), "{reply:?}");
            reply.status == 200
        })
        .count()
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again() {
    let (server, clock) = limited("rate_limits: {users: 3/minute}\n");
    let alice = token(&server, "alice", &[], None);
    let policy = Some(r#""user";q=3;w=60"#);
    for (left, reset) in [(2, 20), (1, 40), (0, 60)] {
        let reply = server.ask(PATH, &alice, "{}");
        let standing = format!("\"user\";r={left};t={reset}");
        assert_eq!(shown(&reply), (200, policy, Some(standing.as_str())));
        assert_eq!(reply.header("retry-after"), None);
    }
    // Before the body: what is no JSON at all is not looked at.
    let (reply, record) = server.recorded(|| server.ask(PATH, &alice, "{{{"));
    assert_eq!(shown(&reply), (429, policy, Some(r#""user";r=0;t=60"#)));
    assert_eq!(reply.header("retry-after"), Some("20"));
    assert_eq!(reply.header("verdict-outcome"), Some("refused"));
    let body = reply.json();
    assert_eq!(body["code"], "rate_limited");
    assert_eq!(body["message"], "the rate limit `user` of 3/minute is exceeded");
    assert_eq!((&record["outcome"], &record["subject"]["id"]), (&json!("refused"), &json!("alice")));
    assert_eq!(
        server.lines("decisions.refused.jsonl").last(),
        Some(&record),
        "it makes way for no other record"
    );

    let bob = token(&server, "bob", &[], None);
    assert_eq!(answered(&server, Some(&bob), 4), 3);
    assert_eq!(server.metric(r#"verdict_rate_limit_refusals_total{limit="user"}"#), 2.0);
    clock.set(Timestamp::from_unix_seconds(NOON + 20));
    assert_eq!(answered(&server, Some(&alice), 2), 1);
    // What is wrong besides has no such headers, and neither has what nobody limits.
    let wrong = server.ask(PATH, "x.y.z", "{}");
    assert_eq!(shown(&wrong), (401, None, None));
    assert_eq!(shown(&server.post(PATH, "{}")), (200, None, None));
}

#[test]
fn nothing_is_said_where_nothing_is_limited() {
    let (server, _) = limited("");
    let alice = token(&server, "alice", &["admin"], Some("acme"));
    assert_eq!(shown(&server.ask(PATH, &alice, "{}")), (200, None, None));
}

#[test]
fn each_subject_has_the_largest_limit_of_its_roles() {
    let (server, _) = limited("rate_limits: {roles: {admin: 5/d, operator: 3/day, default: 2/days}}\n");
    for (sub, roles, expected) in [
        ("alice", &["operator", "admin"][..], 5),
        ("bob", &["admin"], 5),
        ("carol", &["operator", "stranger"], 3),
        ("dave", &["stranger"], 2),
        ("eve", &[], 2),
    ] {
        let token = token(&server, sub, roles, None);
        assert_eq!(answered(&server, Some(&token), 7), expected, "{sub}");
    }
    // Calls without a credential are counted by the peer's address.
    assert_eq!(answered(&server, None, 7), 2);
    let reply = server.post(PATH, "{}");
    assert_eq!(shown(&reply), (429, Some(r#""default";q=2;w=86400"#), Some(r#""default";r=0;t=86400"#)));
    // Another token of the same subject is not another subject.
    let again = token(&server, "alice", &["admin"], None);
    assert_eq!(answered(&server, Some(&again), 1), 0);
    // Health checks are not counted.
    for _ in 0..5 {
        assert_eq!(server.get("/health/good").status, 200);
        assert_eq!(server.get("/health/ready").status, 200);
    }
}

#[test]
fn a_tenant_shares_its_limit_and_no_two_tenants_do() {
    let (server, _) = limited("rate_limits: {tenants: 4/d, users: 3/d}\n");
    let of = |sub, tenant| token(&server, sub, &[], Some(tenant));
    assert_eq!(answered(&server, Some(&of("alice", "acme")), 5), 3, "her own");
    assert_eq!(answered(&server, Some(&of("bob", "acme")), 5), 1, "what she left of theirs");
    let refused = server.ask(PATH, &of("bob", "acme"), "{}");
    assert_eq!(refused.json()["message"], "the rate limit `tenant` of 4/day is exceeded");
    assert_eq!(answered(&server, Some(&of("alice", "other")), 5), 3, "the same id elsewhere");
    assert_eq!(answered(&server, Some(&of("acme", "alice")), 5), 3);
    assert_eq!(server.metric(r#"verdict_rate_limit_refusals_total{limit="tenant"}"#), 5.0);
}

#[test]
fn each_api_key_has_a_limit_of_its_own() {
    let hash = KeyHash::of;
    let directory = format!(
        "agents: [{{id: payer}}]\nkeys:\n- {{id: k1, kind: agent, agent: payer, hash: '{}'}}\n\
         - {{id: k2, kind: agent, agent: payer, hash: '{}'}}\n",
        hash("key-one"),
        hash("key-two"),
    );
    let app = TestApp::new()
        .file("app/policy.rego", POLICY)
        .config("identity: {static: directory.yaml}\nrate_limits: {keys: 3/d, users: 5/d}\n")
        .clock(Clock::fixed(Timestamp::from_unix_seconds(NOON)));
    std::fs::write(app.dir.path().join("directory.yaml"), directory).unwrap();
    let server = app.start();
    let ask = |key| server.send("POST", PATH, &[("x-api-key", key)], b"{}");
    let answered = |key| (0..4).filter(|_| ask(key).status == 200).count();
    assert_eq!(answered("key-one"), 3);
    assert_eq!(shown(&ask("key-one")), (429, Some(r#""key";q=3;w=86400"#), Some(r#""key";r=0;t=86400"#)));
    assert_eq!(answered("key-two"), 2, "what the first has left of their subject's");
    assert_eq!(shown(&ask("key-two")).1, Some(r#""user";q=5;w=86400"#));
}

#[test]
fn a_batch_counts_as_many_calls_as_it_has_inputs() {
    let (server, _) = limited("rate_limits: {users: 10/d}\n");
    let alice = token(&server, "alice", &[], None);
    let batch = |inputs: usize| {
        let inputs: serde_json::Map<_, _> = (0..inputs).map(|n| (n.to_string(), json!({"n": n}))).collect();
        server.ask("/v1/batch/data/app/allow", &alice, &json!({ "inputs": inputs }).to_string())
    };
    let policy = Some(r#""user";q=10;w=86400"#);
    assert_eq!(shown(&batch(4)), (200, policy, Some(r#""user";r=6;t=34560"#)));
    let refused = batch(7);
    // The first of it was counted, before anybody could know how many there are.
    assert_eq!(shown(&refused), (429, policy, Some(r#""user";r=5;t=43200"#)));
    assert_eq!(refused.header("retry-after"), Some("8640"));
    let never = batch(12);
    assert_eq!((never.status, never.header("retry-after")), (413, None));
    let said = never.json()["message"].as_str().unwrap().to_owned();
    assert!(said.contains("more calls than the rate limit `user` of 10/day allows"), "{said}");
    assert_eq!(batch(4).status, 200);
}

#[test]
fn a_reload_keeps_what_was_counted_and_changes_what_is_allowed() {
    let (server, _) = limited("rate_limits: {users: 3/d}\n");
    let alice = token(&server, "alice", &[], None);
    assert_eq!(answered(&server, Some(&alice), 4), 3);
    let change = |from: &str, to: &str| {
        let file = server.dir.path().join("verdict.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&file, text.replace(from, to)).unwrap();
        assert_eq!(server.block_on(async { server.app.live.reload() }), Ok(Vec::new()));
    };
    change("optional", "required");
    assert_eq!(answered(&server, Some(&alice), 1), 0, "as before");
    change("users: 3/d", "users: 6/d");
    // Three of three were taken, which is a day's; so it is in the new measure.
    assert_eq!(answered(&server, Some(&alice), 1), 0);
    let bob = token(&server, "bob", &[], None);
    assert_eq!(answered(&server, Some(&bob), 7), 6);
    change("rate_limits: {users: 6/d}", "");
    assert_eq!(shown(&server.ask(PATH, &alice, "{}")), (200, None, None));
    change("state: state", "state: state\nrate_limits: {users: 6/d}\nshared_store: {max_entries: 5}");
    assert_eq!(answered(&server, Some(&bob), 7), 6, "another store");
}

fn shared(redis: &Redis, more: &str) -> String {
    format!(
        "rate_limits: {{users: 5/d}}\nshared_store: {{backend: redis, redis: {{url: '{}', timeout: 2s}}{more}}}\n",
        redis.url()
    )
}

#[test]
fn two_sidecars_on_one_redis_share_a_limit() {
    let Some(redis) = Redis::start() else { return };
    let (one, _) = limited(&shared(&redis, ""));
    let (other, _) = limited(&shared(&redis, ""));
    // Both trust the same issuer: its name counts, not its key.
    let tokens = [&one, &other].map(|server| (server, token(server, "alice", &[], None)));
    let mut statuses = Vec::new();
    for n in 0..8 {
        let (server, token) = &tokens[n % 2];
        statuses.push(server.ask(PATH, token, "{}").status);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
    let keys = redis.cli(&["KEYS", "*"]);
    assert!(keys.len() == 1 && keys.iter().all(|key| key.starts_with("verdict:limit:")), "{keys:?}");
}

#[test]
fn without_its_redis_a_sidecar_refuses() {
    let Some(mut redis) = Redis::start() else { return };
    let (server, _) = limited(&shared(&redis, ""));
    let alice = token(&server, "alice", &[], None);
    assert_eq!(server.ask(PATH, &alice, "{}").status, 200);
    redis.kill();
    let begun = Instant::now();
    for _ in 0..5 {
        let reply = server.ask(PATH, &alice, "{}");
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
        assert_eq!(
            reply.json()["message"],
            "calls cannot be counted against their rate limits now: redis does not answer (`shared_store.redis`)"
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "it hangs");
    assert_eq!(server.metric("verdict_rate_limit_failures_total"), 5.0);
    // Who has no limit needs no Redis.
    assert_eq!(server.post(PATH, "{}").status, 200);
    redis.restart();
    wait_until("the store's return", || server.ask(PATH, &alice, "{}").status == 200);
}

#[test]
fn without_its_redis_a_sidecar_counts_for_itself_where_it_is_told_to() {
    let Some(mut redis) = Redis::start() else { return };
    redis.kill();
    let (server, _) = limited(&shared(&redis, ", on_failure: local"));
    let alice = token(&server, "alice", &[], None);
    assert_eq!(answered(&server, Some(&alice), 7), 5);
}
