//! Events that are sent to us (RFC 8935).

use serde_json::{Value, json};
use verdict::model::clock::Timestamp;
use verdict::registry::row::SelectAudit;
use verdict::registry::sqlite::{PATIENCE, SqliteStore};
use verdict::registry::store::Store as _;
use verdict_jose::Algorithm;

use super::world::*;

#[test]
fn an_event_bites_before_the_next_decision_also_what_was_verified_before() {
    let world = World::start(PUSH);
    let (alice, bob) = (token(&json!({})), token(&json!({ "sub": "bob", "email": null, "sid": "s2" })));
    let elsewhere = token(&json!({ "iss": OTHER, "email": "alice" }));
    for token in [&alice, &alice, &bob, &elsewhere] {
        assert_eq!(world.ask(token), 200);
    }
    world.tell(&alice_revoked("e1"));
    assert_eq!(world.ask(&alice), 401);
    assert_eq!((world.ask(&bob), world.ask(&elsewhere)), (200, 200));
    // Issued in the second of the event it may be older; after that it is newer.
    assert_eq!(world.ask(&token(&json!({ "iat": NOW, "jti": "t2" }))), 401);
    assert_eq!(world.ask(&token(&json!({ "iat": NOW + 1, "jti": "t3" }))), 200);
    // What does not say when it was issued may be as old as any.
    assert_eq!(world.ask(&token(&json!({ "iat": null, "jti": "t4" }))), 401);
    assert_eq!(world.taken("session-revoked", "applied"), 1.0);
}

#[test]
fn what_tokens_say_is_not_relied_on_until_they_say_it_anew() {
    let world = World::start(PUSH);
    let old = token(&json!({ "roles": ["admin"] }));
    assert_eq!((world.ask(&old), world.ask(&old)), (200, 200));
    let alice = json!({ "format": "iss_sub", "iss": ISSUER, "sub": "alice" });
    world.tell(&event("e1", "token-claims-change", alice, json!({ "claims": { "roles": [] } })));
    assert_eq!(world.ask(&old), 401);
    world.clock.set(Timestamp::from_unix_seconds(NOW + 2));
    assert_eq!(world.ask(&token(&json!({ "iat": NOW + 2 }))), 200);
    assert_eq!(world.ask(&old), 401);
}

#[test]
fn a_bad_event_changes_nothing_and_says_why_in_a_word() {
    let world = World::start(PUSH);
    let good = alice_revoked("e1");
    let with = |more: Value| set(&merged(good.clone(), &more));
    let pair = pair_for("ES256");
    let signed =
        |header: Value, pair: &Pair, algorithm| pair.sign(algorithm, &header.to_string(), &good.to_string());
    let header = |typ: &str| json!({ "alg": "ES256", "kid": "k1", "typ": typ });
    let none = format!(
        "{}.{}.",
        b64(json!({ "alg": "none", "typ": "secevent+jwt" }).to_string()),
        b64(good.to_string())
    );
    let (revoked, changed) = (format!("{CAEP}session-revoked"), format!("{CAEP}credential-change"));
    let foreign = json!({ "format": "iss_sub", "iss": OTHER, "sub": "alice" });
    let cases = [
        ("exp", with(json!({ "exp": NOW + 60 })), "invalid_request"),
        ("sub", with(json!({ "sub": "alice" })), "invalid_request"),
        ("another audience", with(json!({ "aud": "https://else.example" })), "invalid_audience"),
        ("the audience of tokens", with(json!({ "aud": "api" })), "invalid_audience"),
        ("no audience", with(json!({ "aud": null })), "invalid_request"),
        ("another issuer", with(json!({ "iss": OTHER })), "invalid_issuer"),
        ("no issuer", with(json!({ "iss": null })), "invalid_request"),
        ("no jti", with(json!({ "jti": null })), "invalid_request"),
        ("no iat", with(json!({ "iat": null })), "invalid_request"),
        ("a later iat", with(json!({ "iat": NOW + 60 })), "invalid_request"),
        (
            "two events",
            with(json!({ "events": { &revoked: {}, &changed: { "change_type": "revoke" } } })),
            "invalid_request",
        ),
        ("no events", with(json!({ "events": {} })), "invalid_request"),
        ("events are a list", with(json!({ "events": [] })), "invalid_request"),
        ("events are missing", with(json!({ "events": null })), "invalid_request"),
        ("an event is a text", with(json!({ "events": { &revoked: "now" } })), "invalid_request"),
        ("a change of no type", with(json!({ "events": { &changed: {} } })), "invalid_request"),
        ("no subject", with(json!({ "sub_id": null })), "invalid_request"),
        (
            "a subject without format",
            with(json!({ "sub_id": { "iss": ISSUER, "sub": "alice" } })),
            "invalid_request",
        ),
        (
            "a subject without name",
            with(json!({ "sub_id": { "format": "iss_sub", "iss": ISSUER } })),
            "invalid_request",
        ),
        ("the subject of another issuer", with(json!({ "sub_id": foreign })), "access_denied"),
        ("the typ of tokens", signed(header("JWT"), pair, Algorithm::Es256), "invalid_request"),
        (
            "the typ of a logout token",
            signed(header("logout+jwt"), pair, Algorithm::Es256),
            "invalid_request",
        ),
        ("no typ", signed(json!({ "alg": "ES256", "kid": "k1" }), pair, Algorithm::Es256), "invalid_request"),
        ("alg none", none, "invalid_key"),
        (
            "a secret",
            signed(json!({ "alg": "HS256", "typ": "secevent+jwt" }), pair_for("HS256"), Algorithm::Hs256),
            "invalid_key",
        ),
        (
            "a foreign key",
            signed(header("secevent+jwt"), &Pair::new(Algorithm::Es256), Algorithm::Es256),
            "invalid_key",
        ),
        ("another algorithm", pair_for("EdDSA").typed("EdDSA", "secevent+jwt", &good), "invalid_key"),
        (
            "crit",
            signed(json!({ "alg": "ES256", "typ": "secevent+jwt", "crit": ["x"] }), pair, Algorithm::Es256),
            "invalid_request",
        ),
        ("altered", set(&good).replacen('.', ".e", 1), "invalid_request"),
        ("no token", "hello".to_owned(), "invalid_request"),
        ("nothing", String::new(), "invalid_request"),
    ];
    for (what, set, code) in cases {
        let reply = world.push(&set);
        let body = reply.json();
        assert_eq!((reply.status, body["err"].as_str()), (400, Some(code)), "{what}: {body}");
        assert!(body["description"].as_str().is_some_and(|text| !text.is_empty()), "{what}: {body}");
        assert_eq!(reply.header("content-language"), Some("en"), "{what}");
    }
    assert_eq!((world.revocations(), world.ask(&token(&json!({})))), (0, 200));
    // Nor does any of them keep the good one out.
    world.tell(&good);
    assert_eq!(world.ask(&token(&json!({}))), 401);
}

