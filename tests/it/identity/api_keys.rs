//! API keys over real HTTP: from variables and from the directory file, which changes while the server runs.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use verdict::identity::dev::TokenRequest;
use verdict::model::clock::{Clock, Timestamp};
use verdict::model::presented::Presented;
use verdict::model::principal::IdentityMode;
use verdict::registry::KeyHash;

use super::support::*;
use crate::harness::{Reply, Server, TestApp, wait_until};

const POLICY: &str = "package app\nallow := input.subject.agent == \"payer\"\nwho := input.subject.id\n\
                      subject := input.subject\nasserted := input.asserted\n";

const PAYER: &str = "payers-key-rosebud-0001";
const DEVICE: &str = "device-key-rosebud-0002";
const BRIDGE: &str = "bridge-key-rosebud-0003";
const SERVICE: &str = "service-key-rosebud-0004";
const OLD: &str = "old-key-rosebud-0005";
const OFF: &str = "disabled-key-rosebud-0006";
const REVOKED: &str = "revoked-key-rosebud-0007";

fn directory() -> String {
    let hash = KeyHash::of;
    format!(
        "organisations: [{{id: acme}}]\n\
         agents:\n\
         - {{id: payer, organisation: acme, roles: [cashier], attributes: {{team: tills}}}}\n\
         - {{id: helper, organisation: acme}}\n\
         roles: [{{name: cashier, permissions: ['stripe:create_payment']}}]\n\
         keys:\n\
         - {{id: k-payer, kind: agent, agent: payer, hash: '{}'}}\n\
         - {{id: k-device, kind: device, agent: payer, hash: '{}'}}\n\
         - {{id: k-bridge, kind: bridge, hash: '{}'}}\n\
         - {{id: k-service, kind: service, organisation: acme, hash: '{}'}}\n\
         - {{id: k-old, kind: service, hash: '{}', expires_at: 2020-01-01T00:00:00Z}}\n\
         - {{id: k-off, kind: service, hash: '{}', disabled: true}}\n\
         - {{id: k-revoked, kind: service, hash: '{}'}}\n\
         revocations: [{{key: k-revoked}}]\n",
        hash(PAYER),
        hash(DEVICE),
        hash(BRIDGE),
        hash(SERVICE),
        hash(OLD),
        hash(OFF),
        hash(REVOKED),
    )
}

fn start_with(config: &str) -> Server {
    let app = TestApp::new();
    std::fs::write(app.dir.path().join("directory.yaml"), directory()).unwrap();
    let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW));
    app.config(config).clock(clock).file("app/app.rego", POLICY).start()
}

fn start() -> Server {
    start_with("identity: {static: directory.yaml}\n")
}

fn ask(server: &Server, header: &str, key: &str) -> Reply {
    let bearer = format!("Bearer {key}");
    let value = if header == "authorization" { &bearer } else { key };
    server.send("POST", "/v1/data/app/who", &[(header, value)], b"{}")
}

fn rewrite(server: &Server, text: &str) {
    std::fs::write(server.dir.path().join("directory.yaml"), text).unwrap();
}

fn directory_status(server: &Server) -> Value {
    let request = TokenRequest {
        sub: "ops".to_owned(),
        kind: None,
        roles: vec!["verdict-admin".to_owned()],
        claims: serde_json::Map::new(),
        ttl: Duration::from_secs(60),
    };
    let bearer = format!("Bearer {}", server.token(&request));
    let status = server.send("GET", "/v1/status", &[("authorization", &bearer)], b"").json();
    status["result"]["identity"]["directory"].clone()
}

