//! AgentPack's ten routes.

use serde_json::{Value, json};

use super::{call, expect};
use crate::admin::support::{Admin, text};
use crate::harness::Reply;

const BRIDGE: &str = "x-agentpack-key";
pub const DEVICE: &str = "x-agentpack-device-key";

/// An organisation in AgentPack's way: everything is made with its bridge key.
pub struct Pack {
    pub admin: Admin,
    pub bridge: String,
}

impl Pack {
    pub fn start() -> Self {
        let admin = Admin::start();
        let bridge = admin.key("bridge", "acme");
        Self { admin, bridge }
    }

    /// With the bridge key.
    #[track_caller]
    pub fn bridge(&self, status: u16, path: &str, body: &Value) -> Value {
        expect(&self.admin, status, ("POST", path), (BRIDGE, &self.bridge), body)
    }

    /// With the key of a device.
    #[track_caller]
    pub fn device(&self, status: u16, path: &str, key: &str, body: &Value) -> Value {
        expect(&self.admin, status, ("POST", path), (DEVICE, key), body)
    }

    /// An agent.
    pub fn agent(&self, name: &str) -> String {
        text(&self.bridge(200, "/agents/create", &json!({ "display_name": name })), "agent_id")
    }

    /// A device of an agent: its id and its key.
    pub fn issue(&self, agent: &str) -> (String, String) {
        let issued = self.bridge(200, "/device/issue", &json!({ "agent_id": agent }));
        assert_eq!((&issued["ok"], &issued["agent_id"]), (&json!(true), &json!(agent)));
        (text(&issued, "device_id"), text(&issued, "device_key"))
    }

    /// Who is decided about, for a call with the key of a device.
    pub fn who(&self, key: &str, body: &str) -> Reply {
        self.admin.server.send("POST", "/v1/data/demo/who", &[(DEVICE, key)], body.as_bytes())
    }

    /// The latest entry of the audit log.
    pub fn last_entry(&self) -> Value {
        self.admin.get("/v1/audit?limit=1", &self.admin.operator)["items"][0].clone()
    }
}

#[test]
fn a_forged_agent_is_none() {
    let pack = Pack::start();
    let (ada, bob) = (pack.agent("Ada"), pack.agent("Bob"));
    let (device, key) = pack.issue(&ada);
    let reply =
        pack.who(&key, &json!({ "input": { "agent_id": bob, "agent": { "agent_id": bob } } }).to_string());
    assert_eq!((reply.status, &reply.json()["result"]), (200, &json!(ada)));

    let put = json!({ "agent_id": bob, "name": "token", "value": "of-ada" });
    let (answer, record) = pack.admin.server.recorded(|| pack.device(200, "/secrets/put", &key, &put));
    assert_eq!((&answer["agent_id"], &answer["version"]), (&json!(ada), &json!(1)));
    assert_eq!((&record["operation"], &record["outcome"]), (&json!("POST /secrets/put"), &json!("allow")));
    let entry = pack.last_entry();
    assert_eq!((&entry["action"], &entry["actor"]["id"]), (&json!("secret.put"), &json!(device)));
    assert_eq!(entry["actor"]["role"], format!("the agent `{ada}`"));
    assert_eq!(entry["changes"][0]["after"]["agent"], json!(ada));
    let got = pack.device(200, "/secrets/get", &key, &json!({ "agent_id": bob, "name": "token" }));
    assert_eq!((&got["agent_id"], &got["value"]), (&json!(ada), &json!("of-ada")));

    let delegation =
        json!({ "from_agent": bob, "to_agent": bob, "scope": ["x"], "expires_at": "2099-01-01T00:00:00Z" });
    assert_eq!(pack.device(200, "/delegate", &key, &delegation)["from_agent"], json!(ada));
    assert_eq!(pack.last_entry()["actor"]["role"], format!("the agent `{ada}`"));
}

