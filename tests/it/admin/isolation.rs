//! Nobody sees, names or changes what is another organisation's.

use serde_json::{Value, json};

use super::support::{Admin, text};

#[test]
fn what_is_anothers_is_as_if_it_were_not_there() {
    let admin = Admin::start();
    let (acme, umbrella) = (admin.key("admin", "acme"), admin.organisation("umbrella"));
    let ((agent, _), (second, _)) = (admin.agent("acme"), admin.agent("acme"));
    let (theirs, theirs_key) = admin.agent("umbrella");
    let key = text(&admin.make("/v1/keys", &acme, &json!({ "kind": "agent", "agent": agent })), "id");
    let delegation =
        json!({ "from": agent, "to": second, "scope": ["x:y"], "expires_at": "2200-01-01T00:00:00Z" });
    let delegation = text(&admin.make("/v1/delegations", &acme, &delegation), "id");
    let revocation = json!({ "named": { "jti": "acme-jti" } });
    let revocation = text(&admin.make("/v1/revocations", &acme, &revocation), "id");
    admin.expect(200, "PUT", "/v1/roles", &acme, &json!({ "name": "acme-role", "permissions": [] }));
    admin.expect(200, "PUT", "/v1/settings/colour", &acme, &json!({ "value": "acme-value" }));
    admin.expect(
        200,
        "PUT",
        &format!("/v1/agents/{agent}/secrets/acme-name"),
        &acme,
        &json!({ "value": "v" }),
    );

    for (path, not_there) in [
        ("/v1/orgs/acme".to_owned(), "/v1/orgs/nobody".to_owned()),
        (format!("/v1/agents/{agent}"), "/v1/agents/nobody".to_owned()),
        (format!("/v1/keys/{key}"), "/v1/keys/nobody".to_owned()),
        (format!("/v1/delegations/{delegation}"), "/v1/delegations/nobody".to_owned()),
        (format!("/v1/revocations/{revocation}"), "/v1/revocations/nobody".to_owned()),
    ] {
        let one = admin.expect(404, "GET", &path, &umbrella, &Value::Null);
        let other = admin.expect(404, "GET", &not_there, &umbrella, &Value::Null);
        let id = path.rsplit('/').next().unwrap();
        assert_eq!(one["message"], json!(other["message"].as_str().unwrap().replace("nobody", id)), "{path}");
    }
    for list in [
        "orgs",
        "members",
        "agents",
        "keys",
        "delegations",
        "roles",
        "settings",
        "revocations",
        "audit",
        "auth-events",
    ] {
        let path = format!("/v1/{list}");
        let (own, agents) =
            (admin.get(&path, &umbrella).to_string(), ["agents", "keys", "delegations"].contains(&list));
        let mut shown = own;
        if agents {
            shown += &admin.get(&path, &theirs_key).to_string();
        }
        for id in [&agent, &key, &delegation, &revocation, "acme"] {
            assert!(!shown.contains(id), "{list} shows {id}: {shown}");
        }
        admin.expect(404, "GET", &format!("{path}?organisation=acme"), &umbrella, &Value::Null);
        let all = admin.get(&path, &admin.operator).to_string();
        assert!(list == "members" || list == "auth-events" || all.contains("acme"), "{list}: {all}");
    }
    let across =
        json!({ "from": theirs, "to": agent, "scope": ["x:y"], "expires_at": "2200-01-01T00:00:00Z" });
    admin.expect(404, "POST", "/v1/delegations", &theirs_key, &across);
    admin.expect(400, "POST", "/v1/delegations", &admin.operator, &across);
    assert_eq!(admin.get(&format!("/v1/keys?agent={agent}"), &umbrella)["items"], json!([]));
    assert_eq!(admin.get(&format!("/v1/delegations?agent={agent}"), &umbrella)["items"], json!([]));
    admin.expect(404, "GET", &format!("/v1/agents/{agent}"), &theirs_key, &Value::Null);
    admin.expect(404, "GET", &format!("/v1/keys?agent={agent}"), &theirs_key, &Value::Null);
}

#[test]
fn what_is_narrower_than_its_subject_has_no_power() {
    let admin = Admin::start();
    let ((from, from_key), (to, to_key)) = (admin.agent("acme"), admin.agent("acme"));
    let body = json!({ "from": from, "to": to, "scope": ["x:y"], "expires_at": "2200-01-01T00:00:00Z" });
    let delegation = text(&admin.make("/v1/delegations", &from_key, &body), "id");
    let bearer = format!("Bearer {to_key}");
    let with =
        |headers: &[(&str, &str)]| super::support::once(&admin.server, "GET", "/v1/whoami", headers, b"");
    assert_eq!(with(&[("authorization", &bearer)]).status, 200);
    let acting = [("authorization", bearer.as_str()), ("x-agentpack-delegation", &delegation)];
    let refused = with(&acting);
    assert_eq!(refused.status, 403, "{}", String::from_utf8_lossy(&refused.body));

    // Hard limits say what an agent may do elsewhere; what is its own stays its own.
    let limits = json!({ "limits": { "allowed_methods": ["x:y"] } });
    admin.expect(200, "PATCH", &format!("/v1/agents/{to}"), &admin.operator, &limits);
    assert_eq!(admin.get("/v1/whoami", &to_key)["power"], "agent");

    // A role that a record names is no power.
    let operators = json!({ "organisation": "acme", "roles": ["verdict-admin"] });
    admin.expect(403, "POST", "/v1/agents", &admin.operator, &operators);
    for claims in
        [json!({}), json!({ "tenant": "acme" }), json!({ "tenant": "acme", "roles": ["admin", "operator"] })]
    {
        let token = admin.token("mallory", &[], claims);
        assert_eq!(admin.call("GET", "/v1/whoami", Some(&token), &Value::Null).status, 403);
    }
    let through = admin.token("boss", &["verdict-admin"], json!({ "act": { "sub": "helper" } }));
    assert_eq!(admin.call("GET", "/v1/whoami", Some(&through), &Value::Null).status, 403);
}
