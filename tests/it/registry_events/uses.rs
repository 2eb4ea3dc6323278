//! When keys were last used.

use verdict::registry::command::Command;

use super::*;

#[test]
fn uses_are_stored_for_the_keys_that_were_used() {
    let server = start("");
    let registry = registry(&server);
    organisation(registry, "acme");
    let (used, unused) = (agent(registry, "acme", json!({})), agent(registry, "acme", json!({})));
    let (second, second_key) = key(registry, json!({ "kind": "agent", "agent": used.id }));
    assert_eq!(registry.flush_uses(), Ok(0));
    assert_eq!(registry.agent_last_used(&used.id), Ok(None));
    let before = Clock::System.now();
    for key in [&used.key, &used.key, &second_key] {
        assert_eq!(server.ask("/v1/data/app/allow", key, "{}").status, 200);
    }
    // Known here before it is stored, and stored once.
    let keys = [used.key_id.clone(), second.clone(), unused.key_id.clone()];
    let known = registry.last_uses(&keys).unwrap();
    assert_eq!(known.len(), 2);
    assert!(known[&used.key_id] >= before && known[&second] >= known[&used.key_id]);
    assert_eq!(registry.agent_last_used(&used.id), Ok(Some(known[&second])));
    assert_eq!(registry.agent_last_used(&unused.id), Ok(None));
    let store = database(server.dir.path());
    assert!(store.uses(&keys).unwrap().is_empty());
    assert_eq!((registry.flush_uses(), registry.flush_uses()), (Ok(2), Ok(0)));
    let stored: std::collections::HashMap<_, _> = store.uses(&keys).unwrap().into_iter().collect();
    assert_eq!(stored, known);
    // What another process stores counts, too.
    let later = Timestamp(known[&second].0 + 1_000_000_000);
    store.note_uses(&[(used.key_id.clone(), later)]).unwrap();
    assert_eq!(registry.agent_last_used(&used.id), Ok(Some(later)));
    // A key that is gone is not stored.
    assert_eq!(server.ask("/v1/data/app/allow", &second_key, "{}").status, 200);
    execute(registry, Command::DeleteKey { id: second });
    assert_eq!(registry.flush_uses(), Ok(0));
}

/// A new version of a key's record shares what is known of its use.
#[test]
fn a_change_of_the_record_forgets_no_use() {
    let server = start("");
    let registry = registry(&server);
    organisation(registry, "acme");
    let agent = agent(registry, "acme", json!({}));
    assert_eq!(server.ask("/v1/data/app/allow", &agent.key, "{}").status, 200);
    let state = verdict::registry::State::Disabled;
    execute(registry, Command::SetKeyState { id: agent.key_id.clone(), state });
    assert!(registry.agent_last_used(&agent.id).unwrap().is_some());
    assert_eq!(registry.flush_uses(), Ok(1));
}