#[test]
fn only_the_bridge_makes_agents() {
    let pack = Pack::start();
    let admin = &pack.admin;
    let ada = pack.agent("Ada");
    let (_, device) = pack.issue(&ada);
    let (_, agent) = admin.agent("acme");
    let member = admin.token("alice", &["verdict-admin"], json!({}));
    let before = admin.server.app.registry.as_ref().unwrap().known().counts().agents;
    for (name, credential) in [
        (DEVICE, device),
        ("x-api-key", agent.clone()),
        ("x-relay-api-key", agent),
        ("x-api-key", admin.key("admin", "acme")),
        ("x-api-key", admin.key("service", "acme")),
        ("x-api-key", admin.operator.clone()),
        ("authorization", format!("Bearer {member}")),
    ] {
        let said = expect(admin, 403, ("POST", "/agents/create"), (name, &credential), &json!({}));
        assert_eq!((&said["ok"], &said["error"]), (&json!(false), &json!("unauthorized")), "{name}");
    }
    for (name, credential) in [("x-other", "x"), (BRIDGE, "wrong"), (BRIDGE, admin.operator.as_str())] {
        let said = expect(admin, 401, ("POST", "/agents/create"), (name, credential), &json!({}));
        assert_eq!(said["ok"], false);
    }
    assert_eq!(admin.server.app.registry.as_ref().unwrap().known().counts().agents, before);
    assert_eq!(call(admin, "GET", "/agents/create", (BRIDGE, &pack.bridge), &Value::Null).status, 405);
    pack.bridge(400, "/agents/create", &json!({ "id": "mine" }));
}

#[test]
fn devices_are_issued_rotated_and_revoked_at_once() {
    let pack = Pack::start();
    let (ada, bob) = (pack.agent("Ada"), pack.agent("Bob"));
    let (device, key) = pack.issue(&ada);
    let (other, other_key) = pack.issue(&bob);
    let of = |key: &str| pack.who(key, "{}").status;

    // A device issues nothing and reaches for no other agent's device.
    pack.device(403, "/device/issue", &key, &json!({ "agent_id": ada }));
    pack.device(403, "/device/rotate", &key, &json!({ "device_id": other, "agent_id": bob }));
    pack.device(403, "/device/revoke", &key, &json!({ "device_id": other }));
    assert_eq!((of(&key), of(&other_key)), (200, 200));

    let rotated = pack.device(200, "/device/rotate", &key, &json!({ "agent_id": bob }));
    assert_eq!((&rotated["agent_id"], &rotated["replaces"]), (&json!(ada), &json!(device)));
    let new = text(&rotated, "device_key");
    assert_eq!((of(&key), of(&new)), (401, 200), "with the very next call");
    let id = text(&rotated, "device_id");
    let again = pack.bridge(200, "/device/rotate", &json!({ "device_id": id, "overlap": "1h" }));
    assert_eq!((of(&new), of(&text(&again, "device_key"))), (200, 200), "both, for an hour");

    pack.bridge(404, "/device/revoke", &json!({ "device_id": other, "agent_id": ada }));
    pack.bridge(400, "/device/revoke", &json!({}));
    let revoked = pack.bridge(200, "/device/revoke", &json!({ "device_id": other, "agent_id": bob }));
    assert_eq!((&revoked["device_id"], &revoked["state"]), (&json!(other), &json!("revoked")));
    assert_eq!(of(&other_key), 401);
    // Without a name, it is the device that calls.
    let own = text(&again, "device_key");
    assert_eq!(pack.device(200, "/device/revoke", &own, &json!({}))["device_id"], again["device_id"]);
    assert_eq!(of(&own), 401);

    let entries = pack.admin.get("/v1/audit?action=key.&limit=100", &pack.admin.operator);
    let entries = entries["items"].as_array().unwrap();
    let count = |action: &str| entries.iter().filter(|entry| entry["action"] == action).count();
    assert_eq!((count("key.create"), count("key.rotate"), count("key.revoke")), (3, 2, 2), "{entries:?}");
    assert!(entries.iter().all(|entry| entry["category"] == "auth"));
}

