//! Capability tokens: what is accepted, what is refused, and what the command line makes.

use std::process::Command;

use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use verdict::identity::Config;
use verdict::identity::capability;
use verdict::model::clock::{Clock, Timestamp};
use verdict::model::presented::Presented;
use verdict::model::principal::{AuthContext, IdentityMode};
use verdict_jose::Algorithm;

use super::support::*;
use crate::harness::TestApp;

const TYPE: &str = "agentpack-cap+jwt";

fn capabilities(change: impl FnOnce(&mut capability::Config)) -> capability::Config {
    let mut config: capability::Config = serde_json::from_value(json!({
        "issuer": "agentpack", "audience": "verdict", "header": "x-agentpack-capability",
        "keys": [{ "kid": "k1", "public_key": pair_for("EdDSA").pem() }],
    }))
    .unwrap();
    change(&mut config);
    config
}

/// Trusts capabilities, and a JWT issuer that has the same key and the same name.
fn both() -> Config {
    let mut jwt = issuer(&["EdDSA", "ES256"], jwks(&[pair_for("EdDSA").jwk("k1", json!({}))]));
    jwt.issuer = "agentpack".to_owned();
    jwt.audience = vec!["verdict".to_owned()];
    Config { capabilities: Some(capabilities(|_| ())), ..config(vec![jwt]) }
}