#[test]
fn a_key_is_found_in_its_header_and_says_who_calls() {
    let server = start();
    for (key, who, headers) in [
        (PAYER, "payer", &["authorization", "x-api-key", "X-Relay-API-Key"][..]),
        (SERVICE, "k-service", &["authorization", "x-api-key", "x-relay-api-key"]),
        (BRIDGE, "k-bridge", &["authorization", "x-agentpack-key"]),
        (DEVICE, "payer", &["authorization", "x-agentpack-device-key"]),
    ] {
        for header in headers {
            let reply = ask(&server, header, key);
            assert_eq!((reply.status, &reply.json()["result"]), (200, &json!(who)), "{header}");
        }
    }
    for (key, header) in
        [(BRIDGE, "x-api-key"), (DEVICE, "x-agentpack-key"), (PAYER, "x-agentpack-device-key")]
    {
        let (reply, record) = server.recorded(|| ask(&server, header, key));
        assert_eq!((reply.status, &record["error"]["kind"]), (401, &json!("credential_invalid")), "{header}");
    }
    let subject = server.send("POST", "/v1/data/app/subject", &[("x-api-key", PAYER)], b"{}").json();
    assert_eq!(
        subject["result"],
        json!({
            "id": "payer", "type": "agent", "issuer": "registry", "method": "api_key", "agent": "payer",
            "tenant": "acme", "roles": ["cashier"], "scopes": [], "permissions": ["stripe:create_payment"],
            "attributes": {"team": "tills"}, "claims": {"key": {"id": "k-payer", "kind": "agent"}},
            "proof": {"type": "bearer"},
        })
    );
}

#[test]
fn what_the_body_says_of_the_agent_has_no_part_in_it() {
    let server = start();
    let body = json!({"input": {"agent_id": "helper", "agent": {"agent_id": "helper", "org_id": "other"},
                                "subject": {"id": "helper", "agent": "helper"}}});
    let ask = |path: &str| {
        server.recorded(|| {
            server.send("POST", path, &[("x-agentpack-device-key", DEVICE)], body.to_string().as_bytes())
        })
    };
    let (reply, record) = ask("/v1/data/app/allow");
    assert_eq!(reply.json()["result"], true);
    assert_eq!((&record["subject"]["id"], &record["subject"]["agent"]), (&json!("payer"), &json!("payer")));
    assert_eq!(
        (&record["subject"]["key"], &record["subject"]["tenant"]),
        (&json!("k-device"), &json!("acme"))
    );
    assert_eq!(ask("/v1/data/app/asserted").0.json()["result"]["subject"]["id"], "helper", "kept apart");
}

#[test]
fn each_refusal_says_its_class_and_no_mode_makes_it_anonymous() {
    for mode in ["required", "optional"] {
        let server = start_with(&format!("identity: {{mode: {mode}, static: directory.yaml}}\n"));
        for (key, kind) in [
            ("unknown-key-rosebud", "credential_invalid"),
            (OLD, "credential_expired"),
            (OFF, "credential_revoked"),
            (REVOKED, "credential_revoked"),
            ("relay_sk_live_0123456789ABCDEFGHIJKLMNOPQRST000000", "credential_invalid"),
        ] {
            for header in ["authorization", "x-api-key"] {
                let (reply, record) = server.recorded(|| ask(&server, header, key));
                assert_eq!((reply.status, &record["error"]["kind"]), (401, &json!(kind)), "{mode} {key}");
                assert!(reply.header("www-authenticate").is_some());
            }
        }
        let none = server.post("/v1/data/app/allow", "{}");
        assert_eq!(none.status, if mode == "required" { 401 } else { 200 });
        let two = [("x-api-key", PAYER), ("x-agentpack-key", BRIDGE)];
        assert_eq!(server.send("POST", "/v1/data/app/who", &two, b"{}").status, 401, "two callers");
        let alike = [("x-api-key", PAYER), ("x-agentpack-device-key", DEVICE)];
        assert_eq!(server.send("POST", "/v1/data/app/who", &alike, b"{}").json()["result"], "payer");
    }
}