#[test]
fn secrets_are_sealed_and_nobody_elses() {
    let pack = Pack::start();
    let (ada, bob) = (pack.agent("Ada"), pack.agent("Bob"));
    let (key_of_ada, key_of_bob) = (pack.issue(&ada).1, pack.issue(&bob).1);
    let value = "a-plaintext-that-nothing-else-has-4711";
    pack.device(200, "/secrets/put", &key_of_ada, &json!({ "name": "stripe", "value": value }));
    let state = pack.admin.server.dir.path().join("state");
    let mut files = 0;
    for entry in std::fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(value.len()).any(|part| part == value.as_bytes()), "{}", path.display());
            files += usize::from(path.to_string_lossy().contains("registry.db"));
        }
    }
    assert!(files > 0, "the database is there");
    for log in ["decisions.jsonl", "decisions.refused.jsonl"] {
        let text = std::fs::read_to_string(pack.admin.server.dir.path().join(log)).unwrap_or_default();
        assert!(!text.contains(value));
    }

    assert_eq!(pack.device(200, "/secrets/get", &key_of_ada, &json!({ "name": "stripe" }))["value"], value);
    let got = pack.bridge(200, "/secrets/get", &json!({ "agent_id": ada, "name": "stripe" }));
    assert_eq!(got["value"], value);
    let others = json!({ "agent_id": ada, "name": "stripe" });
    assert!(!pack.device(403, "/secrets/get", &key_of_bob, &others).to_string().contains(value));
    pack.device(404, "/secrets/get", &key_of_bob, &json!({ "name": "stripe" }));
    pack.bridge(404, "/secrets/get", &json!({ "agent_id": ada, "name": "nothing" }));
    pack.bridge(400, "/secrets/get", &json!({ "name": "stripe" }));
    for key in [pack.admin.key("admin", "acme"), pack.admin.operator.clone()] {
        expect(&pack.admin, 403, ("POST", "/secrets/get"), ("x-api-key", &key), &others);
    }
    pack.admin.make("/v1/orgs", &pack.admin.operator, &json!({ "id": "other" }));
    let foreign = pack.admin.key("bridge", "other");
    expect(&pack.admin, 404, ("POST", "/secrets/get"), (BRIDGE, &foreign), &others);
    let put = json!({ "agent_id": ada, "name": "stripe", "value": "x" });
    expect(&pack.admin, 404, ("POST", "/secrets/put"), (BRIDGE, &foreign), &put);
    let events = pack.admin.get("/v1/auth-events?action=secret_read", &pack.admin.operator);
    assert_eq!(events["items"].as_array().unwrap().len(), 2, "{events}");
}

#[test]
fn settings_are_those_of_the_configuration() {
    let pack = Pack::start();
    let (_, key) = pack.issue(&pack.agent("Ada"));
    let set = pack.bridge(200, "/settings/set", &json!({ "key": "max_batch", "value": 5 }));
    assert_eq!((&set["ok"], &set["key"], &set["value"]), (&json!(true), &json!("max_batch"), &json!(5)));
    let unknown = pack.bridge(400, "/settings/set", &json!({ "key": "max_everything", "value": 5 }));
    assert_eq!((&unknown["error"], &unknown["field"]), (&json!("invalid_parameter"), &json!("key")));
    let listed = pack.bridge(200, "/settings/list", &json!({}));
    let settings = listed["settings"].as_array().unwrap();
    assert_eq!(settings.len(), 1);
    assert_eq!((&settings[0]["key"], &settings[0]["organisation"]), (&json!("max_batch"), &json!("acme")));
    pack.device(403, "/settings/set", &key, &json!({ "key": "max_batch", "value": 6 }));
    pack.device(403, "/settings/list", &key, &json!({}));
    let service = pack.admin.key("service", "acme");
    expect(
        &pack.admin,
        403,
        ("POST", "/settings/set"),
        ("x-api-key", &service),
        &json!({ "key": "max_batch", "value": 6 }),
    );
    // Under its other name it still needs an admin.
    let headers = [(BRIDGE, pack.bridge.as_str())];
    let body = json!({ "value": 6 }).to_string();
    let put = crate::admin::support::once(
        &pack.admin.server,
        "PUT",
        "/v1/settings/max_batch",
        &headers,
        body.as_bytes(),
    );
    assert_eq!(put.status, 403);
}