fn good() -> Value {
    json!({
        "iss": "agentpack", "aud": "verdict", "sub": "planner", "iat": NOW - 10, "exp": NOW + 300, "jti": "t-1",
        "scope": "secrets:get stripe:*", "permissions": ["invoke"], "org": "acme", "unknown": { "kept": true },
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = good();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn signed(claims: &Value) -> String {
    pair_for("EdDSA").typed("EdDSA", TYPE, claims)
}

#[tokio::test]
async fn a_capability_names_an_agent_and_what_it_is_for() {
    let authenticator = build(&both(), &clock()).unwrap();
    let mut claims = good();
    claims["act"] = json!({ "sub": "worker", "act": { "sub": "scheduler" } });
    let token = signed(&claims);
    // Twice: the second one is taken from the cache.
    for turn in 1..=2 {
        let verified = present(&authenticator, &token).await.unwrap();
        let subject = serde_json::to_value(&verified.principal).unwrap();
        let expected = json!({
            "id": "planner", "type": "agent", "issuer": "agentpack", "method": "capability", "roles": [],
            "scopes": ["secrets:get", "stripe:*"], "permissions": ["invoke"], "tenant": "acme", "agent": "worker",
            "act": { "sub": "worker", "act": { "sub": "scheduler" } }, "claims": claims, "proof": { "type": "bearer" },
        });
        assert_eq!(subject, expected, "{turn}");
        assert_eq!(verified.expires_at, Some(Timestamp::from_unix_seconds(NOW + 300)));
        let scopes: Vec<&[String]> = verified.restrictions.scopes.iter().map(AsRef::as_ref).collect();
        assert_eq!(scopes, [["secrets:get", "stripe:*"]]);
        assert_eq!(authenticator.cached_tokens(), 1);
    }
    let all = present(&authenticator, &signed(&without("scope"))).await.unwrap();
    assert!(all.restrictions.is_empty() && all.principal.agent.as_deref() == Some("planner"));
    let none = present(&authenticator, &signed(&with("scope", json!("")))).await.unwrap();
    assert_eq!(none.restrictions.scopes.len(), 1);
    assert!(none.restrictions.scopes[0].is_empty(), "an empty scope is for nothing");
}

#[tokio::test]
async fn bad_capabilities_are_refused() {
    let authenticator = build(&both(), &clock()).unwrap();
    let (pair, thief) = (pair_for("EdDSA"), Pair::new(Algorithm::EdDsa));
    let header =
        |header: Value, claims: &Value| pair.sign(Algorithm::EdDsa, &header.to_string(), &claims.to_string());
    let unsecured =
        format!("{}.{}.", b64(json!({ "alg": "none", "typ": TYPE }).to_string()), b64(good().to_string()));
    let hmac = |secret: &str| Pair::secret(secret).typed("HS256", TYPE, &good());
    let (algorithm, signature) = ("the token's algorithm is not accepted", "the signature is not valid");
    let cases = [
        ("a good one", signed(&good()), "ok"),
        ("with media type", pair.typed("EdDSA", "application/AgentPack-Cap+JWT", &good()), "ok"),
        ("as a JWT it is the other issuer's", pair.typed("EdDSA", "JWT", &good()), "ok"),
        ("alg none", unsecured, algorithm),
        ("HS256 by the public key", hmac(&pair.pem()), algorithm),
        ("ES256", pair_for("ES256").typed("ES256", TYPE, &good()), algorithm),
        ("another key", thief.typed("EdDSA", TYPE, &good()), signature),
        (
            "a key of its own",
            header(json!({ "alg": "EdDSA", "typ": TYPE, "kid": "k9", "jwk": thief.public }), &good()),
            "unknown key",
        ),
        (
            "no kid",
            header(json!({ "alg": "EdDSA", "typ": TYPE }), &good()),
            "malformed token: it has no `kid`",
        ),
        (
            "crit",
            header(json!({ "alg": "EdDSA", "typ": TYPE, "kid": "k1", "crit": ["exp"] }), &good()),
            "the token's header has `crit`, which is not supported",
        ),
        ("too long", signed(&with("exp", json!(NOW + 891))), "claim `exp` is too long after `iat`"),
        ("issued later", signed(&with("iat", json!(NOW + 31))), "the token is not valid yet"),
        ("no iss", signed(&without("iss")), "claim `iss` is missing"),
        ("no sub", signed(&without("sub")), "claim `sub` is missing"),
        ("no aud", signed(&without("aud")), "claim `aud` is missing"),
        ("no iat", signed(&without("iat")), "claim `iat` is missing"),
        ("no exp", signed(&without("exp")), "claim `exp` is missing"),
        ("no jti", signed(&without("jti")), "claim `jti` is missing"),
        ("another issuer", signed(&with("iss", json!("idp"))), "unknown issuer"),
        ("another audience", signed(&with("aud", json!("other"))), "the audience does not match"),
        ("no audience", signed(&with("aud", json!([]))), "the audience does not match"),
        ("expired", signed(&with("exp", json!(NOW - 31))), "the token has expired"),
        ("not yet", signed(&with("nbf", json!(NOW + 31))), "the token is not valid yet"),
        ("nobody", signed(&with("sub", json!("anonymous"))), "claim `sub` is a reserved word"),
        ("a list for a scope", signed(&with("scope", json!(["a"]))), "claim `scope` is not a text"),
        ("null for a scope", signed(&with("scope", Value::Null)), "claim `scope` is not a text"),
        ("no organisation", signed(&with("org", json!(""))), "claim `org` is not a text, or empty"),
        (
            "permissions",
            signed(&with("permissions", json!({}))),
            "claim `permissions` is not a text or a list of texts",
        ),
        (
            "an actor",
            signed(&with("act", json!("x"))),
            "claim `act` is not an object with a text `sub`, or nests too deeply",
        ),
        (
            "bound to nothing",
            signed(&with("cnf", json!({}))),
            "claim `cnf` does not name one key in a way that is supported (RFC 7800)",
        ),
        (
            "bound",
            signed(&with("cnf", json!({ "kid": "key-7" }))),
            "the credential is bound to a key that the caller does not prove to hold",
        ),
        (
            "two readings",
            pair.sign(
                Algorithm::EdDsa,
                &json!({ "alg": "EdDSA", "typ": TYPE, "kid": "k1" }).to_string(),
                &good().to_string().replacen('{', "{\"sub\":\"root\",", 1),
            ),
            "malformed token: its payload is not one strict json object",
        ),
    ];
    for (name, token, expected) in cases {
        for turn in 1..=2 {
            assert_eq!(outcome(&authenticator, &token).await, expected, "{name}, {turn}");
        }
    }
}

/// RFC 8725 sections 3.11 and 3.12: neither kind takes the other's tokens, whoever signed them.
#[tokio::test]
async fn no_issuer_of_jwts_takes_a_capability_and_the_other_way_round() {
    let jwt_only = Config { capabilities: None, ..both() };
    let kind = "a credential of this kind is not accepted here";
    let authenticator = build(&jwt_only, &clock()).unwrap();
    assert_eq!(outcome(&authenticator, &signed(&good())).await, kind);
    assert_eq!(outcome(&authenticator, &pair_for("EdDSA").typed("EdDSA", "JWT", &good())).await, "ok");
    let capabilities_only = Config { issuers: Vec::new(), ..both() };
    let authenticator = build(&capabilities_only, &clock()).unwrap();
    assert_eq!(outcome(&authenticator, &signed(&good())).await, "ok");
    assert_eq!(
        outcome(&authenticator, &pair_for("EdDSA").typed("EdDSA", "JWT", &good())).await,
        "unknown issuer"
    );
    // In a header of its own there is nothing else.
    let name = HeaderName::from_static("x-agentpack-capability");
    for (token, expected) in [
        (signed(&good()), "ok"),
        (
            pair_for("EdDSA").typed("EdDSA", "JWT", &good()),
            "the token's `typ` is not accepted for its issuer",
        ),
        ("opaque".to_owned(), "malformed token: it does not have three parts"),
    ] {
        let headers = HeaderMap::from_iter([(name.clone(), token.parse().unwrap())]);
        let got = authenticator.authenticate(IdentityMode::Required, &Presented::from(&headers)).await;
        let got = match got {
            Ok(AuthContext::Verified(_)) => "ok".to_owned(),
            Ok(other) => panic!("{other:?}"),
            Err(failure) => failure.message,
        };
        assert_eq!(got, expected);
    }
}

#[tokio::test]
async fn a_capability_for_a_single_use_is_used_once() {
    // Issued after the start: what came before it might have been used, and nobody here would know.
    let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW - 100));
    let once = capabilities(|config| config.single_use = true);
    let config = Config { capabilities: Some(once), ..Config::default() };
    let authenticator = build(&config, &clock).unwrap();
    clock.set(Timestamp::from_unix_seconds(NOW));
    let (one, other) = (signed(&good()), signed(&with("jti", json!("t-2"))));
    assert_eq!(outcome(&authenticator, &one).await, "ok");
    assert_eq!(outcome(&authenticator, &other).await, "ok");
    // Another token by the same name is the same.
    for again in [&one, &other, &signed(&with("scope", json!("*")))] {
        assert_eq!(outcome(&authenticator, again).await, "the credential was used before");
    }
    assert_eq!(authenticator.cached_tokens(), 0);
}

/// P5: whatever somebody writes into the records, a token says what was signed, and a forged one is refused; records can
/// only take away.
#[test]
fn no_record_makes_or_widens_a_capability() {
    let key = serde_json::to_string(&pair_for("EdDSA").pem()).unwrap();
    let clock = || Clock::fixed(Timestamp::from_unix_seconds(NOW));
    let seen = |records: Option<&str>, token: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("directory.yaml");
        let directory = match records {
            Some(records) => {
                std::fs::write(&file, records).unwrap();
                format!("static: '{}', ", file.display())
            }
            None => String::new(),
        };
        let config = format!(
            "identity: {{{directory}capabilities: {{issuer: agentpack, audience: verdict, keys: [{{kid: k1, public_key: {key}}}]}}}}\n"
        );
        let policy = "package app\nseen := input.subject\n";
        let server = TestApp::new().config(&config).clock(clock()).file("app/app.rego", policy).start();
        let answer = server.ask("/v1/data/app/seen", token, r#"{"input": {"action": "secrets:get"}}"#);
        (answer.status, answer.json()["result"].clone())
    };
    let (token, forged) = (signed(&good()), Pair::new(Algorithm::EdDsa).typed("EdDSA", TYPE, &good()));
    let alone = seen(None, &token);
    assert_eq!(alone.0, 200);
    let generous = "organisations: [{id: acme}]\nroles: [{name: root, permissions: ['*']}]\n\
                    agents: [{id: planner, organisation: acme, roles: [root], permissions: ['*']}]\n";
    assert_eq!(seen(Some(generous), &token), alone);
    assert_eq!(seen(Some(generous), &forged).0, 401);
    let disabled = generous.replace("{id: planner,", "{id: planner, disabled: true,");
    assert_eq!(seen(Some(&disabled), &token).0, 401);
    let revoked = format!("{generous}revocations: [{{jti: t-1}}]\n");
    assert_eq!(seen(Some(&revoked), &token).0, 401);
}

#[test]
fn the_configuration_holds_public_keys_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cap.pem");
    capability::mint::SigningKey::generate().unwrap().write(&file).unwrap();
    let private = std::fs::read_to_string(&file).unwrap();
    let rsa = pair_for("RS256").pem();
    type Change = Box<dyn FnOnce(&mut capability::Config)>;
    let cases: Vec<(Change, &str)> = vec![
        (Box::new(|c| c.issuer.clear()), "identity.capabilities.issuer: must not be empty"),
        (Box::new(|c| c.audience.clear()), "identity.capabilities.audience: must not be empty"),
        (Box::new(|c| c.keys.clear()), "identity.capabilities.keys: there is no key"),
        (Box::new(|c| c.keys[0].kid.clear()), "identity.capabilities.keys[0].kid: must not be empty"),
        (
            Box::new(|c| c.keys.push(c.keys[0].clone())),
            "identity.capabilities.keys[1].kid: two keys are named `k1`",
        ),
        (
            Box::new(|c| c.keys[0].public_key = None),
            "identity.capabilities.keys[0]: key `k1` has no public key",
        ),
        (Box::new(|c| c.keys[0].public_key_file = Some("x".into())), "are mutually exclusive"),
        (
            Box::new(move |c| c.keys[0].public_key = Some(private)),
            "identity.capabilities.keys[0].public_key: it is a private key",
        ),
        (
            Box::new(move |c| (c.keys[0].public_key, c.keys[0].public_key_file) = (None, Some(file))),
            "cap.pem`: it is a private key",
        ),
        (
            Box::new(|c| (c.keys[0].public_key, c.keys[0].public_key_file) = (None, Some("/none".into()))),
            "identity.capabilities.keys[0].public_key_file: `/none`: ",
        ),
        (Box::new(move |c| c.keys[0].public_key = Some(rsa)), "it is not an Ed25519 key"),
        (
            Box::new(|c| c.keys[0].public_key = c.keys[0].public_key.as_ref().map(|pem| pem.repeat(2))),
            "it has more than one key",
        ),
        (Box::new(|c| c.max_ttl = "0".parse().unwrap()), "identity.capabilities.max_ttl: "),
        (Box::new(|c| c.max_ttl = "25h".parse().unwrap()), "identity.capabilities.max_ttl: "),
        (Box::new(|c| c.leeway = "6m".parse().unwrap()), "identity.capabilities.leeway: "),
        (Box::new(|c| c.header = Some("Authorization".to_owned())), "identity.capabilities.header: "),
        (Box::new(|c| c.header = Some("a b".to_owned())), "identity.capabilities.header: "),
    ];
    for (change, expected) in cases {
        let config = Config { capabilities: Some(capabilities(change)), ..Config::default() };
        let error = build(&config, &clock()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\nand not\n{expected}");
        assert!(!error.contains("MC4CAQ"), "{error}");
    }
}

#[test]
fn the_scope_is_enforced_before_policy() {
    let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW));
    let key = serde_json::to_string(&pair_for("EdDSA").pem()).unwrap();
    let config = format!(
        "identity: {{capabilities: {{issuer: agentpack, audience: verdict, keys: [{{kid: k1, public_key: {key}}}]}}}}\n\
         permissions: {{required: [{{operation: 'stripe:refund', permissions: [refund]}}]}}\n"
    );
    let server = TestApp::new()
        .config(&config)
        .clock(clock)
        .file("app/app.rego", "package app\nallow := true\n")
        .start();
    let token = signed(&good());
    for (action, status) in [
        ("secrets:get", 200),
        ("stripe:create_payment", 200),
        // Within the scope, but a permission is missing.
        ("stripe:refund", 403),
        ("secrets:put", 403),
        ("secrets", 403),
    ] {
        let body = json!({ "input": { "action": action } }).to_string();
        let (answer, record) = server.recorded(|| server.ask("/v1/data/app/allow", &token, &body));
        assert_eq!(answer.status, status, "{action}: {answer:?}");
        if status == 403 {
            assert_eq!(record["error"]["kind"], "insufficient_permissions", "{record}");
        }
    }
    // What the body says changes nothing.
    let body = json!({ "input": { "subject": { "scopes": ["*"] }, "scope": "*" } }).to_string();
    assert_eq!(server.ask("/v1/data/app/allow", &token, &body).status, 403);
}

