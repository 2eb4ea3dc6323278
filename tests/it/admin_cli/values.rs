//! Secrets, limits, roles, settings, members, devices and delegations; and that what is secret is shown nowhere else.

use serde_json::{Value, json};

use super::World;

#[test]
fn secrets_are_read_by_their_agent_alone() {
    let world = World::begun();
    let made = world.json(&["agent", "create", "--name", "Bot", "--key"]);
    let (agent, key) = (made.member("id"), made.member("api_key"));
    std::fs::write(world.path("key"), &key).unwrap();
    let put = ["secret", "put", "STRIPE", "--agent", &agent];
    world.run_with(&put, "").exits(2);
    world.run_with(&put, "sk_live_canary\r\n").exits(0);
    let as_agent = ["secret", "get", "STRIPE", "--agent", &agent, "--key-file", "key"];
    assert_eq!(world.run(&as_agent).exits(0).out, "sk_live_canary");
    let by_admin = world.run(&["secret", "get", "STRIPE", "--agent", &agent]).exits(1);
    assert!(by_admin.err.contains("status 403") && !by_admin.err.contains("canary"), "{}", by_admin.err);
    std::fs::write(world.path("value"), "two\nlines\n").unwrap();
    world.run(&[&put[..], &["--value-file", "value", "--exact"]].concat()).exits(0);
    assert_eq!(world.run(&as_agent).exits(0).out, "two\nlines\n");
    // A value has no place among the arguments.
    world.run(&[&put[..], &["--value", "sk_live_canary"]].concat()).exits(2);
    world.run(&[&put[..], &["sk_live_canary"]].concat()).exits(2);
    let listed = world.json(&["secret", "list", "--agent", &agent]).json();
    assert_eq!((&listed["items"][0]["version"], &listed["items"][0]["value"]), (&json!(2), &Value::Null));
    assert!(world.run(&["secret", "rewrap"]).exits(0).out.starts_with("sealed anew: "));
    world.run(&["secret", "delete", "STRIPE", "--agent", &agent]).exits(0);
    world.run(&as_agent).exits(1);
}

#[test]
fn what_is_secret_is_in_no_list() {
    let world = World::begun();
    let made = world.json(&["agent", "create", "--name", "Bot", "--key"]);
    let (agent, key) = (made.member("id"), made.member("api_key"));
    let device = world.json(&["device", "issue", "--agent", &agent, "--expires-in", "30d"]).member("api_key");
    let admin = world.json(&["org", "create", "--id", "beta"]).member("admin_key");
    world.run_with(&["secret", "put", "S", "--agent", &agent], "canary-value").exits(0);
    let rotated =
        world.json(&["device", "rotate", &first(&world, "device"), "--overlap", "1h"]).member("api_key");
    let secrets = [key.as_str(), &device, &admin, &rotated, "canary-value"];
    for list in [
        &["org", "list"][..],
        &["agent", "list"],
        &["key", "list"],
        &["key", "list", "--as", "operator"],
        &["keys", "list"],
        &["device", "list"],
        &["secret", "list", "--agent", &agent],
        &["audit", "list", "--as", "operator"],
        &["audit", "export", "--as", "operator"],
        &["audit", "events", "--as", "operator"],
        &["member", "list"],
        &["role", "list"],
        &["setting", "list"],
        &["revocation", "list"],
        &["delegation", "list"],
    ] {
        for output in ["table", "json"] {
            let ran = world.run(&[list, &["--output", output]].concat()).exits(0);
            for secret in secrets {
                assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{list:?}: {secret}");
            }
        }
    }
}

/// The id of the first record of a list.
fn first(world: &World, verb: &str) -> String {
    let listed = world.run(&[verb, "list"]).exits(0).out;
    listed.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
}