#[test]
fn a_huge_event_or_one_of_another_media_type_is_not_read() {
    let world = World::start(PUSH);
    let padded = set(&merged(alice_revoked("e1"), &json!({ "x": "x".repeat(9000) })));
    let reply = world.push(&padded);
    assert_eq!((reply.status, reply.json()["err"].as_str()), (413, Some("invalid_request")));
    for media_type in ["application/json", "application/jwt", "text/plain"] {
        let reply = world.push_with(TOKEN, media_type, &set(&alice_revoked("e1")));
        assert_eq!(
            (reply.status, reply.json()["err"].as_str()),
            (400, Some("invalid_request")),
            "{media_type}"
        );
    }
    assert_eq!(world.server.get("/v1/events").status, 405);
    assert_eq!(world.revocations(), 0);
}

#[test]
fn an_event_that_comes_again_is_acknowledged_and_changes_nothing() {
    let world = World::start(PUSH);
    let first = alice_revoked("e1");
    world.tell(&first);
    let before = world.server.app.registry.as_ref().unwrap().verify_audit().unwrap();
    world.tell(&first);
    // By its name alone, whatever it says the second time.
    world.tell(&merged(first, &json!({ "sub_id": { "format": "iss_sub", "iss": ISSUER, "sub": "bob" } })));
    let after = world.server.app.registry.as_ref().unwrap().verify_audit().unwrap();
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    assert_eq!(world.taken("session-revoked", "repeated"), 2.0);
    assert_eq!(world.ask(&token(&json!({ "sub": "bob", "email": null }))), 200);
}

#[test]
fn events_of_the_same_only_ever_widen_what_is_revoked_and_take_one_place() {
    let world = World::start(PUSH);
    for (n, at) in [NOW - 100, NOW - 5, NOW - 50].into_iter().enumerate() {
        let mut later = alice_revoked(&format!("e{n}"));
        later["events"][format!("{CAEP}session-revoked")]["event_timestamp"] = json!(at);
        world.tell(&later);
    }
    assert_eq!(world.revocations(), 1);
    assert_eq!(world.ask(&token(&json!({ "iat": NOW - 5 }))), 401);
    assert_eq!(world.ask(&token(&json!({ "iat": NOW - 4 }))), 200);
}

#[test]
fn a_time_that_cannot_be_is_replaced_by_that_of_the_event_itself() {
    for (n, at) in
        [json!(NOW + 500), json!(NOW * 1000), json!("soon"), json!(-1), json!(null)].into_iter().enumerate()
    {
        let world = World::start(PUSH);
        let mut told = alice_revoked(&format!("e{n}"));
        told["events"][format!("{CAEP}session-revoked")]["event_timestamp"] = at.clone();
        world.tell(&told);
        assert_eq!(world.ask(&token(&json!({ "iat": NOW }))), 401, "{at}");
        assert_eq!(world.ask(&token(&json!({ "iat": NOW + 1 }))), 200, "{at}");
    }
}

