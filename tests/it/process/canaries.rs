//! No output shows a credential: records, logs, metrics, errors, status, configuration, `Debug`.

use std::path::Path;

use serde_json::json;
use verdict::config::{Environment, Overrides, Profile, Sources, load};
use verdict::identity::candidate::candidates;
use verdict::identity::capability::mint::{Request, SigningKey};
use verdict::model::clock::Clock;
use verdict::model::presented::Presented;
use verdict::registry::KeyHash;

use super::{Process, command, start_child};
use crate::harness::wire::{Wire, request};
use crate::harness::{Reply, wait_until};

/// In every secret of this test, and nowhere else.
const CANARY: &str = "rosebud";
const SECRET: &str = "secret-rosebud-with-more-than-32-bytes-in-it";
const VARIABLE_KEY: &str = "key-rosebud-of-a-variable";
const AGENT_KEY: &str = "relay_sk_key-rosebud-of-an-agent";
const DEVICE_KEY: &str = "key-rosebud-of-a-device";

fn directory() -> String {
    let (agent, device) = (KeyHash::of(AGENT_KEY), KeyHash::of(DEVICE_KEY));
    format!(
        "agents: [{{id: ada}}, {{id: bob}}]\n\
         keys:\n\
         - {{id: k-ada, kind: agent, agent: ada, hash: '{agent}'}}\n\
         - {{id: k-bob, kind: device, agent: bob, hash: '{device}'}}\n\
         delegations: [{{id: d-1, from: ada, to: bob, scope: ['*'], expires_at: 2099-01-01T00:00:00Z}}]\n\
         revocations: [{{jti: revoked}}]\n"
    )
}

fn config(signing: &SigningKey) -> String {
    let pem = signing.public_pem().unwrap().replace('\n', "\\n");
    let kid = signing.kid();
    format!(
        "management: {{listen: '127.0.0.1:0'}}\n\
         decision_log: {{console: json, file: {{path: decisions.jsonl}}}}\n\
         identity:\n  static: directory.yaml\n  api_keys: {{env: [{{variable: VARIABLE_KEY, roles: [verdict-admin]}}]}}\n  \
         capabilities: {{issuer: mint, audience: v, keys: [{{kid: '{kid}', public_key: \"{pem}\"}}]}}\n  issuers:\n  \
         - {{issuer: relay, prefix: relay_jwt_, algorithms: [HS256], secret_env: JWT_SECRET, claims: {{id: agent_id}}}}\n"
    )
}

/// A token of the issuer with the secret, and its signature, which no output may have either.
fn token(claims: &serde_json::Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    format!("relay_jwt_{}", jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).unwrap())
}

fn capability(signing: &SigningKey, ttl: u64) -> String {
    let request = Request {
        issuer: "mint".to_owned(),
        audience: "v".to_owned(),
        agent: "ada".to_owned(),
        scope: None,
        permissions: Vec::new(),
        organisation: None,
        actors: Vec::new(),
        bound_to: None,
        ttl: std::time::Duration::from_secs(ttl),
    };
    signing.mint(&request, signing.kid(), Clock::System.now()).unwrap().expose().clone()
}

fn started(signing: &SigningKey) -> Process {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("verdict.yaml", &config(signing));
    write("directory.yaml", &directory());
    write("bundles/app/app.rego", "package app\nallow := true\nsubject := input.subject\n");
    let mut command = command(&dir, &["run", "--config", "verdict.yaml", "--listen", "127.0.0.1:0"]);
    command.env("VARIABLE_KEY", VARIABLE_KEY).env("JWT_SECRET", SECRET).env("RUST_LOG", "trace");
    start_child(dir, command)
}

fn shown(reply: &Reply) -> String {
    format!("{:?} {}", reply.headers, String::from_utf8_lossy(&reply.body))
}

fn ask(server: &Process, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut wire = Wire::open(server.address());
    wire.send(&request(method, path, headers, b"{\"input\": {\"action\": \"read\"}}"));
    wire.reply().unwrap()
}