#[test]
fn a_revoked_key_is_refused_from_the_next_version_on() {
    let server = start();
    assert_eq!(ask(&server, "x-api-key", PAYER).status, 200);
    assert_eq!(directory_status(&server)["generation"], 1);
    rewrite(&server, &directory().replace("{key: k-revoked}", "{agent: payer}"));
    wait_until("the second version", || directory_status(&server)["generation"] == 2);
    let (reply, record) = server.recorded(|| ask(&server, "x-api-key", PAYER));
    assert_eq!((reply.status, &record["error"]["kind"]), (401, &json!("credential_revoked")));
    assert_eq!(ask(&server, "x-agentpack-device-key", DEVICE).status, 401);
    assert_eq!(ask(&server, "x-api-key", REVOKED).status, 200, "its revocation is gone");

    rewrite(&server, "agents: [{id: a, organisation: nowhere}]\n");
    wait_until("an error", || !directory_status(&server)["last_error"].is_null());
    let status = directory_status(&server);
    assert_eq!((&status["generation"], &status["keys"]), (&json!(2), &json!(7)));
    let error = status["last_error"].as_str().unwrap();
    assert!(error.contains("directory.yaml:1:32: agents[0].organisation: `nowhere` is not among"), "{error}");
    assert_eq!(ask(&server, "x-api-key", SERVICE).status, 200, "the last good version");
    assert_eq!(server.metric("verdict_directory_failing"), 1.0);

    rewrite(&server, &directory());
    server.block_on(async { server.app.live.fetch_keys() });
    wait_until("the third version", || directory_status(&server)["generation"] == 3);
    assert_eq!(ask(&server, "x-api-key", PAYER).status, 200);
    assert_eq!(
        (server.metric("verdict_directory_failing"), server.metric("verdict_directory_generation")),
        (0.0, 3.0)
    );
}