#[test]
fn what_takes_nothing_away_is_acknowledged_and_counted() {
    let world = World::start(&format!("{PUSH}, verification_state: asked-for"));
    let alice = json!({ "format": "iss_sub", "iss": ISSUER, "sub": "alice" });
    let stream = json!({ "format": "opaque", "id": "stream" });
    let verification = format!("{SSF}verification");
    let other = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
    world.tell(&event(
        "e1",
        "credential-change",
        alice.clone(),
        json!({ "change_type": "create", "credential_type": "fido2" }),
    ));
    world.tell(&event("e2", other, alice.clone(), json!({})));
    world.tell(&event("e3", "assurance-level-change", alice.clone(), json!({})));
    world.tell(&event("e4", &verification, stream.clone(), json!({})));
    world.tell(&event("e5", &verification, stream.clone(), json!({ "state": "asked-for" })));
    world.tell(&event("e6", &format!("{SSF}stream-updated"), stream.clone(), json!({ "status": "paused" })));
    for state in [json!("guessed"), json!(7)] {
        let reply = world.push(&set(&event("e7", &verification, stream.clone(), json!({ "state": state }))));
        assert_eq!((reply.status, reply.json()["err"].as_str()), (400, Some("invalid_state")));
    }
    assert_eq!((world.revocations(), world.ask(&token(&json!({})))), (0, 200));
    assert_eq!(world.taken("other", "ignored"), 2.0);
    assert_eq!(world.taken("verification", "ignored"), 2.0);
    for change in ["revoke", "update", "delete", "something-new"] {
        world.tell(&event(change, "credential-change", alice.clone(), json!({ "change_type": change })));
        assert_eq!(world.ask(&token(&json!({}))), 401, "{change}");
    }
}

#[test]
fn without_its_token_nothing_is_read_and_guesses_end() {
    let world = World::start(PUSH);
    let good = set(&alice_revoked("e1"));
    let missing = world.server.send(
        "POST",
        "/v1/events",
        &[("Content-Type", "application/secevent+jwt")],
        good.as_bytes(),
    );
    assert_eq!((missing.status, missing.json()["err"].as_str()), (400, Some("authentication_failed")));
    let wrong = |n: usize| world.push_with(&format!("guess-{n}"), "application/secevent+jwt", &good);
    let reply = wrong(0);
    assert_eq!((reply.status, reply.json()["err"].as_str()), (400, Some("authentication_failed")));
    // Once it came, guesses of others behind the same address do not lock it out.
    world.tell(&alice_revoked("e2"));
    let last = (1..200).map(wrong).find(|reply| reply.status == 429).unwrap();
    assert!(last.header("retry-after").is_some());
    world.tell(&alice_revoked("e3"));
    let text = format!("{:?}", world.server.records());
    assert!(!text.contains(TOKEN) && !text.contains("guess-1") && text.contains("POST /v1/events"));
}

#[test]
fn a_token_that_did_not_come_lately_waits_with_the_guesses() {
    let world = World::start(PUSH);
    let good = set(&alice_revoked("e1"));
    let throttled = (0..200)
        .any(|n| world.push_with(&format!("guess-{n}"), "application/secevent+jwt", &good).status == 429);
    assert!(throttled);
    assert_eq!(world.push(&good).status, 429);
    assert_eq!(world.revocations(), 0);
}

#[test]
fn an_attempt_is_recorded_and_what_it_changed_is_in_the_audit_log() {
    let world = World::start(PUSH);
    let (_, record) = world.server.recorded(|| world.tell(&alice_revoked("e1")));
    assert_eq!(record["outcome"], "allow", "{record}");
    let (_, record) = world.server.recorded(|| world.push("hello"));
    assert_eq!(record["outcome"], "refused", "{record}");
    let registry = world.server.app.registry.as_ref().unwrap();
    assert!(registry.verify_audit().unwrap().problems.is_empty());
    let database = world.kept.path().join("state/registry.db");
    let store = SqliteStore::open(&database, PATIENCE, &world.clock).unwrap();
    let last = store.audit(&SelectAudit { limit: 1, ..SelectAudit::default() }).unwrap().remove(0);
    let entry: Value = serde_json::from_str(&last.body).unwrap();
    assert_eq!((&entry["action"], &entry["category"]), (&json!("event.receive"), &json!("auth")));
    assert_eq!(entry["actor"]["id"], format!("events of {ISSUER}"));
    let changed: Vec<&Value> = entry["changes"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(changed, ["revocation", "event"]);
    assert_eq!(entry["changes"][1]["after"]["jti"], "e1");
}
