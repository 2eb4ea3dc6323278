//! What one agent may do for another by a delegation, and every way in which it may not.

use serde_json::{Value, json};
use verdict::model::clock::Timestamp;

use super::agentpack::{DEVICE, Pack};
use crate::admin::support::{once, text};
use crate::harness::{Reply, wait_until};

const DELEGATION: &str = "x-agentpack-delegation";

/// Ada has a secret, and Bob and Carol have devices.
struct Three {
    pack: Pack,
    ada: String,
    bob: String,
    carol: String,
    keys: [String; 3],
}

impl Three {
    fn start() -> Self {
        let pack = Pack::start();
        let [ada, bob, carol] = ["Ada", "Bob", "Carol"].map(|name| pack.agent(name));
        let keys = [&ada, &bob, &carol].map(|agent| pack.issue(agent).1);
        pack.device(200, "/secrets/put", &keys[0], &json!({ "name": "token", "value": "of-ada" }));
        Self { pack, ada, bob, carol, keys }
    }

    fn delegate(&self, scope: &[&str], expires_at: &str) -> String {
        let body = json!({ "to_agent": self.bob, "scope": scope, "expires_at": expires_at });
        text(&self.pack.device(200, "/delegate", &self.keys[0], &body), "delegation_id")
    }

    /// Calls with the key of a device and a delegation.
    fn by(&self, delegation: &str, key: &str, path: &str, body: &Value) -> Reply {
        let headers = [(DEVICE, key), (DELEGATION, delegation)];
        once(&self.pack.admin.server, "POST", path, &headers, body.to_string().as_bytes())
    }

    /// Gets Ada's secret; the status of that, and of a decision about the same.
    fn gets(&self, delegation: &str, key: &str) -> (u16, u16) {
        let got = self.by(delegation, key, "/secrets/get", &json!({ "name": "token" }));
        assert_eq!(got.status == 200, String::from_utf8_lossy(&got.body).contains("of-ada"));
        let headers = [(DEVICE, key), (DELEGATION, delegation)];
        let body = json!({ "input": { "action": "secrets:get" } }).to_string();
        let decided = self.pack.admin.server.send("POST", "/v1/data/demo/allow", &headers, body.as_bytes());
        (got.status, decided.status)
    }
}

const LONG: &str = "2099-01-01T00:00:00Z";

#[test]
fn who_acts_for_an_agent_does_what_the_scope_names_and_no_more() {
    let three = Three::start();
    let [_, bob, _] = &three.keys;
    let reads = three.delegate(&["secrets:get"], LONG);
    assert_eq!(three.gets(&reads, bob), (200, 200));
    let events = three.pack.admin.get("/v1/auth-events?action=secret_read", &three.pack.admin.operator);
    assert_eq!(events["items"][0]["agent"], json!(three.ada));

    let put = json!({ "name": "token", "value": "changed" });
    let refused = three.by(&reads, bob, "/secrets/put", &put);
    assert_eq!((refused.status, &refused.json()["ok"]), (403, &json!(false)));
    let writes = three.delegate(&["secrets:put"], LONG);
    assert_eq!(three.gets(&writes, bob), (403, 403), "out of scope");
    assert_eq!(three.by(&writes, bob, "/secrets/put", &put).status, 200);
    let entry = three.pack.last_entry();
    assert_eq!(entry["actor"]["role"], format!("the agent `{}`", three.ada));
    assert!(text(&entry["actor"], "id").ends_with(&format!(" by {writes}")), "{entry}");
    let forged = json!({ "agent_id": three.carol, "name": "other", "value": "x" });
    assert_eq!(three.by(&writes, bob, "/secrets/put", &forged).json()["agent_id"], json!(three.ada));

    // The routes that no delegation reaches.
    let all = three.delegate(&["*"], LONG);
    for (path, body) in [
        ("/agents/create", json!({})),
        ("/device/issue", json!({ "agent_id": three.ada })),
        ("/device/rotate", json!({})),
        ("/device/revoke", json!({})),
        ("/delegate", json!({ "to_agent": three.carol, "scope": ["x"], "expires_at": LONG })),
        ("/delegate/revoke", json!({ "delegation_id": all })),
        ("/settings/list", json!({})),
        ("/settings/set", json!({ "key": "colour", "value": 1 })),
    ] {
        assert_eq!(three.by(&all, bob, path, &body).status, 403, "{path}");
    }
}

#[test]
fn it_is_refused_to_others_and_when_it_is_over() {
    let three = Three::start();
    let [ada, bob, carol] = &three.keys;
    let delegation = three.delegate(&["secrets:get"], LONG);
    assert_eq!(three.gets(&delegation, bob), (200, 200));
    assert_eq!(three.gets(&delegation, carol), (403, 403), "granted to another");
    let denied = |(got, decided): (u16, u16)| matches!((got, decided), (401 | 403, 401 | 403));
    assert!(denied(three.gets("dlg_unknown", bob)));
    let headers = [(DELEGATION, delegation.as_str())];
    let alone = once(&three.pack.admin.server, "POST", "/secrets/get", &headers, b"{\"name\": \"token\"}");
    assert!(matches!(alone.status, 401 | 403), "without the key of an agent it is nothing: {}", alone.status);

    let revoke = json!({ "delegation_id": delegation });
    assert_eq!(three.pack.device(403, "/delegate/revoke", bob, &revoke)["ok"], false);
    assert_eq!(three.pack.device(200, "/delegate/revoke", ada, &revoke)["state"], "revoked");
    assert!(denied(three.gets(&delegation, bob)), "revoked");

    // Only the clock is polled: each call would count against Bob's rate limit.
    let now = || three.pack.admin.server.app.authorizer.now();
    let soon = Timestamp(now().0 + 2_000_000_000);
    let short = three.delegate(&["secrets:get"], &soon.rfc3339());
    wait_until("the delegation to expire", || now() > soon);
    assert!(denied(three.gets(&short, bob)), "expired");

    let other = three.delegate(&["secrets:get"], LONG);
    assert_eq!(three.gets(&other, bob), (200, 200));
    let operator = three.pack.admin.operator.clone();
    three.pack.admin.post(&format!("/v1/agents/{}/disable", three.ada), &operator);
    assert!(denied(three.gets(&other, bob)), "who granted it is disabled");
    three.pack.admin.post(&format!("/v1/agents/{}/enable", three.ada), &operator);
    assert_eq!(three.gets(&other, bob), (200, 200));
    // Past dates are refused when it is granted.
    let past = json!({ "to_agent": three.bob, "scope": ["x"], "expires_at": "2020-01-01T00:00:00Z" });
    three.pack.device(400, "/delegate", ada, &past);
}

#[test]
fn it_is_not_passed_on() {
    let three = Three::start();
    let [_, bob, carol] = &three.keys;
    let first = three.delegate(&["secrets:get"], LONG);
    let body =
        json!({ "to_agent": three.carol, "scope": ["secrets:get"], "expires_at": LONG, "parent": first });
    let second = text(&three.pack.device(200, "/delegate", bob, &body), "delegation_id");
    let (got, decided) = three.gets(&second, carol);
    assert!(matches!((got, decided), (401 | 403, 401 | 403)), "chained twice: {got} {decided}");
    assert_eq!(three.gets(&first, bob), (200, 200));
}
