//! What is refused for what it says, and that the answer names it.

use serde_json::{Value, json};

use super::support::{Admin, once};

#[test]
fn what_is_not_right_is_named() {
    let admin = Admin::start();
    let (agent, _) = admin.agent("acme");
    let long = "x".repeat(201);
    let large = json!({ "organisation": "acme", "attributes": { "a": "x".repeat(9000) } }).to_string();
    let key = |more: &str| format!(r#"{{"kind": "agent", "agent": "{agent}"{more}}}"#);
    let delegation = |more: &str| format!(r#"{{"from": "{agent}"{more}}}"#);
    let cases: Vec<(&str, &str, String, &str)> = vec![
        ("POST", "/v1/orgs", r#"{"id": "аcme"}"#.into(), "id"),
        ("POST", "/v1/orgs", r#"{"id": "Acme"}"#.into(), "id"),
        ("POST", "/v1/orgs", r#"{"id": "acme\n"}"#.into(), "id"),
        ("POST", "/v1/orgs", r#"{"id": "a/b"}"#.into(), "id"),
        ("POST", "/v1/orgs", r#"{"id": "register"}"#.into(), "id"),
        ("POST", "/v1/orgs", r#"{"id": "verify"}"#.into(), "id"),
        ("POST", "/v1/orgs", r#"{"id": "query"}"#.into(), "id"),
        ("POST", "/v1/orgs", r#"{"id": 7}"#.into(), "id"),
        ("POST", "/v1/orgs", r#"{"name": "a\u202eb"}"#.into(), "name"),
        ("POST", "/v1/orgs", r#"{"name": "a\u0000b"}"#.into(), "name"),
        ("POST", "/v1/orgs", format!(r#"{{"name": "{long}"}}"#), "name"),
        ("POST", "/v1/orgs", r#"{"colour": 1}"#.into(), "colour"),
        ("POST", "/v1/orgs", r#"{"id": "a", "id": "b"}"#.into(), ""),
        ("POST", "/v1/orgs", "[]".into(), ""),
        ("POST", "/v1/orgs", "{".into(), ""),
        ("PATCH", "/v1/orgs/acme", "{}".into(), "name"),
        ("POST", "/v1/agents", "{}".into(), "organisation"),
        ("POST", "/v1/agents?organisation=umbrella", r#"{"organisation": "acme"}"#.into(), "organisation"),
        ("POST", "/v1/agents", large, "attributes"),
        ("POST", "/v1/agents", r#"{"organisation": "acme", "roles": ["a", "a"]}"#.into(), "roles"),
        ("POST", "/v1/agents", r#"{"organisation": "acme", "roles": ["a b"]}"#.into(), "roles"),
        (
            "POST",
            "/v1/agents",
            r#"{"organisation": "acme", "limits": {"max_amount": -1}}"#.into(),
            "limits.max_amount",
        ),
        ("POST", "/v1/agents", r#"{"organisation": "acme", "limits": {"most": 1}}"#.into(), "limits.most"),
        ("POST", "/v1/keys", "{}".into(), "kind"),
        ("POST", "/v1/keys", r#"{"kind": "root"}"#.into(), "kind"),
        ("POST", "/v1/keys", r#"{"kind": "agent"}"#.into(), "agent"),
        ("POST", "/v1/keys", key(r#", "expires_at": "2001-01-01T00:00:00Z""#), "expires_at"),
        ("POST", "/v1/keys", key(r#", "expires_at": "tomorrow""#), "expires_at"),
        ("POST", "/v1/keys", key(r#", "prefix": "a b""#), "prefix"),
        ("POST", "/v1/delegations", delegation(""), "to"),
        ("POST", "/v1/delegations", delegation(r#", "to": 1"#), "to"),
        ("PUT", "/v1/roles", r#"{"name": "a", "permissions": [1]}"#.into(), "permissions[0]"),
        ("POST", "/v1/revocations", r#"{"named": {"planet": "x"}}"#.into(), "named"),
        ("GET", "/v1/audit?from=2002-01-01T00:00:00Z&until=2001-01-01T00:00:00Z", String::new(), "until"),
        ("GET", "/v1/audit?from=yesterday", String::new(), "from"),
        ("GET", "/v1/audit?before=x", String::new(), "before"),
        ("GET", "/v1/agents?limit=0", String::new(), "limit"),
        ("GET", "/v1/agents?limit=1001", String::new(), "limit"),
        ("GET", "/v1/agents?after=%25", String::new(), "after"),
        ("GET", "/v1/agents?colour=1", String::new(), "colour"),
        ("GET", "/v1/agents?limit=1&limit=2", String::new(), "limit"),
        ("GET", "/v1/agents/%ff", String::new(), ""),
        ("DELETE", "/v1/members?organisation=acme&issuer=i", String::new(), "subject"),
    ];
    for (method, path, body, field) in cases {
        let bearer = format!("Bearer {}", admin.operator);
        let reply = loop {
            let reply = once(&admin.server, method, path, &[("authorization", &bearer)], body.as_bytes());
            if reply.status != 429 {
                break reply;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        };
        let said = String::from_utf8_lossy(&reply.body);
        assert_eq!(reply.status, 400, "{method} {path} {body}: {said}");
        let named = reply.json().get("field").and_then(Value::as_str).unwrap_or_default().to_owned();
        assert_eq!(named, field, "{method} {path} {body}: {said}");
    }
    assert_eq!(
        admin.get("/v1/orgs", &admin.operator)["items"].as_array().unwrap().len(),
        1,
        "nothing was made"
    );
}

#[test]
fn a_body_is_read_once_it_is_known_who_sends_it() {
    let admin = Admin::start();
    let large = vec![b' '; 3 << 20];
    let (refused, record) = admin.server.recorded(|| once(&admin.server, "POST", "/v1/orgs", &[], &large));
    assert_eq!((refused.status, &record["error"]["kind"]), (401, &json!("credential_missing")));
    let bearer = format!("Bearer {}", admin.operator);
    let header = [("authorization", bearer.as_str())];
    let (refused, record) =
        admin.server.recorded(|| once(&admin.server, "POST", "/v1/orgs", &header, &large));
    assert_eq!((refused.status, &record["error"]["kind"]), (413, &json!("too_large")));
    let (made, record) = admin.server.recorded(|| {
        once(&admin.server, "POST", "/v1/orgs", &header, br#"{"id": "made", "name": "Not in the record"}"#)
    });
    assert_eq!((made.status, made.header("cache-control")), (201, Some("no-store")));
    assert_eq!((&record["outcome"], &record["operation"]), (&json!("allow"), &json!("POST /v1/orgs")));
    assert!(!record.to_string().contains("Not in the record"), "{record}");
    let (again, record) =
        admin.server.recorded(|| once(&admin.server, "POST", "/v1/orgs", &header, br#"{"id": "made"}"#));
    assert_eq!((again.status, &record["outcome"]), (409, &json!("allow")), "the attempt is recorded");
    assert_eq!(again.header("verdict-decision-id"), record["decision_id"].as_str());
}
