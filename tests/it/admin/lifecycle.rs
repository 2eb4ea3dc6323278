//! The life of each resource, and that what is answered is in force.

use serde_json::{Value, json};

use super::support::{Admin, text};

/// The ids of a list.
fn ids(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| text(item, "id")).collect()
}

#[test]
fn organisations() {
    let admin = Admin::start();
    let operator = admin.operator.clone();
    let made = admin.make(
        "/v1/orgs",
        &operator,
        &json!({ "id": "umbrella", "name": "Umbrella", "admin_key": true }),
    );
    assert_eq!(
        (&made["id"], &made["name"], &made["state"]),
        (&json!("umbrella"), &json!("Umbrella"), &json!("active"))
    );
    let own = text(&made, "admin_key");
    assert_eq!(admin.get("/v1/whoami", &own)["id"], made["admin_key_id"]);
    assert_eq!(ids(&admin.get("/v1/orgs", &operator)), ["acme", "umbrella"]);
    assert_eq!(ids(&admin.get("/v1/orgs", &own)), ["umbrella"]);
    let shown = admin.get("/v1/orgs/umbrella", &own);
    assert!(shown.get("admin_key").is_none(), "{shown}");
    admin.expect(409, "POST", "/v1/orgs", &operator, &json!({ "id": "umbrella" }));
    let renamed = admin.expect(200, "PATCH", "/v1/orgs/umbrella", &own, &json!({ "name": "Other" }));
    assert_eq!(renamed["name"], "Other");
    let renamed = admin.expect(200, "PATCH", "/v1/orgs/umbrella", &own, &json!({ "name": null }));
    assert!(renamed.get("name").is_none(), "{renamed}");

    let (_, key) = admin.agent("umbrella");
    assert_eq!(admin.decide(&key), 200);
    assert_eq!(admin.post("/v1/orgs/umbrella/disable", &operator)["state"], "disabled");
    assert_eq!(admin.decide(&key), 401, "with the very next call");
    assert_eq!(admin.call("GET", "/v1/whoami", Some(&own), &Value::Null).status, 401);
    admin.expect(409, "POST", "/v1/orgs/umbrella/disable", &operator, &Value::Null);
    admin.post("/v1/orgs/umbrella/enable", &operator);
    assert_eq!(admin.decide(&key), 200);
    admin.expect(409, "DELETE", "/v1/orgs/umbrella", &operator, &Value::Null);
    assert_eq!(admin.post("/v1/orgs/umbrella/revoke", &operator)["state"], "revoked");
    assert_eq!(admin.decide(&key), 401);
    admin.expect(409, "POST", "/v1/orgs/umbrella/enable", &operator, &Value::Null);

    admin.make("/v1/orgs", &operator, &json!({ "id": "empty" }));
    admin.expect(204, "DELETE", "/v1/orgs/empty", &operator, &Value::Null);
    admin.expect(404, "GET", "/v1/orgs/empty", &operator, &Value::Null);
    let nameless = admin.make("/v1/orgs", &operator, &json!({}));
    assert!(text(&nameless, "id").starts_with("org_"), "{nameless}");
}