#[test]
fn a_reload_of_the_configuration_takes_another_directory_or_keeps_the_one_in_force() {
    let server = start();
    let file = server.dir.path().join("verdict.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let other = directory().replace("id: payer", "id: buyer").replace("agent: payer", "agent: buyer");
    std::fs::write(server.dir.path().join("other.yaml"), other).unwrap();
    std::fs::write(&file, text.replace("directory.yaml", "other.yaml")).unwrap();
    server.block_on(async { server.app.live.reload() }).unwrap();
    assert_eq!(ask(&server, "x-api-key", PAYER).json()["result"], "buyer");
    std::fs::write(&file, text.replace("directory.yaml", "missing.yaml")).unwrap();
    let error = server.block_on(async { server.app.live.reload() }).unwrap_err();
    assert!(error.contains("identity.static") && error.contains("missing.yaml"), "{error}");
    assert_eq!(ask(&server, "x-api-key", PAYER).json()["result"], "buyer");
    std::fs::write(&file, text.replace("{static: directory.yaml}", "{mode: off}")).unwrap();
    server.block_on(async { server.app.live.reload() }).unwrap();
    assert_eq!(directory_status(&server), Value::Null);
}

#[test]
fn guessers_are_throttled_and_callers_at_work_are_not() {
    let server = start_with(
        "identity: {static: directory.yaml, api_keys: {guesses_per_peer: 3/minute, guesses_per_prefix: 100/minute}}\n",
    );
    assert_eq!(ask(&server, "x-api-key", SERVICE).status, 200);
    for n in 0..3 {
        assert_eq!(ask(&server, "x-api-key", &format!("guess-number-{n}")).status, 401);
    }
    for key in ["guess-number-3", PAYER] {
        let (reply, record) = server.recorded(|| ask(&server, "x-api-key", key));
        assert_eq!((reply.status, reply.header("retry-after")), (429, Some("20")), "{key}");
        assert_eq!(record["error"]["kind"], "rate_limited");
    }
    assert_eq!(ask(&server, "x-api-key", SERVICE).status, 200, "in use before");
    server.block_on(async { server.app.live.reload() }).unwrap();
    assert_eq!(ask(&server, "x-api-key", "guess-number-4").status, 429, "a reload gives no new tries");
}

const VARIABLES: &str = "identity:\n  api_keys:\n    env:\n    - {variable: ADMIN, id: root, type: user, roles: [admin], tenant: acme}\n\
                         \x20   env_prefix:\n    - {prefix: AGENT_KEY_, permissions: [invoke], metadata: {source: env}}\n";

#[test]
fn keys_of_variables_are_callers() {
    let app = TestApp::new().config(VARIABLES).file("app/app.rego", POLICY);
    let server =
        app.env(&[("ADMIN", "rosebud-of-the-admin"), ("AGENT_KEY_PROD", "rosebud-of-production")]).start();
    for (key, expected) in [
        ("rosebud-of-the-admin", json!(["root", "user", "environment", "acme", ["admin"], []])),
        ("rosebud-of-production", json!(["PROD", "service", "environment", null, [], ["invoke"]])),
    ] {
        let subject = server.send("POST", "/v1/data/app/subject", &[("x-api-key", key)], b"{}").json();
        let subject = &subject["result"];
        let shown =
            ["id", "type", "issuer", "tenant", "roles", "permissions"].map(|name| subject[name].clone());
        assert_eq!(json!(shown), expected);
    }
    assert_eq!(ask(&server, "authorization", "rosebud-of-the-admin").json()["result"], "root");
    assert_eq!(ask(&server, "x-agentpack-key", "rosebud-of-the-admin").status, 401);
    assert_eq!(ask(&server, "x-api-key", "rosebud-of-the-admim").status, 401);
    assert_eq!(ask(&server, "x-api-key", "rosebud").status, 401);
}

#[test]
fn no_key_is_shown_anywhere() {
    let server = start();
    for key in [PAYER, DEVICE, BRIDGE, SERVICE, OLD, OFF, REVOKED, "unknown-rosebud", "under_score_rosebud"] {
        for header in ["authorization", "x-api-key", "x-agentpack-key", "x-agentpack-device-key"] {
            let reply = ask(&server, header, key);
            assert!(!String::from_utf8(reply.body).unwrap().contains("rosebud"));
        }
    }
    rewrite(&server, "keys: [{id: k, kind: service, hash: rosebud-in-the-place-of-a-hash}]\n");
    wait_until("an error", || !directory_status(&server)["last_error"].is_null());
    let mut printed = String::new();
    printed += &directory_status(&server).to_string();
    for path in ["/metrics", "/health/ready", "/health?plugins"] {
        printed += &String::from_utf8(server.get(path).body).unwrap();
    }
    let in_force = server.app.authorizer.in_force();
    printed += &format!("{:?}", in_force.authenticator);
    for file in ["decisions.jsonl", "decisions.refused.jsonl"] {
        printed += &std::fs::read_to_string(server.dir.path().join(file)).unwrap();
    }
    assert!(printed.contains("k-payer") && printed.contains("verdict keys hash"), "{printed}");
    assert!(!printed.contains("rosebud"), "{printed}");
    assert!(!printed.contains(&KeyHash::of(PAYER).to_string()), "{printed}");
}

/// What Relay's clients send: an opaque key or a token, told apart by the prefix, in the same header.
#[tokio::test]
async fn tokens_with_a_prefix_stand_where_keys_do() {
    let mut relay = issuer(&["ES256"], jwks(&[pair_for("ES256").jwk("k1", json!({}))]));
    relay.prefix = Some("relay_jwt_".to_owned());
    let authenticator = build(&config(vec![relay]), &clock()).unwrap();
    let token = format!("relay_jwt_{}", es256_token(&claims()));
    for (header, text, expected) in [
        ("x-relay-api-key", token.as_str(), "ok"),
        ("x-api-key", &token, "ok"),
        ("x-relay-api-key", &token["relay_jwt_".len()..], "a credential of this kind is not accepted here"),
        ("x-relay-api-key", "relay_sk_opaque_and_long", "a credential of this kind is not accepted here"),
    ] {
        let headers = HeaderMap::from_iter([(HeaderName::from_static(header), text.parse().unwrap())]);
        let presented = Presented::from(&headers);
        let found = authenticator.authenticate(IdentityMode::Required, &presented).await;
        assert_eq!(found.map_or_else(|failure| failure.message, |_| "ok".to_owned()), expected, "{header}");
    }
}

/// No policy can allow what the limits of an agent do not.
#[test]
fn the_limits_of_an_agent_hold_before_policy() {
    let limits = "{id: payer, limits: {allowed_providers: [stripe], max_amount: 500}, ";
    let server = start();
    rewrite(&server, &directory().replace("{id: payer, ", limits));
    wait_until("the second version", || directory_status(&server)["generation"] == 2);
    for (provider, amount, status) in [("stripe", 500, 200), ("stripe", 501, 403), ("aws", 1, 403)] {
        let action = json!({"provider": provider, "method": "pay", "parameters": {"amount": amount}});
        let body = json!({"input": {"action": action}}).to_string();
        for (header, key) in [("x-api-key", PAYER), ("x-agentpack-device-key", DEVICE)] {
            let reply = server.send("POST", "/v1/data/app/who", &[(header, key)], body.as_bytes());
            assert_eq!(reply.status, status, "{provider} {amount}");
        }
    }
}
