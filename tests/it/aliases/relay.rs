//! `POST /v1/manifest/validate`, and what makes organisations and agents.

use serde_json::{Value, json};

use super::{call, expect};
use crate::admin::support::{Admin, CONFIG, text};
use crate::harness::{Reply, TestApp};

/// Allows payments of those who are verified, and of the one agent that nobody has given a key yet.
const POLICY: &str = r#"package relay.policies.main

default allow := false

allow if {
	input.subject.type != "anonymous"
	input.action.parameters.amount <= 100
}

allow if {
	input.subject.type == "anonymous"
	input.asserted.agent.agent_id == "legacy"
}

reason := sprintf("decided for %v of %v", [input.agent.agent_id, input.agent.org_id])
"#;

const OPTIONAL: &str = "identity: {mode: required, entrypoints: {relay: optional}}\nmanagement: {listen: '127.0.0.1:0'}\n\
                        registry: {enabled: true}\n";

fn admin(config: &str) -> Admin {
    let admin = Admin::with(config);
    admin.server.write("demo/relay.rego", POLICY);
    admin.server.wait_generation(2);
    admin
}

/// An agent of an organisation, registered in Relay's way: its id and its key.
fn agent(admin: &Admin, organisation: &str, permissions: Value) -> (String, String) {
    let body = json!({ "name": "Payments", "org_id": organisation, "permissions": permissions });
    let bearer = format!("Bearer {}", admin.operator);
    let made = expect(admin, 201, ("POST", "/v1/agents/register"), ("authorization", &bearer), &body);
    (text(&made, "agent_id"), text(&made, "api_key"))
}

fn manifest(agent: Value, method: &str, amount: Value) -> Value {
    json!({
        "manifest_id": "550e8400-e29b-41d4-a716-446655440000", "version": "1.0", "timestamp": "2026-01-17T10:30:00Z",
        "agent": agent, "action": { "provider": "stripe", "method": method, "parameters": { "amount": amount } },
        "justification": { "reasoning": "quoted" }, "environment": "production",
    })
}

fn validate(admin: &Admin, key: Option<&str>, body: &Value) -> Reply {
    let headers: Vec<(&str, &str)> = key.iter().map(|key| ("x-relay-api-key", *key)).collect();
    admin.server.send("POST", "/v1/manifest/validate", &headers, body.to_string().as_bytes())
}

#[test]
fn a_manifest_is_checked_in_relays_order_and_then_decided() {
    let admin = admin(CONFIG);
    let (id, key) = agent(&admin, "acme", json!(["stripe:create_payment"]));
    assert!(id.starts_with("agent_") && key.starts_with("relay_sk_"), "{id} {key}");
    let own = |agent: &str, org: &str| json!({ "agent_id": agent, "org_id": org, "user_id": "u" });
    for (agent, method, amount, status, said) in [
        (own(&id, "acme"), "create_payment", json!(5), 200, "true"),
        (json!({}), "create_payment", json!(5), 200, "true"),
        (own(&id, "acme"), "create_payment", json!(500), 200, "false"),
        (own("agent_other", "other"), "refund", json!(5), 403, "Agent ID mismatch"),
        (own(&id, "other"), "refund", json!(5), 403, "Organization mismatch"),
        (own(&id, "acme"), "refund", json!(5), 403, "Insufficient permissions"),
    ] {
        let body = manifest(agent, method, amount);
        let (reply, record) = admin.server.recorded(|| validate(&admin, Some(&key), &body));
        let answer = reply.json();
        assert_eq!(reply.status, status, "{body}: {answer}");
        let found = answer.get("detail").cloned().unwrap_or_else(|| json!(answer["approved"].to_string()));
        assert_eq!(found, said, "{body}: {answer}");
        assert_eq!(record["protocol"], "relay");
        assert_eq!(record["decision_id"], reply.header("verdict-decision-id").unwrap());
        if status == 200 {
            assert_eq!(answer["manifest_id"], "550e8400-e29b-41d4-a716-446655440000");
            assert_eq!(answer["reason"], format!("decided for {id} of acme"));
            assert_eq!(answer["denial_reason"].is_null(), said == "true");
            assert_eq!(record["input"]["agent"], json!({ "agent_id": id, "org_id": "acme" }));
        } else {
            assert_eq!((&record["outcome"], answer.as_object().unwrap().len()), (&json!("refused"), 1));
        }
    }
    let wrapped =
        json!({ "manifest": manifest(own(&id, "acme"), "create_payment", json!(5)), "dry_run": true });
    assert_eq!(validate(&admin, Some(&key), &wrapped).json()["approved"], true);
    for (body, said) in [(json!({}), "no `action.provider`"), (json!([]), "not a JSON object")] {
        let reply = validate(&admin, Some(&key), &body);
        assert_eq!(reply.status, 400);
        assert!(text(&reply.json(), "detail").contains(said), "{body}");
    }
    assert_eq!(admin.server.get("/v1/manifest/validate").status, 405);
}

