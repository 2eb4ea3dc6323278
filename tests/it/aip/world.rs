//! A server with an AgentPolicy, and clients of it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use verdict::model::clock::{Clock, Timestamp};

use crate::harness::{Reply, Server, TestApp};

/// The time of tests that set it, in seconds since the epoch.
pub const NOW: i64 = 1_800_000_000;
/// The credential of a gateway that may open sessions.
pub const GATEWAY: (&str, &str) = ("X-API-Key", "gateway-key-of-the-tests-0123456789abcdef");
/// Who may call: gateways, and whoever has a session token.
pub const CONFIG: &str = "identity: {mode: optional, api_keys: {headers: [x-api-key], env: [{variable: GATEWAY_KEY, permissions: ['aip:*']}]}}\n";
/// Rego that leaves everything to AgentPolicies.
pub const REGO: &str = "package aip\nallow := true\n";

/// A server and the session that a client of it is in.
pub struct World {
    pub server: Server,
    pub clock: Clock,
    pub token: Option<String>,
}

/// A clock that stands.
pub fn standing() -> Clock {
    Clock::fixed(Timestamp::from_unix_seconds(NOW))
}

impl World {
    /// A server with these policies, by the names of their files.
    pub fn new(policies: &BTreeMap<String, String>, clock: Clock, more: &str) -> Self {
        let app = TestApp::new().clock(clock.clone()).env(&[("GATEWAY_KEY", GATEWAY.1)]);
        for (file, text) in policies {
            std::fs::write(app.dir.path().join(file), text).unwrap();
        }
        let files: Vec<&String> = policies.keys().filter(|file| file.ends_with(".yaml")).collect();
        let config = format!("{CONFIG}aip: {{policies: {}}}\n{more}", json!(files));
        let server = app.config(&config).file("aip/aip.rego", REGO).start();
        Self { server, clock, token: None }
    }

    /// A server with these files, of which those in YAML are policies.
    pub fn with_files(files: &BTreeMap<String, String>, clock: Clock) -> Self {
        Self::new(files, clock, "")
    }

    /// A server with this policy.
    pub fn of(policy: &str) -> Self {
        Self::new(&[("agent.yaml".to_owned(), policy.to_owned())].into(), standing(), "")
    }

    /// Puts another policy in force.
    pub fn change(&self, policy: &str) {
        std::fs::write(self.server.dir.path().join("agent.yaml"), policy).unwrap();
        self.server.app.live.reload().unwrap();
    }

    /// Lets time go by.
    pub fn wait(&self, seconds: i64) {
        self.clock.set(Timestamp(self.clock.now().0 + seconds * 1_000_000_000));
    }

    /// Opens a session.
    pub fn open(&self, policy: Option<&str>) -> Reply {
        let body = policy.map(|policy| json!({ "policy": policy }).to_string()).unwrap_or_default();
        self.server.send("POST", "/v1/sessions", &[GATEWAY], body.as_bytes())
    }

    /// The first token of a new session.
    #[track_caller]
    pub fn first_token(&self, policy: Option<&str>) -> String {
        let opened = self.open(policy);
        assert_eq!(opened.status, 201, "{}", String::from_utf8_lossy(&opened.body));
        opened.json()["token"].as_str().unwrap().to_owned()
    }

    /// Asks about a tool call with a token.
    pub fn validate(&self, token: &str, body: &Value) -> Reply {
        self.server.ask("/v1/validate", token, &body.to_string())
    }

    /// A real process with a copy of this server's files, and this in its environment.
    pub fn other_process(&self, env: &[(&str, &str)]) -> Other {
        Other::start(self.server.dir.path(), env)
    }
}

/// A `verdict` of its own.
pub struct Other {
    child: Child,
    pub url: String,
}

impl Other {
    fn start(dir: &Path, env: &[(&str, &str)]) -> Self {
        let config = std::fs::read_to_string(dir.join("verdict.yaml")).unwrap();
        // Each process has a log of its own.
        std::fs::write(dir.join("other.yaml"), config.replace("decisions.jsonl", "other.jsonl")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
        command.args(["dev", "--config", "other.yaml"]).current_dir(dir);
        command.env("GATEWAY_KEY", GATEWAY.1).envs(env.iter().copied());
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let serving = lines.find_map(|line| {
            said.extend(line.as_ref().ok().cloned());
            let line = line.ok().filter(|line| line.contains("\"message\":\"serving\""))?;
            let line: Value = serde_json::from_str(&line).ok()?;
            Some(line["address"].as_str()?.to_owned())
        });
        // Whoever stops reading stops the writer.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: format!("http://{}", serving.unwrap_or_else(|| panic!("{said:#?}"))) }
    }

    /// Asks it about a tool call with a token.
    pub fn validate(&self, world: &World, token: &str, body: &Value) -> (u16, Value) {
        let request = world
            .server
            .client
            .post(format!("{}/v1/validate", self.url))
            .bearer_auth(token)
            .body(body.to_string());
        world.server.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
        })
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A new P-256 key, PKCS #8 in PEM.
pub fn key_file() -> String {
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        BASE64_STANDARD.encode(der.as_ref())
    )
}

/// What a token says.
pub fn payload(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// The next token that an answer has.
pub fn next_token(reply: &Reply) -> Option<String> {
    reply.header("x-aip-next-token").map(str::to_owned)
}
