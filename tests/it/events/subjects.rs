//! Whom an event covers.

use serde_json::{Value, json};

use super::world::*;

/// Tokens by which subjects are told apart, each with whether an event must cover it.
struct Case {
    what: &'static str,
    sub_id: Value,
    /// Of: alice's in session s1, alice's in s2, alice's without session, bob's in s1 of another company, bob's in s3.
    covered: [bool; 5],
}

fn tokens() -> [String; 5] {
    let bob =
        json!({ "sub": "bob", "email": "bob@example.com", "jti": "t5", "sid": "s3", "tenant": "other" });
    [
        token(&json!({})),
        token(&json!({ "sid": "s2", "jti": "t2" })),
        token(&json!({ "sid": null, "jti": "t3" })),
        token(&merged(bob.clone(), &json!({ "sid": "s1", "jti": "t4" }))),
        token(&bob),
    ]
}

const ALICE: [bool; 5] = [true, true, true, false, false];
const NOBODY: [bool; 5] = [false; 5];
const S1: [bool; 5] = [true, false, false, true, false];

#[test]
fn every_form_of_subject_covers_what_it_names_and_no_less() {
    let alice = json!({ "format": "iss_sub", "iss": ISSUER, "sub": "alice" });
    let opaque = |id: &str| json!({ "format": "opaque", "id": id });
    let complex = |members: Value| merged(json!({ "format": "complex" }), &members);
    let device = json!({ "format": "opaque", "id": "laptop" });
    let phone = json!({ "format": "phone_number", "phone_number": "+12065550100" });
    let cases = [
        Case { what: "issuer and subject", sub_id: alice.clone(), covered: ALICE },
        Case {
            what: "mail, whatever its case",
            sub_id: json!({ "format": "email", "email": "ALICE@Example.com" }),
            covered: ALICE,
        },
        Case {
            what: "an account",
            sub_id: json!({ "format": "account", "uri": "acct:alice@example.com" }),
            covered: ALICE,
        },
        Case { what: "a URI", sub_id: json!({ "format": "uri", "uri": "alice" }), covered: ALICE },
        Case { what: "an opaque user", sub_id: opaque("alice"), covered: ALICE },
        Case { what: "an opaque session", sub_id: opaque("s1"), covered: S1 },
        Case {
            what: "a token",
            sub_id: json!({ "format": "jwt_id", "iss": ISSUER, "jti": "t2" }),
            covered: [false, true, false, false, false],
        },
        Case {
            what: "aliases",
            sub_id: json!({ "format": "aliases", "identifiers": [phone, alice] }),
            covered: ALICE,
        },
        Case { what: "a user", sub_id: complex(json!({ "user": alice })), covered: ALICE },
        Case { what: "a session", sub_id: complex(json!({ "session": opaque("s1") })), covered: S1 },
        // The one without session may be of this one.
        Case {
            what: "a session of a user",
            sub_id: complex(json!({ "user": alice, "session": opaque("s1") })),
            covered: [true, false, true, true, false],
        },
        Case { what: "a tenant", sub_id: complex(json!({ "tenant": opaque("acme") })), covered: ALICE },
        Case {
            what: "a user of a tenant",
            sub_id: complex(json!({ "user": alice, "tenant": opaque("other") })),
            covered: ALICE,
        },
        Case {
            what: "a device of a user",
            sub_id: complex(json!({ "user": alice, "device": device })),
            covered: ALICE,
        },
        Case { what: "a device", sub_id: complex(json!({ "device": device })), covered: NOBODY },
        // And not a whole tenant for one device in it.
        Case {
            what: "a device of a tenant",
            sub_id: complex(json!({ "tenant": opaque("acme"), "device": device })),
            covered: NOBODY,
        },
        Case {
            what: "somebody unknown of a tenant",
            sub_id: complex(json!({ "tenant": opaque("acme"), "user": phone })),
            covered: NOBODY,
        },
        Case { what: "a phone", sub_id: phone.clone(), covered: NOBODY },
        Case { what: "somebody else", sub_id: opaque("carol"), covered: NOBODY },
    ];
    for Case { what, sub_id, covered } in cases {
        let world = World::start(PUSH);
        let tokens = tokens();
        world.tell(&event("e1", "session-revoked", sub_id, json!({ "event_timestamp": NOW })));
        let refused: Vec<bool> = tokens.iter().map(|token| world.ask(token) == 401).collect();
        assert_eq!(refused, covered, "{what}");
        // Nothing of that is anything to the other issuer.
        assert_eq!(world.ask(&token(&json!({ "iss": OTHER, "email": "alice" }))), 200, "{what}");
    }
}

#[test]
fn what_must_be_understood_and_is_not_passes_the_event_over() {
    let world = World::start(&format!("{PUSH}, critical_subject_members: [device]"));
    let alice = json!({ "format": "iss_sub", "iss": ISSUER, "sub": "alice" });
    let device = json!({ "format": "opaque", "id": "laptop" });
    world.tell(&event(
        "e1",
        "session-revoked",
        json!({ "format": "complex", "user": alice, "device": device }),
        json!({}),
    ));
    assert_eq!((world.revocations(), world.taken("session-revoked", "passed_over")), (0, 1.0));
    world.tell(&event(
        "e2",
        "session-revoked",
        json!({ "format": "complex", "user": alice, "group": device }),
        json!({}),
    ));
    assert_eq!(world.ask(&token(&json!({}))), 401);
}

#[test]
fn a_session_that_has_ended_stays_so_and_one_whose_user_has_changed_goes_on() {
    let session = json!({ "format": "complex", "session": { "format": "opaque", "id": "s1" } });
    for (name, payload, later) in [
        ("session-revoked", json!({}), 401),
        ("token-claims-change", json!({ "claims": { "roles": [] } }), 200),
        ("credential-change", json!({ "change_type": "update" }), 200),
    ] {
        let world = World::start(PUSH);
        world.tell(&event("e1", name, session.clone(), payload));
        assert_eq!(world.ask(&token(&json!({}))), 401, "{name}");
        assert_eq!(world.ask(&token(&json!({ "iat": NOW + 1, "jti": "t2" }))), later, "{name}");
    }
}

#[test]
fn a_stream_speaks_for_the_issuers_that_it_lists() {
    let world = World::start(&format!("{PUSH}, token_issuers: ['{OTHER}']"));
    let (own, others) =
        (token(&json!({})), token(&json!({ "iss": OTHER, "sub": "a-17", "email": "alice@example.com" })));
    let of_own = json!({ "format": "iss_sub", "iss": ISSUER, "sub": "alice" });
    let reply = world.push(&set(&event("e1", "session-revoked", of_own, json!({}))));
    assert_eq!((reply.status, reply.json()["err"].as_str()), (400, Some("access_denied")));
    // By its `sub`, though policy knows the subject by its mail.
    let of_other = json!({ "format": "iss_sub", "iss": OTHER, "sub": "a-17" });
    world.tell(&event("e2", "session-revoked", of_other, json!({})));
    assert_eq!((world.ask(&own), world.ask(&others)), (200, 401));
}