#[test]
fn whoever_has_no_valid_key_is_told_one_thing() {
    let admin = admin(CONFIG);
    let (id, key) = agent(&admin, "acme", json!(["stripe:*"]));
    let body = manifest(json!({ "agent_id": id, "org_id": "acme" }), "create_payment", json!(5));
    assert_eq!(validate(&admin, Some(&key), &body).status, 200);
    let refused = |key: Option<&str>| {
        let reply = validate(&admin, key, &body);
        assert_eq!((reply.status, reply.json()), (401, json!({ "detail": "Invalid API key" })), "{key:?}");
        assert!(reply.header("www-authenticate").is_some());
        assert_eq!(reply.header("deprecation"), None);
    };
    refused(None);
    refused(Some("relay_sk_of-nobody"));
    refused(Some(format!("{key}x").as_str()));
    admin.post(&format!("/v1/agents/{id}/disable"), &admin.operator);
    refused(Some(key.as_str()));
    admin.post(&format!("/v1/agents/{id}/enable"), &admin.operator);
    assert_eq!(validate(&admin, Some(&key), &body).status, 200);
    admin.post("/v1/orgs/acme/revoke", &admin.operator);
    refused(Some(key.as_str()));
}

#[test]
fn hard_limits_stand_before_policy_and_policy_can_be_left_alone() {
    let started = admin(CONFIG);
    let (_, key) = agent(&started, "acme", json!({ "allowed_providers": ["stripe"], "max_amount": 10 }));
    for (body, status) in [
        (manifest(json!({}), "anything", json!(10)), 200),
        (manifest(json!({}), "anything", json!(11)), 403),
        (manifest(json!({}), "anything", json!("1")), 403),
    ] {
        let reply = validate(&started, Some(&key), &body);
        assert_eq!(reply.status, status, "{body}");
        if status == 403 {
            assert_eq!(reply.json(), json!({ "detail": "Insufficient permissions" }));
            assert!(reply.header("verdict-reason").unwrap().contains("max_amount"));
        }
    }
    let (_, none) = agent(&started, "acme", json!([]));
    let body = manifest(json!({}), "create_payment", json!(5));
    assert_eq!(validate(&started, Some(&none), &body).status, 403);

    let policy_only = format!("{CONFIG}permissions: {{limits: false, role_permissions: false}}\n");
    let started = admin(&policy_only);
    let (_, none) = agent(&started, "acme", json!([]));
    assert_eq!(validate(&started, Some(&none), &body).json()["approved"], true);
    let other = manifest(json!({ "agent_id": "agent_other" }), "create_payment", json!(5));
    assert_eq!(validate(&started, Some(&none), &other).json()["detail"], "Agent ID mismatch");
}

