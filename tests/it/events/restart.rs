//! What is acknowledged outlives the server.

use serde_json::json;

use super::world::*;

#[test]
fn a_restart_forgets_neither_what_was_revoked_nor_which_events_came() {
    let world = World::start(PUSH);
    world.tell(&alice_revoked("e1"));
    let world = world.restarted(PUSH);
    assert_eq!(world.ask(&token(&json!({}))), 401);
    world.tell(&merged(
        alice_revoked("e1"),
        &json!({ "sub_id": { "format": "iss_sub", "iss": ISSUER, "sub": "bob" } }),
    ));
    assert_eq!(world.taken("session-revoked", "repeated"), 1.0);
    assert_eq!(world.ask(&token(&json!({ "sub": "bob", "email": null, "sid": "s2" }))), 200);
}

#[test]
fn what_cannot_be_stored_is_not_acknowledged() {
    let world = World::start(PUSH);
    // A registry whose file is gone takes nothing.
    std::fs::rename(world.kept.path().join("state/registry.db"), world.kept.path().join("elsewhere.db"))
        .unwrap();
    let reply = world.push(&set(&alice_revoked("e1")));
    assert_eq!((reply.status, reply.json()["err"].as_str()), (503, Some("verifier_unavailable")));
    assert!(reply.header("retry-after").is_some());
}
