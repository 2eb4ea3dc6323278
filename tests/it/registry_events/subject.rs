//! What policy sees of a caller is what the registry has of it.

use super::*;

fn subject(server: &Server, headers: &[(&str, &str)]) -> Value {
    let reply = server.send("POST", "/v1/data/app/echo", headers, br#"{"input": {"action": "mail:send"}}"#);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["result"]["subject"].clone()
}

#[test]
fn an_agent_comes_with_its_record() {
    let server = start("permissions: {role_permissions: true}\n");
    let registry = registry(&server);
    organisation(registry, "acme");
    let what = json!({
        "name": "payer", "roles": ["cashier"], "permissions": ["mail:send"],
        "limits": {"max_amount": 100, "allowed_methods": ["mail:*"]}, "attributes": {"team": "billing", "tier": 2},
    });
    let agent = agent(registry, "acme", what);
    let mut expected = json!({
        "id": agent.id, "type": "agent", "issuer": "registry", "method": "api_key", "roles": ["cashier"], "scopes": [],
        "permissions": ["mail:send"], "tenant": "acme", "agent": agent.id,
        "attributes": {"team": "billing", "tier": 2}, "claims": {}, "proof": {"type": "bearer"},
        "limits": {"max_amount": 100, "allowed_methods": ["mail:*"]},
    });
    let headers = [("X-API-Key", agent.key.as_str())];
    let seen = subject(&server, &headers);
    expected["claims"] = seen["claims"].clone();
    assert_eq!(seen, expected);
    // A change shows with the next call.
    let change =
        serde_json::from_value(json!({"limits": {"max_amount": 5}, "attributes": {"team": "sales"}}))
            .unwrap();
    execute(registry, Command::UpdateAgent { id: agent.id.clone(), change });
    let seen = subject(&server, &headers);
    assert_eq!(
        (&seen["limits"], &seen["attributes"]),
        (&json!({"max_amount": 5}), &json!({"team": "sales"}))
    );
    let change = serde_json::from_value(json!({"limits": {}})).unwrap();
    execute(registry, Command::UpdateAgent { id: agent.id.clone(), change });
    assert_eq!(subject(&server, &headers).get("limits"), None);
}

#[test]
fn whoever_acts_by_a_delegation_comes_with_it_and_the_limits_of_both() {
    let server = start("");
    let registry = registry(&server);
    organisation(registry, "acme");
    let limited =
        |amount: u32, methods: &[&str]| json!({"limits": {"max_amount": amount, "allowed_methods": methods}});
    let from = agent(registry, "acme", limited(50, &["mail:*", "sms:send"]));
    let to = agent(registry, "acme", limited(70, &["mail:send", "fax:*"]));
    let id = delegation(registry, &from.id, &to.id, &["mail:*"]);
    let seen = subject(&server, &[("X-API-Key", &to.key), ("x-agentpack-delegation", &id)]);
    let expected = json!({
        "id": id, "from": from.id, "to": to.id, "scope": ["mail:*"], "expires_at": "2035-01-01T00:00:00.000000000Z",
    });
    assert_eq!(seen["delegation"], expected);
    assert_eq!(seen["limits"], json!({"max_amount": 50, "allowed_methods": ["mail:send"]}));
    assert_eq!((&seen["id"], &seen["agent"]), (&json!(from.id), &json!(to.id)));
    let alone = subject(&server, &[("X-API-Key", &to.key)]);
    assert_eq!(alone.get("delegation"), None);
    assert_eq!(alone["limits"], json!({"max_amount": 70, "allowed_methods": ["mail:send", "fax:*"]}));
}
