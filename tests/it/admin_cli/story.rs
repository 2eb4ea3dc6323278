//! From an organisation to a key that is refused, by commands alone.

use serde_json::{Value, json};

use super::World;

#[test]
fn an_agent_pays_until_its_keys_are_gone() {
    let world = World::begun();
    let org = world.run(&["org", "create", "--id", "beta", "--name", "Beta, Inc."]).exits(0);
    assert!(
        org.out.contains("id            beta\n") && org.out.contains("admin_key     sk_admin_"),
        "{}",
        org.out
    );
    assert!(org.err.contains("shown this once"), "{}", org.err);
    world.run(&["org", "create", "--id", "beta"]).exits(1);

    // As Relay spells it.
    let agent = [
        "agent",
        "create",
        "--org-id",
        "beta",
        "--name",
        "Bot",
        "--permissions",
        "stripe:create_payment,x:y",
    ];
    let agent = world.json(&agent).json();
    assert_eq!(agent["permissions"], json!(["stripe:create_payment", "x:y"]));
    assert_eq!(agent["organisation"], "beta");
    let agent = agent["id"].as_str().unwrap();
    let first = world.json(&["key", "create", "--org", "beta", "--agent", agent]);
    let (id, key) = (first.member("id"), first.member("api_key"));
    let reply = world.decide(&key);
    assert_eq!((reply.status, &reply.json()["result"]), (200, &json!(true)));

    // As Dockrion spells it.
    let rotated = ["keys", "rotate", "--key-id", &id, "--days", "1", "--org", "beta"];
    let second = world.json(&rotated);
    let (next, next_key) = (second.member("id"), second.member("api_key"));
    assert_eq!(second.member("replaces"), id);
    assert!(next_key != key && world.decide(&key).status == 200 && world.decide(&next_key).status == 200);
    assert!(world.json(&["key", "show", &id, "--org", "beta"]).json()["expires_at"].is_string());
    world.run(&["keys", "revoke", "--key-id", &id, "--org", "beta"]).exits(0);
    world.becomes(&key, 401);
    assert_eq!(world.decide(&next_key).status, 200);
    // Offline, by the same registry, and without being noted as a use.
    let inspected =
        world.run_with(&["credential", "inspect", "--config", "verdict.yaml"], &next_key).exits(0);
    assert!(inspected.out.contains(agent), "{}", inspected.out);
    let inspected = world.run_with(&["credential", "inspect", "--config", "verdict.yaml"], &key).exits(1);
    assert!(inspected.out.contains("revoked"), "{}", inspected.out);
    let again = world.run(&["key", "revoke", &id, "--org", "beta"]).exits(1);
    assert!(again.err.contains("revoked already"), "{}", again.err);

    world.run(&["agent", "disable", agent, "--org", "beta"]).exits(0);
    world.becomes(&next_key, 401);
    world.run(&["agent", "enable", agent, "--org", "beta"]).exits(0);
    world.becomes(&next_key, 200);
    let revoked = ["credential", "revoke", "--key", &next, "--reason", "lost", "--org", "beta"];
    let revocation = world.json(&revoked);
    world.becomes(&next_key, 401);
    world.run(&["revocation", "delete", &revocation.member("id"), "--org", "beta"]).exits(0);
    world.becomes(&next_key, 200);
    assert_eq!(
        world.run(&["agent", "delete", agent, "--org", "beta"]).exits(0).out,
        format!("deleted {agent}\n")
    );
    world.becomes(&next_key, 401);
    let gone = world.run(&["agent", "show", agent, "--org", "beta"]).exits(1);
    assert!(gone.err.contains("there is no agent") && gone.out.is_empty(), "{}", gone.err);
}

#[test]
fn the_log_is_checked_against_what_was_seen_of_it() {
    let world = World::begun();
    let verify = |more: &[&str]| world.run(&[&["audit", "verify"], more].concat());
    let seen = verify(&[]).exits(0);
    let head = seen.out.lines().find_map(|line| line.strip_prefix("head ")).unwrap();
    verify(&["--expect", head]).exits(0);
    for name in ["One", "Two", "Three"] {
        world.run(&["agent", "create", "--name", name]).exits(0);
    }
    assert_ne!(verify(&[]).exits(0).out, seen.out);
    // What was the last entry is in the middle now.
    verify(&["--expect", head]).exits(0);
    let (seq, hash) = head.split_once(':').unwrap();
    let wrong = verify(&["--expect", &format!("{seq}:{}", "0".repeat(64))]).exits(1);
    assert!(wrong.err.contains("is another than it was"), "{}", wrong.err);
    let cut = verify(&["--expect", &format!("99:{hash}")]).exits(1);
    assert!(cut.err.contains("the log was cut"), "{}", cut.err);
    verify(&["--expect", "99"]).exits(2);
    let whole = world.json(&["audit", "verify"]).json();
    assert_eq!(whole["problems"], json!([]));

    let exported = world.run(&["audit", "export", "--as", "operator"]).exits(0).out;
    let entries: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<u64> = entries.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=whole["entries"].as_u64().unwrap()).collect::<Vec<_>>());
    let rest = world.run(&["audit", "export", "--as", "operator", "--after", "2"]).exits(0).out;
    assert_eq!(rest.lines().count(), entries.len() - 2);
    let made = world.json(&["audit", "list", "--action", "agent.", "--limit", "2"]).json();
    assert_eq!(made["items"].as_array().unwrap().len(), 2);
    assert_eq!(made["items"][0]["changes"][0]["after"]["name"], "Three");
}
