//! `GET /v1/audit/query` and `/v1/audit/stats`: nobody sees another organisation's rows.

use serde_json::{Value, json};

use super::{call, expect};
use crate::admin::support::{Admin, text};

fn query(admin: &Admin, key: &str, parameters: &str) -> (u16, Value) {
    let path = format!("/v1/audit/query{parameters}");
    let reply = call(admin, "GET", &path, ("x-relay-api-key", key), &Value::Null);
    (reply.status, reply.json())
}

fn rows(admin: &Admin, key: &str, parameters: &str) -> Vec<Value> {
    let (status, answer) = query(admin, key, parameters);
    assert_eq!(status, 200, "{answer}");
    let rows = answer["results"].as_array().unwrap().clone();
    assert_eq!(answer["total"], rows.len());
    rows
}

#[test]
fn every_organisation_has_its_own_trail() {
    let admin = Admin::start();
    let operator = admin.operator.clone();
    let other =
        text(&admin.make("/v1/orgs", &operator, &json!({ "id": "other", "admin_key": true })), "admin_key");
    let own = admin.key("admin", "acme");
    let (agent, agent_key) = admin.agent("acme");
    let (stranger, stranger_key) = admin.agent("other");
    // An event each about an agent's key.
    for (id, owner) in [(&agent, &own), (&stranger, &other)] {
        let keys = admin.get(&format!("/v1/keys?agent={id}"), owner);
        let key = text(&keys["items"][0], "id");
        admin.expect(200, "POST", &format!("/v1/keys/{key}/rotate"), owner, &json!({ "overlap": "1h" }));
    }

    for (key, org) in [(&own, "acme"), (&other, "other")] {
        for parameters in [String::new(), format!("?org_id={org}")] {
            let rows = rows(&admin, key, &parameters);
            assert!(rows.iter().all(|row| row["org_id"] == org), "{rows:?}");
            for wanted in ["agent.create", "key.rotate", "key_rotated"] {
                assert!(rows.iter().any(|row| row["event_type"] == wanted), "{wanted}: {rows:?}");
            }
        }
    }
    let mismatch = (403, json!({ "detail": "Organization mismatch" }));
    assert_eq!(query(&admin, &other, "?org_id=acme"), mismatch);
    assert_eq!(query(&admin, &other, "?org_id=nobody"), mismatch, "whether there is one is not said");
    assert_eq!(query(&admin, &stranger_key, "?org_id=acme"), mismatch);
    let invalid = (401, json!({ "detail": "Invalid API key" }));
    assert_eq!(query(&admin, "relay_sk_wrong", "?org_id=acme"), invalid);
    let nobody = call(&admin, "GET", "/v1/audit/query?org_id=acme", ("x-other", "x"), &Value::Null);
    assert_eq!((nobody.status, nobody.json()), invalid);

    // An agent sees what happened to its own keys, and no changes.
    let of_agent = rows(&admin, &agent_key, "");
    assert!(of_agent.iter().any(|row| row["event_type"] == "key_rotated"), "{of_agent:?}");
    assert!(of_agent.iter().all(|row| row["agent_id"] == agent && !text(row, "event_type").contains('.')));
    let (status, _) = query(&admin, &agent_key, &format!("?agent_id={stranger}"));
    assert_eq!(status, 404);

    let all = rows(&admin, &operator, "?limit=1000");
    assert!(["acme", "other"].iter().all(|org| all.iter().any(|row| row["org_id"] == *org)));
    let one = rows(&admin, &operator, "?org_id=acme");
    assert!(one.iter().all(|row| row["org_id"] == "acme"));
    for secret in [&own, &other, &agent_key, &operator] {
        assert!(!json!(all).to_string().contains(secret.as_str()));
    }
}

#[test]
fn rows_are_the_latest_first_in_pages_and_counted() {
    let admin = Admin::start();
    let own = admin.key("admin", "acme");
    let (agent, _) = admin.agent("acme");
    admin.agent("acme");
    let all = rows(&admin, &own, "");
    let times: Vec<String> = all.iter().map(|row| text(row, "timestamp")).collect();
    assert!(times.windows(2).all(|pair| pair[0] >= pair[1]), "{times:?}");
    let changes: Vec<&Value> = all.iter().filter(|row| text(row, "event_id").starts_with("audit-")).collect();
    assert!(changes.len() >= 3 && changes.iter().all(|row| row["success"] == true), "{changes:?}");

    let wanted = "event_type=agent.create";
    let made = rows(&admin, &own, &format!("?{wanted}"));
    assert_eq!(made.len(), 2);
    assert_eq!(rows(&admin, &own, &format!("?{wanted}&limit=1")), made[..1]);
    assert_eq!(rows(&admin, &own, &format!("?{wanted}&limit=1&offset=1")), made[1..]);
    let of_agent = rows(&admin, &own, &format!("?{wanted}&agent_id={agent}"));
    assert_eq!(of_agent, made[1..]);
    for bad in ["?limit=0", "?offset=x", "?offset=10001", "?provider=stripe", "?limit=1&limit=2"] {
        assert_eq!(query(&admin, &own, bad).0, 400, "{bad}");
    }

    let stats = ("GET", "/v1/audit/stats");
    let counted = expect(&admin, 200, stats, ("x-relay-api-key", &own), &Value::Null);
    assert_eq!((&counted["org_id"], &counted["complete"]), (&json!("acme"), &json!(true)));
    assert_eq!(counted["by_type"]["agent.create"], 2);
    let total = counted["total_events"].as_u64().unwrap();
    assert!(total >= changes.len() as u64, "{counted}");
    assert_eq!(counted["succeeded"].as_u64().unwrap() + counted["failed"].as_u64().unwrap(), total);
    let elsewhere = ("GET", "/v1/audit/stats?org_id=other");
    expect(&admin, 403, elsewhere, ("x-relay-api-key", &own), &Value::Null);
}
