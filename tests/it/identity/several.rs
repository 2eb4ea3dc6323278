//! Several credentials in one call, over real HTTP: all of them verify and agree, or the call is refused.

use serde_json::{Value, json};
use verdict::model::clock::{Clock, Timestamp};
use verdict::registry::KeyHash;

use super::support::NOW;
use crate::harness::{Server, TestApp};

const SECRET: &str = "a-secret-for-several-of-32-bytes-and-more";
const ADA: &str = "key-of-ada-0001-abcdef";
const ADAS_DEVICE: &str = "device-of-ada-0001-abcdef";
const BOB: &str = "key-of-bob-0001-abcdef";

fn start() -> Server {
    let hash = KeyHash::of;
    let directory = format!(
        "agents: [{{id: ada}}, {{id: bob}}]\nkeys:\n\
         - {{id: k-ada, kind: agent, agent: ada, hash: '{}'}}\n\
         - {{id: d-ada, kind: device, agent: ada, hash: '{}'}}\n\
         - {{id: k-bob, kind: agent, agent: bob, hash: '{}'}}\n",
        hash(ADA),
        hash(ADAS_DEVICE),
        hash(BOB)
    );
    let config = "identity: {mode: optional, static: directory.yaml, issuers: [{issuer: relay, prefix: relay_jwt_, \
                  algorithms: [HS256], secret_env: JWT_SECRET, claims: {agent: agent_id}}]}\n";
    let app = TestApp::new().config(config).env(&[("JWT_SECRET", SECRET)]);
    std::fs::write(app.dir.path().join("directory.yaml"), directory).unwrap();
    let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW));
    app.clock(clock).file("app/app.rego", "package app\nsubject := input.subject\n").start()
}

/// `Bearer …` with these claims besides `exp`.
fn token(claims: Value) -> String {
    let mut all = json!({"exp": NOW + 60});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    format!(
        "Bearer relay_jwt_{}",
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &all, &key).unwrap()
    )
}

#[test]
fn all_verify_and_agree_or_the_call_is_refused() {
    let server = start();
    let alice = token(json!({"sub": "alice"}));
    let alice_by_ada = token(json!({"sub": "alice", "agent_id": "ada"}));
    let bound = token(json!({"sub": "alice", "cnf": {"kid": "k-ada"}}));
    let forged = format!("{}AAAA", &alice[..alice.len() - 4]);
    for (headers, expected) in [
        (&[][..], json!({"type": "anonymous"})),
        (&[("authorization", alice.as_str())], json!({"id": "alice", "proof": "bearer"})),
        (&[("x-api-key", ADA)], json!({"id": "ada", "proof": "bearer"})),
        (
            &[("x-api-key", ADA), ("x-agentpack-device-key", ADAS_DEVICE)],
            json!({"id": "ada", "proof": "bearer"}),
        ),
        (&[("x-api-key", ADA), ("x-relay-api-key", BOB)], json!("credential_invalid")),
        (&[("authorization", &alice), ("x-api-key", ADA)], json!("credential_invalid")),
        (&[("authorization", &alice_by_ada), ("x-api-key", ADA)], json!({"id": "alice", "proof": "bearer"})),
        (&[("authorization", &alice_by_ada), ("x-api-key", BOB)], json!("credential_invalid")),
        (&[("authorization", &bound)], json!("credential_invalid")),
        (&[("authorization", &bound), ("x-api-key", BOB)], json!("credential_invalid")),
        (
            &[("authorization", &bound), ("x-api-key", ADA)],
            json!({"id": "alice", "act": {"sub": "ada", "iss": "registry"}, "proof": "bound"}),
        ),
        // One that is good makes up for none that is bad.
        (&[("authorization", &forged), ("x-api-key", ADA)], json!("credential_invalid")),
        (
            &[("authorization", &alice_by_ada), ("x-api-key", "nobody's-key-0001-abc")],
            json!("credential_invalid"),
        ),
        (&[("authorization", "Basic YTpi"), ("x-api-key", ADA)], json!("credential_invalid")),
        (&[("x-api-key", ADA), ("x-api-key", ADA)], json!("credential_invalid")),
        (&[("x-api-key", "")], json!("credential_invalid")),
    ] {
        let (reply, record) = server.recorded(|| server.send("POST", "/v1/data/app/subject", headers, b"{}"));
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        if expected.is_string() {
            assert_eq!((reply.status, &record["error"]["kind"]), (401, &expected), "{names:?}");
            let challenges = reply.headers.get_all("www-authenticate").iter().count();
            assert_eq!(challenges, 2, "bearer tokens and keys would do");
            continue;
        }
        let subject = &reply.json()["result"];
        assert_eq!(reply.status, 200, "{names:?}: {record}");
        for member in ["id", "act"] {
            assert_eq!(subject.get(member), expected.get(member), "{names:?}: {member}");
        }
        assert_eq!(subject["proof"].get("type"), expected.get("proof"), "{names:?}");
    }
}
