//! What OAuth clients are told: metadata of the resource (RFC 9728), audiences (RFC 8707), and scopes (RFC 6750 section 3).

use serde_json::{Value, json};
use verdict::config::{Environment, Insecure, Overrides, Profile, Sources, load};
use verdict::model::clock::{Clock, Timestamp};

use super::support::{ISSUER, NOW, jwks, pair_for};
use crate::custody::stub::{Answer, Stub};
use crate::harness::{Reply, Server, TestApp};

const RESOURCE: &str = "https://api.example/mcp";
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
const METADATA: &str = "resource_metadata=\"https://api.example/.well-known/oauth-protected-resource/mcp\"";
const POLICY: &str = "package app

allow := {\"allow\": false, \"required_scopes\": [\"pay:read\", \"pay:write\"]} if input.subject.id != \"admin\"

allow := {\"allow\": true, \"required_scopes\": [\"pay:write\"]} if input.subject.id == \"admin\"

odd := {\"allow\": false, \"required_scopes\": [\"a\\\"b\", 7, \"two words\", \"fine\"]}

no := false
";

fn start(identity: &str) -> Server {
    let app = TestApp::new().clock(Clock::fixed(Timestamp::from_unix_seconds(NOW)));
    let keys = jwks(&[pair_for("ES256").jwk("k1", json!({}))]);
    std::fs::write(app.dir.path().join("keys.json"), keys).unwrap();
    app.config(&format!("identity:\n  {identity}\n"))
        .profile(Profile::Run(Insecure::default()))
        .env(&[("ID", "us"), ("SECRET", "hunter2")])
        .file("app/app.rego", POLICY)
        .start()
}

/// With one issuer, which has no audience of its own unless `more` gives one.
fn protected(more: &str) -> Server {
    start(&format!(
        "resource: {{url: '{RESOURCE}', scopes: [pay:read, pay:write]}}\n  \
         issuers: [{{issuer: '{ISSUER}', algorithms: [ES256], jwks_file: keys.json{more}}}]"
    ))
}

fn token(claims: &Value) -> String {
    let mut all = json!({ "iss": ISSUER, "aud": RESOURCE, "sub": "alice", "iat": NOW, "exp": NOW + 300, "scope": "pay:read" });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    pair_for("ES256").typed("ES256", "JWT", &all)
}

fn challenges(reply: &Reply) -> Vec<&str> {
    reply.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
}

#[test]
fn the_metadata_say_whom_to_ask_and_how_to_come_at_both_places() {
    let server = protected("");
    let expected = json!({
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["pay:read", "pay:write"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported":
            ["ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"],
    });
    for path in ["", "/", "/mcp"] {
        let reply = server.get(&format!("{WELL_KNOWN}{path}"));
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{path}");
        assert_eq!(reply.json(), expected, "{path}");
    }
    for path in ["/mc", "/mcp/", "/other", "/mcp/more"] {
        assert_eq!(server.get(&format!("{WELL_KNOWN}{path}")).status, 404, "{path}");
    }
    assert_eq!(server.post(WELL_KNOWN, "{}").status, 405);
    // What nobody says is not shown, and no challenge names it.
    let plain = start(&format!(
        "issuers: [{{issuer: '{ISSUER}', audience: api, algorithms: [ES256], jwks_file: keys.json}}]"
    ));
    assert_eq!(plain.get(WELL_KNOWN).status, 404);
    assert_eq!(
        challenges(&plain.post("/v1/data/app/no", "{}")),
        ["Bearer", "ApiKey header=\"x-relay-api-key\""][..1]
    );
}

#[test]
fn a_token_is_for_the_resource_where_its_issuer_has_no_audience() {
    let server = protected("");
    let ask = |server: &Server, aud: Value| {
        server.ask("/v1/data/app/no", &token(&json!({ "aud": aud })), "{}").status
    };
    for (aud, status) in [
        (json!(RESOURCE), 200),
        (json!(["https://else.example", RESOURCE]), 200),
        (json!("https://else.example"), 401),
        (json!("https://api.example"), 401),
        (json!("https://api.example/mcp/"), 401),
        (json!([]), 401),
        (json!(null), 401),
    ] {
        assert_eq!(ask(&server, aud.clone()), status, "{aud}");
    }
    // One of its own takes its place.
    let own = protected(", audience: api");
    assert_eq!((ask(&own, json!("api")), ask(&own, json!(RESOURCE))), (200, 401));
}

#[test]
fn a_call_without_a_good_token_is_told_where_to_get_one() {
    let server = protected("");
    let missing = server.post("/v1/data/app/no", "{}");
    assert_eq!((missing.status, challenges(&missing)), (401, vec![format!("Bearer {METADATA}").as_str()]));
    let foreign = server.ask("/v1/data/app/no", &token(&json!({ "aud": "https://else.example" })), "{}");
    let [challenge] = challenges(&foreign)[..] else { panic!("{foreign:?}") };
    assert!(challenge.starts_with("Bearer error=\"invalid_token\", error_description=\""), "{challenge}");
    assert!(challenge.ends_with(&format!("\", {METADATA}")), "{challenge}");
    let by_dpop = [("authorization", "DPoP abc.def.ghi"), ("content-type", "application/json")];
    let reply = server.send("POST", "/v1/data/app/no", &by_dpop, b"{}");
    let [challenge] = challenges(&reply)[..] else { panic!("{reply:?}") };
    assert!(challenge.starts_with("DPoP ") && challenge.ends_with(METADATA), "{challenge}");
    let management = server.ask("/v1/status", &token(&json!({})), "");
    assert_eq!(
        (management.status, challenges(&management)),
        (403, vec![format!("Bearer error=\"insufficient_scope\", {METADATA}").as_str()])
    );
}

#[test]
fn a_denial_names_all_scopes_that_are_needed_in_one_challenge() {
    let server = protected("");
    let expected = format!("Bearer error=\"insufficient_scope\", scope=\"pay:read pay:write\", {METADATA}");
    let ask = |path: &str, claims: Value| server.ask(path, &token(&claims), "{}");
    for path in ["/v1/data/app/allow", "/v0/data/app/allow"] {
        let denied = ask(path, json!({}));
        assert_eq!((denied.status, challenges(&denied)), (200, vec![expected.as_str()]), "{path}");
        // With all of them, something else is the reason.
        let denied = ask(path, json!({ "scope": "pay:write other pay:read" }));
        assert_eq!((denied.status, challenges(&denied)), (200, vec![]), "{path}");
    }
    assert_eq!(challenges(&ask("/v1/data/app/allow", json!({ "sub": "admin" }))), Vec::<&str>::new());
    assert_eq!(challenges(&ask("/v1/data/app/no", json!({}))), Vec::<&str>::new());
    let odd = ask("/v1/data/app/odd", json!({}));
    assert_eq!(
        challenges(&odd),
        [format!("Bearer error=\"insufficient_scope\", scope=\"fine\", {METADATA}")]
    );
}

#[test]
fn what_an_issuer_requires_is_named_whether_the_token_is_missing_or_too_narrow() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let answer =
        json!({ "active": true, "sub": "alice", "aud": RESOURCE, "scope": "pay:read", "exp": NOW + 300 });
    let stub = runtime.block_on(Stub::start(move |_| Answer::Status(200, answer.to_string())));
    let server = start(&format!(
        "resource: {{url: '{RESOURCE}'}}\n  introspection: {{url: '{}/introspect', client_id_env: ID, client_secret_env: SECRET, \
         required_scopes: [pay:read, pay:write]}}",
        stub.url
    ));
    let missing = server.post("/v1/data/app/no", "{}");
    let expected = format!("Bearer scope=\"pay:read pay:write\", {METADATA}");
    assert_eq!((missing.status, challenges(&missing)), (401, vec![expected.as_str()]));
    let narrow = server.ask("/v1/data/app/no", "opaque", "{}");
    let expected = format!("Bearer error=\"insufficient_scope\", scope=\"pay:read pay:write\", {METADATA}");
    assert_eq!((narrow.status, challenges(&narrow)), (403, vec![expected.as_str()]));
}

#[test]
fn long_lists_of_scopes_leave_the_challenge_whole() {
    let scopes: Vec<String> = (0..60).map(|n| format!("a-rather-long-scope-{n}")).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stub = runtime.block_on(Stub::start(|_| Answer::Status(200, json!({ "active": false }).to_string())));
    let server = start(&format!(
        "resource: {{url: '{RESOURCE}'}}\n  introspection: {{url: '{}/introspect', client_id_env: ID, client_secret_env: SECRET, \
         required_scopes: [{}]}}",
        stub.url,
        scopes.join(", ")
    ));
    let reply = server.ask("/v1/data/app/no", "opaque", "{}");
    let [challenge] = challenges(&reply)[..] else { panic!("{reply:?}") };
    assert!(challenge.contains(&scopes.join(" ")) && challenge.ends_with(METADATA), "{challenge}");
}

#[test]
fn a_resource_makes_up_for_a_missing_audience_and_must_be_one() {
    let error_of = |resource: &str, issuer: &str| {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("verdict.yaml");
        let text = format!(
            "identity: {{{resource} issuers: [{{issuer: '{ISSUER}', algorithms: [ES256], jwks_file: k.json{issuer}}}]}}\n"
        );
        std::fs::write(&file, text).unwrap();
        let profile = Profile::Run(Insecure::default());
        let sources = Sources {
            file: Some(file),
            env: Environment::default(),
            overrides: Overrides::default(),
            profile,
        };
        load(sources).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(error_of(&format!("resource: {{url: '{RESOURCE}'}},"), ""), "");
    assert!(error_of("", "").contains("has no audience"));
    // The audience of transaction tokens is a trust domain.
    let transaction = error_of(&format!("resource: {{url: '{RESOURCE}'}},"), ", token_type: transaction");
    assert!(transaction.contains("has no audience"), "{transaction}");
    for (resource, expected) in [
        ("resource: {url: 'http://api.example'},", "not an https url"),
        ("resource: {url: 'https://api.example/?a=b'},", "has a query"),
        ("resource: {url: 'https://API.example'},", "begin with `https://api.example`"),
        ("resource: {url: 'https://api.example', scopes: ['a b']},", "is no scope"),
        ("resource: {url: 'https://api.example', scope: [a]},", "scope"),
    ] {
        let error = error_of(resource, ", audience: a");
        assert!(error.contains(expected) && error.contains("verdict.yaml:"), "{resource}: {error}");
    }
}