/// P5: nobody who can write to the server's disk or records can make a token; the private key was never there.
#[test]
fn the_command_line_makes_what_the_server_accepts() {
    let folder = tempfile::tempdir().unwrap();
    let verdict = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
        let output = command.args(args).current_dir(folder.path()).env_clear().output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (code, section, said) = verdict(&["capability", "keygen", "--out", "cap.pem"]);
    assert!(code == 0 && said.contains("`cap.pem`"), "{said}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join("cap.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let private = std::fs::read_to_string(folder.path().join("cap.pem")).unwrap();
    assert!(private.starts_with("-----BEGIN PRIVATE KEY-----\n") && !section.contains("PRIVATE"));
    let (code, _, said) = verdict(&["capability", "keygen", "--out", "cap.pem"]);
    assert!(code == 2 && said.contains("cannot create `cap.pem`"), "{said}");

    let mint = |more: &[&str]| {
        let args = [&["capability", "mint", "--key", "cap.pem", "--agent", "planner"], more].concat();
        verdict(&args)
    };
    let server =
        TestApp::new().config(&section).file("app/app.rego", "package app\nseen := input.subject\n").start();
    let body = r#"{"input": {"action": "secrets:get"}}"#;
    let seen = |token: &str| server.ask("/v1/data/app/seen", token, body);
    let (code, token, said) = mint(&[
        "--scope",
        "secrets:get",
        "--scope",
        "stripe:*",
        "--permission",
        "invoke",
        "--org",
        "acme",
        "--act",
        "worker",
    ]);
    assert_eq!((code, said.as_str()), (0, ""));
    let token = token.strip_suffix('\n').unwrap();
    let answer = seen(token).json();
    let subject = &answer["result"];
    assert_eq!(
        (&subject["id"], &subject["tenant"], &subject["agent"]),
        (&json!("planner"), &json!("acme"), &json!("worker"))
    );
    assert_eq!(
        (&subject["scopes"], &subject["permissions"]),
        (&json!(["secrets:get", "stripe:*"]), &json!(["invoke"]))
    );
    for (more, status) in [
        (&["--ttl", "15m"][..], 200),
        (&["--ttl", "16m"], 401),
        (&["--audience", "other"], 401),
        (&["--issuer", "other"], 401),
        (&["--kid", "other"], 401),
        (&["--bound-to", "key-7"], 401),
        (&["--scope", "secrets:put"], 403),
    ] {
        let (code, token, said) = mint(more);
        assert_eq!((code, said.as_str()), (0, ""), "{more:?}");
        assert_eq!(seen(token.trim_end()).status, status, "{more:?}");
    }
    for (more, expected) in [
        (&["--ttl", "25h"][..], "--ttl 25h is longer than 1d"),
        (&["--ttl", "0"], "the lifetime is zero"),
        (&["--scope", "a b"], "the scope is empty, or has white space in one operation"),
        (&["--org", ""], "the organisation is empty"),
        (&["--act", "anonymous"], "the actor is a reserved word"),
    ] {
        let (code, token, said) = mint(more);
        assert!(code == 2 && token.is_empty() && said.contains(expected), "{more:?}: {said}");
    }
    std::fs::write(folder.path().join("public.pem"), pair_for("EdDSA").pem()).unwrap();
    for (key, expected) in
        [("none.pem", "cannot read `none.pem`"), ("public.pem", "is not a private key in PEM")]
    {
        let (code, _, said) = verdict(&["capability", "mint", "--key", key, "--agent", "a"]);
        assert!(code == 2 && said.contains(expected), "{said}");
    }
}
