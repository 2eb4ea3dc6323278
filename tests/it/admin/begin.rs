//! How a registry is begun: once.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::support::{Admin, CONFIG, bootstrap_token, new_server, once, text};
use crate::harness::Server;

fn begin(server: &Server, token: &str, body: &Value) -> crate::harness::Reply {
    let bearer = format!("Bearer {token}");
    once(server, "POST", "/v1/bootstrap", &[("authorization", &bearer)], body.to_string().as_bytes())
}

#[test]
fn a_registry_is_begun_with_a_token_that_only_the_owner_can_read_once() {
    let server = new_server(CONFIG);
    let file = server.dir.path().join("state/bootstrap-token");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let token = bootstrap_token(&server);
    assert!(token.starts_with("vbt_") && token.len() >= 40, "{token}");

    let (wrong, record) = server.recorded(|| begin(&server, &format!("{token}x"), &json!({})));
    assert_eq!((wrong.status, &record["error"]["kind"]), (401, &json!("credential_invalid")));
    assert_eq!(once(&server, "POST", "/v1/bootstrap", &[], b"").status, 401);

    let body = json!({ "organisation": { "id": "acme" }, "agent": { "name": "First" } });
    let (begun, record) = server.recorded(|| begin(&server, &token, &body));
    assert_eq!(begun.status, 201, "{}", String::from_utf8_lossy(&begun.body));
    assert_eq!((&record["outcome"], &record["operation"]), (&json!("allow"), &json!("POST /v1/bootstrap")));
    let begun = begun.json();
    assert_eq!(
        (&begun["organisation"]["id"], &begun["agent"]["organisation"]),
        (&json!("acme"), &json!("acme"))
    );
    assert!(!file.exists(), "the token is spent");
    assert_eq!(begin(&server, &token, &body).status, 409);
    assert_eq!(begin(&server, "wrong", &body).status, 409);

    let admin = Admin { operator: text(&begun, "operator_key"), server };
    for (key, power, organisation) in [
        (text(&begun, "operator_key"), "operator", Value::Null),
        (text(&begun, "admin_key"), "admin", json!("acme")),
        (text(&begun, "agent_key"), "agent", json!("acme")),
    ] {
        let whoami = admin.get("/v1/whoami", &key);
        assert_eq!((&whoami["power"], &whoami["organisation"]), (&json!(power), &organisation));
    }
    assert_eq!(admin.decide(&text(&begun, "agent_key")), 200);
    let seen = admin.get("/v1/audit", &admin.operator);
    let begins =
        seen["items"].as_array().unwrap().iter().find(|entry| entry["action"] == "registry.bootstrap");
    assert_eq!(begins.unwrap()["actor"]["id"], "bootstrap");
    for secret in ["operator_key", "admin_key", "agent_key"] {
        let log = std::fs::read_to_string(admin.server.dir.path().join("decisions.jsonl")).unwrap();
        assert!(!seen.to_string().contains(&text(&begun, secret)) && !log.contains(&text(&begun, secret)));
    }
}

#[test]
fn of_twenty_who_begin_at_once_one_does() {
    let server = new_server(CONFIG);
    let (token, url) = (bootstrap_token(&server), format!("http://{}", server.app.management.unwrap()));
    let client = server.client.clone();
    let statuses = server.block_on(async {
        let mut asked = tokio::task::JoinSet::new();
        for n in 0..20 {
            let request = client.post(format!("{url}/v1/bootstrap")).bearer_auth(&token);
            let request = request.body(json!({ "organisation": { "id": format!("org-{n}") } }).to_string());
            asked.spawn(async move { request.send().await.unwrap().status().as_u16() });
        }
        asked.join_all().await
    });
    let count = |status| statuses.iter().filter(|one| **one == status).count();
    assert_eq!((count(201), count(409) + count(429)), (1, 19), "{statuses:?}");
    let kept = server.app.registry.as_ref().unwrap().known().counts();
    assert_eq!((kept.organisations, kept.keys), (1, 2));
}

#[test]
fn whoever_guesses_tokens_is_slowed_down() {
    let server = new_server(CONFIG);
    let tried: Vec<u16> = (0..15).map(|n| begin(&server, &format!("vbt_{n}"), &json!({})).status).collect();
    assert!(tried[..10].iter().all(|status| *status == 401) && tried.contains(&429), "{tried:?}");
}

#[test]
fn a_start_after_the_beginning_makes_no_token_and_one_before_keeps_it() {
    let server = new_server(CONFIG);
    let token = bootstrap_token(&server);
    let config = std::fs::read_to_string(server.dir.path().join("verdict.yaml")).unwrap();
    assert!(config.contains("registry"));
    let registry = server.app.registry.clone().unwrap();
    let state = server.dir.path().join("state");
    let again = || verdict::registry::bootstrap_token::BootstrapToken::prepare(&registry.known(), &state);
    assert!(again().unwrap().is(&token), "another start takes the token that is there");
    std::fs::set_permissions(state.join("bootstrap-token"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(!again().unwrap().is(&token), "one that others could read is replaced");
    assert_eq!(begin(&server, &token, &json!({})).status, 201);
    assert!(again().unwrap().is_spent() && !state.join("bootstrap-token").exists());
}
