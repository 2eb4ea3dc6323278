//! Each attempt to authenticate is an event, until the last one before the end.

use serde_json::json;
use verdict::identity::dev::TokenRequest;
use verdict::registry::command::Command;
use verdict::registry::row::AuthEvent;
use verdict::registry::{KeyKind, State};

use super::*;
use crate::harness::wait_until;

/// `action reason organisation agent prefix peer`, without the ids that differ each time.
fn shown(event: &AuthEvent, agents: &[&Caller]) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let agent = match &event.agent {
        None => "-".to_owned(),
        Some(id) => agents.iter().position(|agent| agent.id == *id).unwrap().to_string(),
    };
    let (reason, organisation) = (text(&event.reason), text(&event.organisation));
    let (prefix, peer) = (text(&event.key_prefix), text(&event.peer));
    format!("{} {reason} {organisation} {agent} {prefix} {peer} {}", event.action, event.count)
}

#[test]
fn each_attempt_is_an_event_of_whom_it_was_verified_to_be() {
    let server = start("");
    let registry = registry(&server);
    organisation(registry, "acme");
    let (good, bad) = (agent(registry, "acme", json!({})), agent(registry, "acme", json!({})));
    execute(registry, Command::SetKeyState { id: bad.key_id.clone(), state: State::Revoked });
    let (_, service) = key(registry, json!({ "kind": KeyKind::Service, "organisation": "acme" }));
    let token = server.token(&TokenRequest {
        sub: "ann".to_owned(),
        claims: serde_json::Map::from_iter([("tenant".to_owned(), json!("acme"))]),
        ttl: std::time::Duration::from_secs(60),
        ..TokenRequest::default()
    });
    let stranger = "CANARY_0123456789_0123456789_0123456789";
    let short = "CANARY_0123456789";
    for (bearer, times, status) in [
        (Some(&good.key[..]), 5, 200),
        (Some(&service), 1, 200),
        (Some(&token), 2, 200),
        (Some(&bad.key), 3, 401),
        (Some(stranger), 2, 401),
        (Some(short), 1, 401),
        (Some("not.a.token"), 1, 401),
        (None, 4, 401),
    ] {
        for _ in 0..times {
            let reply = match bearer {
                Some(bearer) => {
                    server.ask("/v1/data/app/allow", bearer, "{\"input\": {\"agent_id\": \"forged\"}}")
                }
                None => server.post("/v1/data/app/allow", "{}"),
            };
            assert_eq!(reply.status, status, "{bearer:?}");
        }
    }
    let dir = server.dir.path().to_owned();
    let wanted = 5 + 1 + 2 + 3 + 2 + 1 + 1 + 4;
    wait_until("all events", || total(&events(&database(&dir))) == wanted);
    let mut seen: std::collections::BTreeMap<String, u64> = Default::default();
    for event in events(&database(&dir)) {
        let shown = shown(&event, &[&good, &bad]);
        let (what, _) = shown.rsplit_once(' ').unwrap();
        *seen.entry(what.to_owned()).or_default() += event.count;
    }
    let expected = [
        ("auth_failed credential_invalid - - - 127.0.0.1", 2),
        ("auth_failed credential_invalid - - CANARY_0 127.0.0.1", 2),
        ("auth_failed credential_missing - - - 127.0.0.1", 4),
        ("auth_failed credential_revoked acme 1 sk_agent 127.0.0.1", 3),
        ("authenticated - acme - - 127.0.0.1", 2),
        ("authenticated - acme - sk_servi 127.0.0.1", 1),
        ("authenticated - acme 0 sk_agent 127.0.0.1", 5),
    ];
    assert_eq!(seen, expected.map(|(what, count)| (what.to_owned(), count)).into());
    assert_eq!(server.metric("verdict_auth_events_total") as u64, wanted);
    assert_eq!(server.metric("verdict_auth_events_pending") as u64, 0);
    for file in std::fs::read_dir(dir.join("state")).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let bytes = std::fs::read(path).unwrap();
        assert!(!bytes.windows(9).any(|some| some == b"CANARY_01"), "more than 8 characters are stored");
    }
}

#[test]
fn what_came_last_is_stored_at_the_end() {
    let mut server = start("");
    organisation(registry(&server), "acme");
    let agent = agent(registry(&server), "acme", json!({}));
    for _ in 0..20 {
        assert_eq!(server.ask("/v1/data/app/allow", &agent.key, "{}").status, 200);
    }
    // The folder is to outlive the server.
    let dir = std::mem::replace(&mut server.dir, tempfile::TempDir::new().unwrap());
    assert!(server.shutdown());
    let store = database(dir.path());
    assert_eq!(total(&events(&store)), 20);
    let uses = store.uses(&[agent.key_id]).unwrap();
    assert_eq!(uses.len(), 1, "nor is it forgotten that the key was used");
}

#[test]
fn a_rotation_and_a_secret_that_is_read_are_events_too() {
    let server = start("");
    let registry = registry(&server);
    organisation(registry, "acme");
    let agent = agent(registry, "acme", json!({}));
    let overlap = serde_json::from_value(json!("1h")).unwrap();
    execute(registry, Command::RotateKey { id: agent.key_id.clone(), overlap });
    registry.note_secret_read("acme", &agent.id, Some([192, 0, 2, 7].into())).unwrap();
    let stored = events(&database(server.dir.path()));
    let stored: Vec<_> = stored.iter().map(|event| shown(event, &[&agent])).collect();
    assert_eq!(stored, ["key_rotated - acme 0 sk_agent - 1", "secret_read - acme 0 - 192.0.2.7 1"]);
}

/// Nobody tries to authenticate where nothing is presented and nothing is asked for.
#[test]
fn anonymous_calls_are_no_attempts() {
    let config = "identity: {mode: optional, entrypoints: {app/allow: none}}\nregistry: {enabled: true}\n";
    let server = crate::harness::TestApp::new().config(config).file("app/app.rego", POLICY).start();
    assert_eq!(server.post("/v1/data/app/echo", "{}").status, 200);
    assert_eq!(server.ask("/v1/data/app/allow", "whatever-this-is", "{}").status, 200);
    assert_eq!(registry(&server).flush_events(), Ok(0));
    assert_eq!(server.ask("/v1/data/app/echo", "whatever-this-is", "{}").status, 401);
    assert_eq!(registry(&server).flush_events(), Ok(1));
}