#[test]
fn members_manage_by_their_tokens() {
    let admin = Admin::start();
    let (operator, issuer) = (admin.operator.clone(), admin.issuer());
    let alice = admin.token("alice", &[], json!({ "tenant": "acme" }));
    let bob = admin.token("bob", &[], json!({}));
    let whoami = |token: &str, query: &str| {
        admin.call("GET", &format!("/v1/whoami{query}"), Some(token), &Value::Null)
    };
    assert_eq!(whoami(&alice, "").status, 403);
    let member = |subject: &str, role: &str| json!({ "organisation": "acme", "issuer": issuer, "subject": subject, "role": role });
    admin.expect(200, "PUT", "/v1/members", &operator, &member("alice", "admin"));
    admin.expect(200, "PUT", "/v1/members", &operator, &member("bob", "admin"));
    let answer = whoami(&alice, "").json();
    assert_eq!((&answer["power"], &answer["organisation"]), (&json!("admin"), &json!("acme")));
    assert_eq!(answer["id"], format!("{issuer}#alice"));
    assert_eq!(whoami(&bob, "").status, 403, "a token without organisation has to say which");
    assert_eq!(whoami(&bob, "?organisation=acme").json()["power"], "admin");
    admin.expect(200, "GET", "/v1/orgs/acme", &bob, &Value::Null);

    admin.expect(200, "PUT", "/v1/members", &alice, &member("bob", "auditor"));
    assert_eq!(whoami(&bob, "?organisation=acme").json()["power"], "auditor");
    admin.expect(403, "POST", "/v1/agents?organisation=acme", &bob, &json!({}));
    let members = admin.get("/v1/members", &alice);
    assert_eq!(members["items"].as_array().unwrap().len(), 2, "{members}");
    let gone = format!("/v1/members?issuer={}&subject=bob", issuer.replace(':', "%3A").replace('/', "%2F"));
    admin.expect(204, "DELETE", &gone, &alice, &Value::Null);
    admin.expect(404, "DELETE", &gone, &alice, &Value::Null);
    assert_eq!(whoami(&bob, "?organisation=acme").status, 403);
}

#[test]
fn agents_and_their_keys() {
    let admin = Admin::start();
    let own = admin.key("admin", "acme");
    let body = json!({
        "name": "Payments", "roles": ["payer"], "permissions": ["pay"], "limits": { "max_amount": 100 },
        "attributes": { "team": "a" }, "key": { "name": "first", "prefix": "acme_live" },
    });
    let made = admin.make("/v1/agents", &own, &body);
    let (id, key) = (text(&made, "id"), text(&made, "api_key"));
    assert!(key.starts_with("acme_live_"), "{key}");
    assert_eq!((&made["organisation"], &made["limits"]["max_amount"]), (&json!("acme"), &json!(100)));
    assert_eq!(admin.decide(&key), 200);
    let path = format!("/v1/agents/{id}");
    assert!(admin.get(&path, &own).get("api_key").is_none());
    let changed = admin.expect(200, "PATCH", &path, &own, &json!({ "name": null, "roles": [] }));
    assert_eq!(
        (changed.get("name"), &changed["roles"], &changed["permissions"]),
        (None, &json!([]), &json!(["pay"]))
    );
    admin.expect(400, "PATCH", &path, &own, &json!({}));

    admin.post(&format!("{path}/disable"), &own);
    assert_eq!(admin.decide(&key), 401);
    admin.post(&format!("{path}/enable"), &own);
    assert_eq!(admin.decide(&key), 200);

    let key_id = text(&made, "api_key_id");
    let listed = admin.get(&format!("/v1/keys?agent={id}"), &own);
    assert_eq!(ids(&listed), std::slice::from_ref(&key_id));
    let shown = admin.get(&format!("/v1/keys/{key_id}"), &own);
    assert!(shown["last_used_at"].is_string() && shown.get("tag").is_none(), "{shown}");
    let rotated =
        admin.expect(200, "POST", &format!("/v1/keys/{key_id}/rotate"), &own, &json!({ "overlap": "1h" }));
    let second = text(&rotated, "api_key");
    assert!(second.starts_with("acme_live_") && rotated["replaces"] == json!(key_id), "{rotated}");
    assert_eq!((admin.decide(&key), admin.decide(&second)), (200, 200), "both, for an hour");
    admin.post(&format!("/v1/keys/{key_id}/revoke"), &own);
    assert_eq!((admin.decide(&key), admin.decide(&second)), (401, 200));
    admin.expect(409, "POST", &format!("/v1/keys/{key_id}/enable"), &own, &Value::Null);
    admin.expect(204, "DELETE", &format!("/v1/keys/{key_id}"), &own, &Value::Null);
    admin.expect(404, "GET", &format!("/v1/keys/{key_id}"), &own, &Value::Null);
    let third = admin.make("/v1/keys", &own, &json!({ "kind": "agent", "agent": id }));
    assert_eq!(admin.decide(&text(&third, "api_key")), 200);

    admin.expect(204, "DELETE", &path, &own, &Value::Null);
    admin.expect(404, "GET", &path, &own, &Value::Null);
    assert_eq!((admin.decide(&second), admin.decide(&text(&third, "api_key"))), (401, 401));
    assert_eq!(
        ids(&admin.get("/v1/keys?organisation=acme", &admin.operator)).len(),
        2,
        "those of admins are left"
    );
}