#[test]
fn no_output_shows_a_credential() {
    let signing = SigningKey::generate().unwrap();
    let mut server = started(&signing);
    let exp = Clock::System.now().unix_seconds() + 600;
    let good = token(&json!({"agent_id": "someone", "exp": exp, "sub": "x"}));
    let expired = token(&json!({"agent_id": "someone", "exp": 1, "sub": "x"}));
    let revoked = token(&json!({"agent_id": "someone", "exp": exp, "jti": "revoked", "sub": "x"}));
    let (minted, too_long) = (capability(&signing, 60), capability(&signing, 86_400));
    let forged = format!("{}AAAA", &minted[..minted.len() - 4]);
    let credentials = [
        VARIABLE_KEY,
        AGENT_KEY,
        DEVICE_KEY,
        "key-rosebud-of-nobody",
        "relay_sk_live_rosebud0000000000000000000000000000000",
        "a rosebud with spaces",
        &good,
        &expired,
        &revoked,
        &minted,
        &too_long,
        &forged,
    ];
    let mut outputs = String::new();
    for credential in credentials {
        let bearer = format!("Bearer {credential}");
        for headers in [
            &[("authorization", bearer.as_str())][..],
            &[("authorization", credential)],
            &[("x-api-key", credential)],
            &[("x-api-key", credential), ("x-api-key", credential)],
            &[("x-relay-api-key", credential)],
            &[("x-agentpack-key", credential)],
            &[("x-agentpack-device-key", credential)],
            &[("x-agentpack-device-key", credential), ("x-agentpack-delegation", "d-1")],
            &[("x-agentpack-delegation", credential)],
        ] {
            outputs += &shown(&ask(&server, "POST", "/v1/data/app/subject?explain=full", headers));
        }
    }
    let admin = [("x-api-key", VARIABLE_KEY)];
    for path in ["/v1/status", "/v1/config", "/v1/policies", "/metrics", "/health"] {
        let reply = ask(&server, "GET", path, &admin);
        assert_eq!(reply.status, 200, "{path}: {}", shown(&reply));
        outputs += &shown(&reply);
    }
    // A directory that has a key in the place of its hash.
    let broken = directory().replace("relay", "").replace("hash: 'sha256", "hash: 'key-rosebud sha256");
    std::fs::write(server.dir.path().join("directory.yaml"), broken).unwrap();
    wait_until("the directory that is wrong", || {
        shown(&ask(&server, "GET", "/v1/status", &admin)).contains("directory.yaml:")
    });
    outputs += &shown(&ask(&server, "GET", "/v1/status", &admin));
    server.signal("TERM");
    server.wait();
    outputs += &server.out.all();
    outputs += &server.err.all();
    for file in std::fs::read_dir(server.dir.path()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|end| end == "jsonl") || path.to_string_lossy().contains("refused") {
            outputs += &std::fs::read_to_string(path).unwrap();
        }
    }
    assert!(outputs.contains("credential_revoked") && outputs.contains("k-ada"), "the records are here");
    let signatures =
        [&good, &expired, &revoked, &minted, &too_long].map(|token| token.rsplit_once('.').unwrap().1);
    for canary in [CANARY].into_iter().chain(signatures) {
        let at = outputs.find(canary);
        let around = at.map(|at| outputs[at.saturating_sub(300)..].chars().take(400).collect::<String>());
        assert_eq!(around, None, "{canary}");
    }
}

#[test]
fn debug_shows_no_credential() {
    let signing = SigningKey::generate().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("verdict.yaml"), config(&signing)).unwrap();
    std::fs::write(dir.path().join("directory.yaml"), directory()).unwrap();
    let variables = [("VARIABLE_KEY", VARIABLE_KEY), ("JWT_SECRET", SECRET)];
    let sources = Sources {
        file: Some(dir.path().join("verdict.yaml")),
        env: variables.into_iter().collect::<Environment>(),
        overrides: Overrides::default(),
        profile: Profile::Inspect,
    };
    let mut debug = format!("{sources:?}");
    let loaded = load(sources).unwrap();
    debug += &format!("{loaded:?}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let authenticator = runtime.block_on(verdict::app::new_authenticator(&loaded, &Clock::System));
    debug += &format!("{:?}", authenticator.unwrap());
    let headers = http::HeaderMap::from_iter([
        (http::header::AUTHORIZATION, format!("Bearer {AGENT_KEY}").parse().unwrap()),
        (http::HeaderName::from_static("x-api-key"), DEVICE_KEY.parse().unwrap()),
    ]);
    let presented = Presented::from(&headers);
    debug += &format!("{presented:?}");
    let places = [http::HeaderName::from_static("x-api-key")];
    debug += &format!("{:?}", candidates(&presented, &places).unwrap());
    debug += &format!("{signing:?}");
    assert!(debug.contains("verdict.yaml") || debug.contains("directory.yaml"));
    assert!(!debug.contains(CANARY), "{}", &debug[debug.find(CANARY).unwrap().saturating_sub(300)..]);
    assert!(Path::new(dir.path()).exists());
}