#[test]
fn limits_are_set_one_by_one() {
    let world = World::begun();
    let agent = world.json(&["agent", "create", "--max-amount", "100"]).member("id");
    let limit = |args: &[&str]| {
        let args = [&["limit"], args, &["--agent", agent.as_str()]].concat();
        world.json(&args).json()["limits"].clone()
    };
    assert_eq!(limit(&["show"]), json!({"max_amount": 100}));
    let set = limit(&["set", "--allow-provider", "stripe,aws", "--allow-method", "stripe:*"]);
    assert_eq!(
        set,
        json!({"max_amount": 100, "allowed_providers": ["stripe", "aws"], "allowed_methods": ["stripe:*"]})
    );
    assert_eq!(limit(&["set", "--max-amount", "99.5"])["max_amount"], 99.5);
    assert_eq!(limit(&["clear", "--providers", "--methods"]), json!({"max_amount": 99.5}));
    let shown = world.run(&["limit", "show", "--agent", &agent]).exits(0);
    assert_eq!(shown.out, "max_amount  99.5\n");
    assert_eq!(limit(&["clear"]), Value::Null);
    world.run(&["limit", "set", "--agent", &agent]).exits(2);
    world.run(&["limit", "set", "--agent", &agent, "--max-amount", "-1"]).exits(2);
    world.run(&["limit", "show", "--agent", "agent_0"]).exits(1);
}

#[test]
fn the_rest_is_made_shown_and_deleted() {
    let world = World::begun();
    world.run(&["role", "create", "payer", "--permission", "stripe:create_payment"]).exits(0);
    world.run(&["role", "update", "payer", "--permission", "a:b", "--permission", "c:d"]).exits(0);
    let role = world.json(&["role", "show", "payer"]).json();
    assert_eq!(role, json!({"name": "payer", "organisation": "acme-corp", "permissions": ["a:b", "c:d"]}));
    let agent = world.json(&["agent", "create", "--role", "payer", "--attribute", "tier=3"]).json();
    assert_eq!((&agent["roles"], &agent["attributes"]), (&json!(["payer"]), &json!({"tier": 3})));
    let (from, to) = (agent["id"].as_str().unwrap(), world.json(&["agent", "create"]).member("id"));
    let updated = world.json(&["agent", "update", from, "--name", "New", "--no-roles"]).json();
    assert_eq!((&updated["name"], &updated["roles"]), (&json!("New"), &json!([])));
    world.run(&["agent", "update", from, "--name", "New"]).exits(1);
    world.run(&["role", "delete", "payer"]).exits(0);
    let gone = world.run(&["role", "show", "payer"]).exits(1);
    assert!(gone.err.contains("there is no role `payer`"), "{}", gone.err);

    let delegate = ["delegation", "create", "--from", from, "--to", &to, "--scope", "stripe:*"];
    world.run(&delegate).exits(2);
    let delegation = world.json(&[&delegate[..], &["--expires-in", "1h"]].concat()).member("id");
    assert_eq!(
        world.run(&["delegation", "revoke", &delegation]).exits(0).out,
        format!("revoked {delegation}\n")
    );
    assert_eq!(world.json(&["delegation", "show", &delegation]).member("state"), "revoked");

    world.run(&["setting", "set", "theme", "{\"dark\": true}"]).exits(0);
    assert_eq!(world.json(&["setting", "show", "theme"]).json()["value"], json!({"dark": true}));
    let unknown = world.run(&["setting", "set", "colour", "red"]).exits(1);
    assert!(unknown.err.contains("registry.settings"), "{}", unknown.err);
    world.run(&["setting", "delete", "theme"]).exits(0);
    world.run(&["setting", "show", "theme"]).exits(1);

    let who = ["--issuer", "https://idp.example", "--subject", "bob"];
    world.run(&[&["member", "create", "--role", "auditor"], &who[..]].concat()).exits(0);
    assert_eq!(world.json(&["member", "list"]).json()["items"][0]["role"], "auditor");
    world.run(&[&["member", "delete"], &who[..]].concat()).exits(0);
    assert_eq!(world.run(&["member", "list"]).exits(0).err, "no members\n");

    world.run(&["org", "create", "--id", "beta", "--no-admin-key"]).exits(0);
    assert_eq!(world.json(&["org", "update", "beta", "--name", "B"]).member("name"), "B");
    world.run(&["org", "delete", "beta"]).exits(0);
    world.run(&["org", "show", "beta"]).exits(1);
}