#[test]
fn delegations() {
    let admin = Admin::start();
    let own = admin.key("admin", "acme");
    let ((from, from_key), (to, to_key)) = (admin.agent("acme"), admin.agent("acme"));
    let body = json!({ "to": to, "scope": ["stripe:*"], "expires_at": "2200-01-01T00:00:00Z" });
    let made = admin.make("/v1/delegations", &from_key, &body);
    assert_eq!((&made["from"], &made["to"]), (&json!(from), &json!(to)));
    let id = text(&made, "id");
    for key in [&from_key, &to_key, &own] {
        assert_eq!(ids(&admin.get("/v1/delegations", key)), std::slice::from_ref(&id));
        admin.get(&format!("/v1/delegations/{id}"), key);
    }
    for agent in [&from, &to] {
        assert_eq!(
            ids(&admin.get(&format!("/v1/delegations?agent={agent}"), &own)),
            std::slice::from_ref(&id)
        );
    }
    let by_delegation = || {
        let (bearer, body) =
            (format!("Bearer {to_key}"), br#"{"input": {"action": {"name": "stripe:pay"}}}"#);
        let headers = [("authorization", bearer.as_str()), ("x-agentpack-delegation", &id)];
        admin.server.send("POST", "/v1/data/demo/who", &headers, body)
    };
    assert_ne!(by_delegation().status, 401);
    admin.expect(403, "POST", &format!("/v1/delegations/{id}/revoke"), &to_key, &Value::Null);
    admin.post(&format!("/v1/delegations/{id}/disable"), &from_key);
    assert_eq!(by_delegation().status, 401);
    admin.post(&format!("/v1/delegations/{id}/enable"), &from_key);
    assert_ne!(by_delegation().status, 401);
    admin.post(&format!("/v1/delegations/{id}/revoke"), &from_key);
    assert_eq!(by_delegation().status, 401);
    admin.expect(204, "DELETE", &format!("/v1/delegations/{id}"), &own, &Value::Null);
    assert!(ids(&admin.get("/v1/delegations", &own)).is_empty());
}

#[test]
fn secrets_are_shown_to_their_agent_and_to_bridges() {
    let admin = Admin::start();
    let (own, bridge) = (admin.key("admin", "acme"), admin.key("bridge", "acme"));
    let (id, key) = admin.agent("acme");
    let path = format!("/v1/agents/{id}/secrets/stripe");
    let put = admin.expect(200, "PUT", &path, &bridge, &json!({ "value": "s3cret-value" }));
    assert_eq!((&put["version"], put.get("value")), (&json!(1), None));
    assert_eq!(admin.expect(200, "PUT", &path, &key, &json!({ "value": "s3cret-two" }))["version"], 2);
    for who in [&key, &bridge] {
        assert_eq!(admin.get(&path, who)["value"], "s3cret-two");
    }
    for who in [&own, &admin.operator] {
        admin.expect(403, "GET", &path, who, &Value::Null);
        let names = admin.get(&format!("/v1/agents/{id}/secrets"), who);
        assert_eq!((&names["items"][0]["name"], names["items"][0].get("value")), (&json!("stripe"), None));
    }
    let reads = admin.get("/v1/auth-events?action=secret_read", &own);
    assert_eq!(reads["items"].as_array().unwrap().len(), 2, "{reads}");
    let audit = admin.get("/v1/audit", &admin.operator).to_string();
    let kept = std::fs::read(admin.server.dir.path().join("state/registry.db")).unwrap();
    assert!(!audit.contains("s3cret") && !kept.windows(6).any(|window| window == b"s3cret"));
    admin.expect(204, "DELETE", &path, &bridge, &Value::Null);
    admin.expect(404, "GET", &path, &key, &Value::Null);
}

#[test]
fn roles_settings_and_revocations() {
    let admin = Admin::start();
    let own = admin.key("admin", "acme");
    let put = |key: &str, body: &Value| admin.expect(200, "PUT", "/v1/roles", key, body);
    put(&own, &json!({ "name": "payer", "permissions": ["pay"] }));
    put(&admin.operator, &json!({ "name": "common", "permissions": ["look"] }));
    let names = |list: &Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|item| text(item, "name")).collect()
    };
    assert_eq!(names(&admin.get("/v1/roles", &own)), ["payer"]);
    assert_eq!(names(&admin.get("/v1/roles", &admin.operator)), ["common", "payer"]);
    admin.expect(403, "PUT", "/v1/roles", &own, &json!({ "name": "verdict-admin", "permissions": [] }));
    admin.expect(204, "DELETE", "/v1/roles/payer", &own, &Value::Null);
    admin.expect(404, "DELETE", "/v1/roles/common", &own, &Value::Null);
    admin.expect(204, "DELETE", "/v1/roles/common", &admin.operator, &Value::Null);

    let set = admin.expect(200, "PUT", "/v1/settings/colour", &own, &json!({ "value": { "a": [1, "b"] } }));
    assert_eq!((&set["organisation"], &set["value"]), (&json!("acme"), &json!({ "a": [1, "b"] })));
    admin.expect(200, "PUT", "/v1/settings/colour", &admin.operator, &json!({ "value": 1 }));
    admin.expect(400, "PUT", "/v1/settings/other", &own, &json!({ "value": 1 }));
    assert_eq!(admin.get("/v1/settings", &own)["items"].as_array().unwrap().len(), 1);
    admin.expect(204, "DELETE", "/v1/settings/colour", &own, &Value::Null);
    admin.expect(204, "DELETE", "/v1/settings/colour", &admin.operator, &Value::Null);

    let (id, key) = admin.agent("acme");
    let body = json!({ "named": { "agent": id }, "reason": "lost" });
    let revoked = admin.make("/v1/revocations", &own, &body);
    assert_eq!((&revoked["organisation"], admin.decide(&key)), (&json!("acme"), 401));
    let path = format!("/v1/revocations/{}", text(&revoked, "id"));
    assert_eq!(admin.get(&path, &own)["reason"], "lost");
    assert_eq!(ids(&admin.get("/v1/revocations", &own)), [text(&revoked, "id")]);
    admin.expect(204, "DELETE", &path, &own, &Value::Null);
    assert_eq!(admin.decide(&key), 200);
}

