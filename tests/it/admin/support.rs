//! A server with a registry, an organisation, and a credential of every power.

use std::time::Duration;

use serde_json::{Map, Value, json};
use verdict::identity::dev::TokenRequest;

use crate::harness::{Reply, Server, TestApp};

/// Decides by who is calling alone.
const POLICY: &str = "package demo\n\nallow := true\n\nwho := input.subject.id\n";

pub const CONFIG: &str = "identity: {mode: required}\nmanagement: {listen: '127.0.0.1:0'}\n\
                          registry: {enabled: true, settings: [max_batch, colour]}\n";

/// A running server whose registry is new.
pub fn new_server(config: &str) -> Server {
    TestApp::new().config(config).file("demo/policy.rego", POLICY).start()
}

/// Calls a management listener: nothing is repeated.
pub fn once(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let url = format!("http://{}{path}", server.app.management.unwrap());
    let mut request = server.client.request(reqwest::Method::from_bytes(method.as_bytes()).unwrap(), url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !body.is_empty() {
        request = request.body(body.to_vec());
    }
    server.block_on(async {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Reply { status, headers, body: answer.bytes().await.unwrap().to_vec() }
    })
}

/// A server whose registry has been begun.
pub struct Admin {
    pub server: Server,
    pub operator: String,
}

/// What begins a registry.
pub fn bootstrap_token(server: &Server) -> String {
    let text = std::fs::read_to_string(server.dir.path().join("state/bootstrap-token")).unwrap();
    text.trim().to_owned()
}

impl Admin {
    pub fn start() -> Self {
        Self::with(CONFIG)
    }

    /// With the organisation `acme`.
    pub fn with(config: &str) -> Self {
        let server = new_server(config);
        let token = bootstrap_token(&server);
        let body = json!({ "organisation": { "id": "acme", "name": "Acme" } }).to_string();
        let bearer = format!("Bearer {token}");
        let begun = once(&server, "POST", "/v1/bootstrap", &[("authorization", &bearer)], body.as_bytes());
        assert_eq!(begun.status, 201, "{}", String::from_utf8_lossy(&begun.body));
        let operator = begun.json()["operator_key"].as_str().unwrap().to_owned();
        Self { server, operator }
    }

    /// Calls with a bearer token, if there is one; again, where it was too often.
    pub fn call(&self, method: &str, path: &str, key: Option<&str>, body: &Value) -> Reply {
        let bearer = key.map(|key| format!("Bearer {key}"));
        let headers: Vec<(&str, &str)> = bearer.iter().map(|text| ("authorization", text.as_str())).collect();
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        loop {
            let reply = once(&self.server, method, path, &headers, &body);
            if reply.status != 429 {
                return reply;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Calls, and has to get this status.
    #[track_caller]
    pub fn expect(&self, status: u16, method: &str, path: &str, key: &str, body: &Value) -> Value {
        let reply = self.call(method, path, Some(key), body);
        assert_eq!(reply.status, status, "{method} {path}: {}", String::from_utf8_lossy(&reply.body));
        if reply.body.is_empty() { Value::Null } else { reply.json() }
    }

    #[track_caller]
    pub fn get(&self, path: &str, key: &str) -> Value {
        self.expect(200, "GET", path, key, &Value::Null)
    }

    #[track_caller]
    pub fn make(&self, path: &str, key: &str, body: &Value) -> Value {
        self.expect(201, "POST", path, key, body)
    }

    #[track_caller]
    pub fn post(&self, path: &str, key: &str) -> Value {
        self.expect(200, "POST", path, key, &Value::Null)
    }

    /// An organisation with its admin key.
    pub fn organisation(&self, id: &str) -> String {
        let made = self.make("/v1/orgs", &self.operator, &json!({ "id": id, "admin_key": true }));
        text(&made, "admin_key")
    }

    /// A key of an organisation, of this kind.
    pub fn key(&self, kind: &str, organisation: &str) -> String {
        let body = json!({ "kind": kind, "organisation": organisation });
        text(&self.make("/v1/keys", &self.operator, &body), "api_key")
    }

    /// An agent with a key: its id and the key.
    pub fn agent(&self, organisation: &str) -> (String, String) {
        let body = json!({ "organisation": organisation, "name": "An agent", "key": true });
        let made = self.make("/v1/agents", &self.operator, &body);
        (text(&made, "id"), text(&made, "api_key"))
    }

    /// A token of the development issuer.
    pub fn token(&self, sub: &str, roles: &[&str], claims: Value) -> String {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        self.server.token(&TokenRequest {
            sub: sub.to_owned(),
            kind: None,
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            claims,
            ttl: Duration::from_secs(600),
        })
    }

    /// The issuer of such tokens.
    pub fn issuer(&self) -> String {
        let whoami = self.get("/v1/whoami", &self.token("x", &["verdict-admin"], Value::Object(Map::new())));
        text(&whoami, "id").split('#').next().unwrap().to_owned()
    }

    /// Asks for a decision; the status.
    pub fn decide(&self, key: &str) -> u16 {
        self.server.ask("/v1/data/demo/allow", key, "{}").status
    }
}

/// A text in an answer.
#[track_caller]
pub fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}
