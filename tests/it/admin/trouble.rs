//! What happens when something else fails, or somebody asks too much.

use serde_json::{Value, json};

use super::support::{Admin, CONFIG, once};

#[test]
fn a_database_that_is_gone_stops_changes_and_no_decisions() {
    let admin = Admin::start();
    let (_, key) = admin.agent("acme");
    assert_eq!(admin.decide(&key), 200);
    let state = admin.server.dir.path().join("state");
    for file in ["registry.db", "registry.db-wal", "registry.db-shm"] {
        let _ = std::fs::remove_file(state.join(file));
    }
    let reply = admin.call("POST", "/v1/orgs", Some(&admin.operator), &json!({ "id": "late" }));
    assert_eq!(reply.status, 503, "{}", String::from_utf8_lossy(&reply.body));
    assert_eq!(reply.json()["code"], "unavailable");
    assert!(reply.header("retry-after").is_some());
    let path = state.display().to_string();
    assert!(
        !String::from_utf8_lossy(&reply.body).contains(&path),
        "where the file is stays with the operator"
    );
    assert_eq!(admin.decide(&key), 200);
}

#[test]
fn whoever_asks_too_often_is_told_when_to_come_back() {
    let admin = Admin::start();
    let url = format!("http://{}/v1/whoami", admin.server.app.management.unwrap());
    let burst = |key: String| {
        admin.server.block_on(async {
            let mut asked = tokio::task::JoinSet::new();
            for _ in 0..150 {
                let request = admin.server.client.get(&url).bearer_auth(&key);
                asked.spawn(async move {
                    let reply = request.send().await.unwrap();
                    (reply.status().as_u16(), reply.headers().contains_key("retry-after"))
                });
            }
            asked.join_all().await
        })
    };
    let other = admin.key("admin", "acme");
    let seen = burst(admin.operator.clone());
    let refused = seen.iter().filter(|(status, _)| *status == 429).count();
    assert!(
        refused > 0 && seen.iter().all(|(status, after)| *status == 200 || (*status == 429 && *after)),
        "{seen:?}"
    );
    assert_eq!(
        once(&admin.server, "GET", "/v1/whoami", &[("x-api-key", &other)], b"").status,
        200,
        "others are not"
    );
}

#[test]
fn a_credential_is_asked_for_also_where_identity_is_off() {
    let admin = Admin::with(&CONFIG.replace("mode: required", "mode: off"));
    assert_eq!(admin.server.post("/v1/data/demo/allow", "{}").status, 200);
    assert_eq!(admin.call("GET", "/v1/orgs", None, &Value::Null).status, 401);
    assert_eq!(admin.call("GET", "/v1/orgs", Some("wrong"), &Value::Null).status, 401);
    assert_eq!(admin.call("GET", "/v1/orgs", Some(&admin.operator), &Value::Null).status, 200);
    assert_eq!(admin.call("HEAD", "/v1/orgs", Some(&admin.operator), &Value::Null).status, 200);
}