#[test]
fn logs_lists_and_the_registry_as_a_whole() {
    let admin = Admin::start();
    let own = admin.key("admin", "acme");
    let made: Vec<String> = (0..5).map(|_| admin.agent("acme").0).collect();
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/v1/agents?limit=2&after={after}"), &own);
        assert!(page["items"].as_array().unwrap().len() <= 2);
        seen.extend(ids(&page));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    let mut sorted = made.clone();
    sorted.sort();
    assert_eq!(seen, sorted);

    let first = admin.get("/v1/audit?action=agent.&limit=3", &own);
    let before = first["next"].as_u64().unwrap();
    let rest = admin.get(&format!("/v1/audit?action=agent.&before={before}"), &own);
    let count = |page: &Value| page["items"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&rest), &rest["next"]), (3, 2, &Value::Null));
    assert_eq!(first["items"][0]["changes"][0]["id"], json!(made[4]));
    let none = admin.get("/v1/audit?until=2001-01-01T00:00:00Z&from=2000-01-01T00:00:00Z", &own);
    assert_eq!(count(&none), 0);

    let verified = admin.get("/v1/audit/verify", &admin.operator);
    assert_eq!(verified["problems"], json!([]));
    assert!(verified["entries"].as_u64().unwrap() >= 8, "{verified}");
    assert_eq!(admin.post("/v1/registry/rewrap", &admin.operator), json!({ "rewrapped": 0 }));
}