#[test]
fn where_keys_are_optional_calls_without_one_are_deprecated_and_wrong_ones_refused() {
    let admin = admin(OPTIONAL);
    let (id, key) = agent(&admin, "acme", json!(["stripe:*"]));
    let legacy =
        |name: &str| manifest(json!({ "agent_id": name, "org_id": "acme" }), "create_payment", json!(5));
    let (reply, record) = admin.server.recorded(|| validate(&admin, None, &legacy("legacy")));
    assert_eq!((reply.status, &reply.json()["approved"]), (200, &json!(true)));
    assert_eq!(reply.header("deprecation"), Some("@1767225600"));
    assert!(reply.header("warning").unwrap().starts_with("299 - "));
    assert_eq!(
        (&record["input"]["subject"]["type"], record["input"].get("agent")),
        (&json!("anonymous"), None)
    );

    // What it says of itself is no identity: the id of an agent that has a key gives nothing.
    let reply = validate(&admin, None, &legacy(&id));
    assert_eq!((reply.status, &reply.json()["approved"]), (200, &json!(false)));
    let reply = validate(&admin, Some("relay_sk_wrong"), &legacy("legacy"));
    assert_eq!((reply.status, reply.json()), (401, json!({ "detail": "Invalid API key" })));
    let reply = validate(&admin, Some(&key), &legacy(&id));
    assert_eq!((&reply.json()["approved"], reply.header("deprecation")), (&json!(true), None));
}

#[test]
fn a_manifest_that_no_policy_decides_is_denied() {
    let config = "identity: {mode: off}\ndecision: {manifest_path: app/manifests}\n";
    let policy = "package app\n\nmanifests := input.action.method == \"read\"\n";
    let server = TestApp::new().config(config).file("app/policy.rego", policy).start();
    let ask = |method: &str| {
        let body = manifest(json!({ "agent_id": "a" }), method, json!(1)).to_string();
        server.post("/v1/manifest/validate", &body).json()
    };
    assert_eq!((&ask("read")["approved"], &ask("read")["denial_reason"]), (&json!(true), &Value::Null));
    assert_eq!(ask("write")["denial_reason"], "Policy violation");

    let server = TestApp::new().file("app/policy.rego", policy).start();
    let reply = server.post("/v1/manifest/validate", &manifest(json!({}), "read", json!(1)).to_string());
    assert_eq!((reply.status, &reply.json()["approved"]), (200, &json!(false)));
    assert_eq!(reply.header("verdict-outcome"), Some("undefined"));
}

#[test]
fn organisations_and_agents_are_registered_by_those_who_may() {
    let admin = Admin::start();
    let operator = ("x-relay-api-key", admin.operator.as_str());
    let register = ("POST", "/v1/orgs/register");
    let body = json!({ "name": "Umbrella", "org_id": "umbrella" });
    let made = expect(&admin, 201, register, operator, &body);
    assert_eq!((&made["org_id"], &made["name"]), (&json!("umbrella"), &json!("Umbrella")));
    let own = text(&made, "admin_token");
    assert!(text(&expect(&admin, 409, register, operator, &body), "detail").contains("umbrella"));
    let nameless = expect(&admin, 201, register, operator, &json!({ "org_name": "Other" }));
    assert!(text(&nameless, "org_id").starts_with("org_"));
    let said = expect(&admin, 400, register, operator, &json!({ "name": "X", "org_id": "A B" }));
    assert!(text(&said, "detail").starts_with("`org_id` "), "{said}");

    let stranger = call(&admin, "POST", "/v1/orgs/register", ("x-other", "x"), &json!({ "name": "Mine" }));
    assert_eq!((stranger.status, stranger.json()), (401, json!({ "detail": "Invalid API key" })));
    expect(&admin, 403, register, ("x-relay-api-key", &own), &json!({ "name": "Mine" }));

    let register = ("POST", "/v1/agents/register");
    let body = json!({ "name": "Payments", "permissions": ["stripe:pay"], "description": "pays" });
    let agent = expect(&admin, 201, register, ("x-relay-api-key", &own), &body);
    assert_eq!(agent["org_id"], "umbrella");
    let shown = admin.get(&format!("/v1/agents/{}", text(&agent, "agent_id")), &own);
    assert_eq!(
        (&shown["permissions"], &shown["attributes"]["description"]),
        (&json!(["stripe:pay"]), &json!("pays"))
    );
    assert_eq!(admin.decide(&text(&agent, "api_key")), 200);
    let elsewhere = json!({ "name": "Payments", "org_id": "acme" });
    let said = expect(&admin, 403, register, ("x-relay-api-key", &own), &elsewhere);
    assert_eq!(said, json!({ "detail": "Organization mismatch" }));
    expect(&admin, 403, register, ("x-relay-api-key", &text(&agent, "api_key")), &body);
    expect(&admin, 400, register, operator, &json!({ "name": "Payments" }));
}
