//! Tokens that their authorization server is asked about: against a real socket that is right, down, slow, enormous, or lies.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use verdict::config::{Insecure, Profile};
use verdict::identity::{Authenticator, Config, ConfigError, IntrospectionConfig, Setup};
use verdict::model::clock::{Clock, Timestamp};
use verdict::model::failure::{Failure, FailureKind};
use verdict::model::principal::Verified;
use verdict::model::units::Period;

use super::support::*;
use crate::custody::stub::{Answer, Stub};
use crate::harness::TestApp;

const ID: &str = "verdict client";
const SECRET: &str = "hunter2 with: a colon";
const API_KEY: &str = "a-long-api-key-0123456789-0123456789";

/// An authorization server whose answer can be changed.
struct Idp {
    stub: Stub,
    answer: Arc<Mutex<Answer>>,
}

impl Idp {
    async fn start(answer: &Value) -> Self {
        let answer = Arc::new(Mutex::new(Answer::Status(200, answer.to_string())));
        let current = Arc::clone(&answer);
        let stub = Stub::start(move |_| current.lock().unwrap().clone()).await;
        Self { stub, answer }
    }

    fn says(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn config(&self, change: impl FnOnce(&mut IntrospectionConfig)) -> Config {
        let url = format!("{}/introspect", self.stub.url);
        let mut asked = IntrospectionConfig::new(&url, "ID".to_owned(), "SECRET".to_owned());
        change(&mut asked);
        Config { introspection: Some(asked), ..Config::default() }
    }

    fn authenticator(&self, clock: &Clock, change: impl FnOnce(&mut IntrospectionConfig)) -> Authenticator {
        made(&self.config(change), clock).unwrap()
    }
}

fn made(config: &Config, clock: &Clock) -> Result<Authenticator, ConfigError> {
    let mut setup = Setup::new(Path::new("."), clock.clone(), client());
    setup.variables =
        BTreeMap::from([("ID", ID), ("SECRET", SECRET), ("KEY", API_KEY)].map(|(a, b)| (a.into(), b.into())))
            .into();
    Authenticator::new(config, &setup)
}

fn active(change: &Value) -> Value {
    let mut answer =
        json!({ "active": true, "sub": "alice", "scope": "read agent:invoke", "exp": NOW + 300 });
    answer.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    answer
}

fn text(outcome: &Result<Verified, Failure>) -> (FailureKind, &str) {
    let failure = outcome.as_ref().unwrap_err();
    (failure.kind, &failure.message)
}

#[tokio::test]
async fn a_token_is_asked_about_by_our_client_and_its_subject_is_the_answers() {
    let answer = active(&json!({ "tenant": "acme", "roles": ["payer"], "name": "Alice", "jti": "j" }));
    let idp = Idp::start(&answer).await;
    let authenticator = idp.authenticator(&clock(), |asked| {
        asked.required_scopes = vec!["agent:invoke".to_owned()];
        asked.claims.attributes = BTreeMap::from([("name".to_owned(), "name".to_owned())]);
    });
    let verified = present(&authenticator, "opaque+/token==").await.unwrap();
    let who = &verified.principal;
    assert_eq!([who.id.as_str(), who.kind.as_str(), who.method], ["alice", "user", "introspection"]);
    assert_eq!(who.issuer, idp.stub.url);
    assert_eq!((who.tenant.as_deref(), who.roles.join(" ")), (Some("acme"), "payer".to_owned()));
    assert_eq!(
        (who.scopes.join(" "), &who.attributes["name"]),
        ("read agent:invoke".to_owned(), &json!("Alice"))
    );
    let [request] = &idp.stub.requests()[..] else { panic!("asked once") };
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/introspect"));
    assert_eq!(request.form(), BTreeMap::from([("token".to_owned(), "opaque+/token==".to_owned())]));
    // RFC 6749 section 2.3.1: each in form encoding, then together in base64.
    use base64::Engine as _;
    let basic = base64::prelude::BASE64_STANDARD.encode("verdict%20client:hunter2%20with%3A%20a%20colon");
    assert_eq!(request.header("authorization"), format!("Basic {basic}"));
    assert_eq!(request.header("accept"), "application/json");
}

#[tokio::test]
async fn an_answer_is_judged_in_every_part() {
    let idp = Idp::start(&json!({})).await;
    let clock = clock();
    let authenticator = idp.authenticator(&clock, |asked| {
        asked.issuer = Some("https://as.example".to_owned());
        asked.audience = vec!["orders".to_owned()];
        asked.required_scopes = vec!["agent:invoke".to_owned()];
        asked.cache_ttl = Period::secs(0);
    });
    let with = |change: Value| {
        let mut answer = active(&json!({ "aud": ["orders", "x"], "iss": "https://as.example" }));
        for (name, value) in change.as_object().unwrap() {
            match value.as_str() {
                Some("absent") => drop(answer.as_object_mut().unwrap().remove(name)),
                _ => answer[name] = value.clone(),
            }
        }
        answer
    };
    let unavailable = "the issuer cannot be asked about the token now";
    let thumbprint = b64([7; 32]);
    for (change, expected) in [
        (json!({}), "ok"),
        (json!({ "exp": "absent" }), "ok"),
        (json!({ "iss": "absent" }), "ok"),
        (json!({ "aud": "orders" }), "ok"),
        (json!({ "exp": NOW - 20 }), "ok"),
        (json!({ "active": false }), "the token is not active"),
        (json!({ "active": "absent" }), unavailable),
        (json!({ "active": "true" }), unavailable),
        (json!({ "active": 1 }), unavailable),
        (json!({ "active": null }), unavailable),
        (json!({ "exp": NOW - 40 }), "the token has expired"),
        (json!({ "exp": "tomorrow" }), "claim `exp` is not a number"),
        (json!({ "nbf": NOW + 40 }), "the token is not valid yet"),
        (json!({ "iss": "https://other.example" }), "unknown issuer"),
        (json!({ "iss": 7 }), "claim `iss` is not a text"),
        (json!({ "aud": "others" }), "the audience does not match"),
        (json!({ "aud": "absent" }), "claim `aud` is missing"),
        (json!({ "sub": "absent" }), "claim `sub` is missing"),
        (json!({ "sub": 7 }), "claim `sub` is not a text, or empty"),
        (json!({ "sub": "anonymous" }), "claim `sub` is a reserved word"),
        (json!({ "scope": "read" }), "the token lacks the scope `agent:invoke`"),
        (json!({ "scope": "agent:invokes" }), "the token lacks the scope `agent:invoke`"),
        (json!({ "scope": "absent" }), "the token lacks the scope `agent:invoke`"),
        (json!({ "roles": 7 }), "claim `roles` is not a text or a list of texts"),
        (
            json!({ "cnf": { "x5t#S256": thumbprint } }),
            "the credential is bound to a key that the caller does not prove to hold",
        ),
        (
            json!({ "cnf": { "new": 1 } }),
            "claim `cnf` does not name one key in a way that is supported (RFC 7800)",
        ),
    ] {
        idp.says(Answer::Status(200, with(change.clone()).to_string()));
        assert_eq!(outcome(&authenticator, "opaque").await, expected, "{change}");
    }
    idp.says(Answer::Status(200, with(json!({ "scope": "read" })).to_string()));
    assert_eq!(text(&present(&authenticator, "opaque").await).0, FailureKind::InsufficientPermissions);
    // A client that acts for itself is a service.
    idp.says(Answer::Status(200, with(json!({ "sub": "absent", "client_id": "batch" })).to_string()));
    let verified = present(&authenticator, "opaque").await.unwrap();
    assert_eq!([&verified.principal.id, &verified.principal.kind], ["batch", "service"]);
}

#[tokio::test]
async fn a_server_that_is_down_slow_enormous_or_confused_says_nothing_of_a_token() {
    let good = active(&json!({}));
    let idp = Idp::start(&good).await;
    let authenticator = idp.authenticator(&clock(), |asked| asked.timeout = Period::millis(300));
    let twice = "{\"active\": false, \"active\": true, \"sub\": \"alice\"}";
    let padded = format!("{{\"active\": true, \"sub\": \"alice\", \"x\": \"{}\"}}", "x".repeat(64 << 10));
    let mut answers: Vec<Answer> = [401, 403, 404, 429, 500, 503, 204, 201]
        .map(|status| Answer::Status(status, good.to_string()))
        .into();
    answers.extend(
        ["", "active", "[]", "null", "{", "{\"active\": true}x", twice, &padded]
            .map(|body| Answer::Status(200, body.to_owned())),
    );
    answers.extend([
        Answer::Redirect(idp.stub.url.clone()),
        Answer::Silence,
        Answer::Announces(1 << 40),
        Answer::Endless,
        Answer::CutOff,
    ]);
    for (n, answer) in answers.into_iter().enumerate() {
        idp.says(answer.clone());
        let refused = present(&authenticator, &format!("token-{n}")).await;
        let (kind, message) = text(&refused);
        assert_eq!(
            (kind, message),
            (FailureKind::VerifierUnavailable, "the issuer cannot be asked about the token now"),
            "{answer:?}"
        );
    }
    idp.says(Answer::Status(200, good.to_string()));
    present(&authenticator, "token-0").await.unwrap();
    drop(idp);
    assert_eq!(text(&present(&authenticator, "token-1").await).0, FailureKind::VerifierUnavailable);
}

#[tokio::test]
async fn an_answer_is_relied_on_for_a_while_and_never_past_its_end() {
    let idp = Idp::start(&active(&json!({ "exp": NOW + 5 }))).await;
    let clock = clock();
    let authenticator = idp.authenticator(&clock, |asked| asked.leeway = Period::secs(0));
    for _ in 0..3 {
        present(&authenticator, "opaque").await.unwrap();
    }
    assert_eq!(idp.stub.requests().len(), 1);
    clock.set(Timestamp::from_unix_seconds(NOW + 5));
    assert_eq!(outcome(&authenticator, "opaque").await, "the token has expired");

    idp.says(Answer::Status(200, active(&json!({ "exp": NOW + 1000 })).to_string()));
    present(&authenticator, "other").await.unwrap();
    idp.says(Answer::Status(200, json!({ "active": false }).to_string()));
    clock.set(Timestamp::from_unix_seconds(NOW + 14));
    assert_eq!(outcome(&authenticator, "other").await, "ok", "relied on for 10 s");
    clock.set(Timestamp::from_unix_seconds(NOW + 15));
    assert_eq!(outcome(&authenticator, "other").await, "the token is not active");
    let asked = idp.stub.requests().len();
    assert_eq!(outcome(&authenticator, "other").await, "the token is not active");
    assert_eq!(idp.stub.requests().len(), asked, "what is not active is remembered, too");
    clock.set(Timestamp::from_unix_seconds(NOW + 25));
    outcome(&authenticator, "other").await;
    assert_eq!(idp.stub.requests().len(), asked + 1, "for as long");
}

#[tokio::test]
async fn whose_token_it_is_is_clear_before_anybody_is_asked() {
    let idp = Idp::start(&active(&json!({}))).await;
    let keys = jwks(&[pair_for("ES256").jwk("k1", json!({}))]);
    let asks = async |authenticator: &Authenticator, token: &str| {
        let before = idp.stub.requests().len();
        let _ = outcome(authenticator, token).await;
        idp.stub.requests().len() > before
    };
    let jwt = es256_token(&claims());
    let alone = idp.authenticator(&clock(), |_| {});
    assert!(asks(&alone, &jwt).await, "nobody else verifies signed tokens");
    let mut config = idp.config(|_| {});
    config.issuers = vec![issuer(&["ES256"], keys)];
    let beside = made(&config, &clock()).unwrap();
    assert!(!asks(&beside, &jwt).await && asks(&beside, "opaque").await);
    assert_eq!(outcome(&beside, &jwt).await, "ok");

    // API keys are never sent there.
    let mut config = idp.config(|_| {});
    config.api_keys.env = vec![verdict::identity::VariableConfig::of("KEY".to_owned())];
    assert_eq!(made(&config, &clock()).unwrap_err().at, "identity.introspection");
    config.introspection.as_mut().unwrap().prefix = Some("at_".to_owned());
    let both = made(&config, &clock()).unwrap();
    assert!(!asks(&both, API_KEY).await);
    assert!(!asks(&both, "another-api-key-0123456789-0123456789").await);
    assert!(asks(&both, "at_opaque").await);
}

#[tokio::test]
async fn strangers_are_throttled_and_questions_are_bounded() {
    let idp = Idp::start(&json!({ "active": false })).await;
    let mut config = idp.config(|_| {});
    config.api_keys.guesses_per_peer = "20/minute".parse().unwrap();
    let authenticator = made(&config, &clock()).unwrap();
    for n in 0..100 {
        let refused = present(&authenticator, &format!("guess-{n}")).await;
        let expected = if n < 20 { FailureKind::CredentialInvalid } else { FailureKind::RateLimited };
        assert_eq!(text(&refused).0, expected, "{n}");
    }
    assert_eq!(idp.stub.requests().len(), 20);

    // Behind the same gateway, whoever is at work goes on.
    idp.says(Answer::Status(200, active(&json!({})).to_string()));
    let mut config = idp.config(|asked| asked.cache_ttl = Period::secs(0));
    config.api_keys.guesses_per_peer = "20/minute".parse().unwrap();
    let authenticator = made(&config, &clock()).unwrap();
    present(&authenticator, "at-work").await.unwrap();
    idp.says(Answer::Status(200, json!({ "active": false }).to_string()));
    for n in 0..30 {
        present(&authenticator, &format!("guess-{n}")).await.unwrap_err();
    }
    idp.says(Answer::Status(200, active(&json!({})).to_string()));
    present(&authenticator, "at-work").await.unwrap();
    assert_eq!(text(&present(&authenticator, "newcomer").await).0, FailureKind::RateLimited);

    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let slow = Stub::start(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        Answer::Silence
    })
    .await;
    let mut config = IntrospectionConfig::new(&slow.url, "ID".to_owned(), "SECRET".to_owned());
    config.timeout = Period::secs(3);
    let config = Config { introspection: Some(config), ..Config::default() };
    let authenticator = Arc::new(made(&config, &clock()).unwrap());
    let calls = (0..300).map(|n| {
        let authenticator = Arc::clone(&authenticator);
        tokio::spawn(async move { outcome(&authenticator, &format!("t{n}")).await })
    });
    let calls: Vec<_> = calls.collect();
    until("as many questions as are allowed", || asked.load(Ordering::SeqCst) >= 64).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 64, "the others wait for their turn");
    for call in calls {
        assert_eq!(call.await.unwrap(), "the issuer cannot be asked about the token now");
    }
}

/// As Dockrion's documentation has the section.
#[test]
fn a_dockfile_that_asks_for_introspection_is_served() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let idp = runtime.block_on(Idp::start(&active(&json!({}))));
    let auth = format!(
        "auth:\n  mode: oauth2\n  oauth2:\n    introspection_url: {}/oauth/introspect\n    client_id_env: AGENT_CLIENT_ID\n    \
         client_secret_env: AGENT_CLIENT_SECRET\n    required_scopes: [agent:invoke]\n",
        idp.stub.url
    );
    let folder = tempfile::tempdir().unwrap();
    let dockfile = folder.path().join("Dockfile.yaml");
    std::fs::write(&dockfile, auth).unwrap();
    let server = TestApp::new()
        .profile(Profile::Run(Insecure::default()))
        .config(&format!("identity: {{dockfile: '{}'}}\n", dockfile.display()))
        .env(&[("AGENT_CLIENT_ID", ID), ("AGENT_CLIENT_SECRET", SECRET)])
        .file("app/app.rego", "package app\nwho := [input.subject.id, input.subject.method]\n")
        .start();
    let ask = || server.recorded(|| server.ask("/v1/data/app/who", "opaque-token", "{}"));
    let (reply, record) = ask();
    assert_eq!(
        (reply.status, &reply.json()["result"]),
        (200, &json!(["alice", "introspection"])),
        "{record}"
    );
    let printed = record.to_string();
    assert!(!printed.contains("opaque-token") && !printed.contains("hunter2"), "{printed}");
    idp.says(Answer::Status(500, String::new()));
    let (reply, _) = server.recorded(|| server.ask("/v1/data/app/who", "another-token", "{}"));
    assert_eq!((reply.status, reply.header("retry-after").is_some()), (503, true));
    assert_eq!(ask().0.status, 200, "what was answered before is relied on for a while");
    idp.says(Answer::Status(200, active(&json!({ "scope": "read" })).to_string()));
    let (reply, record) = server.recorded(|| server.ask("/v1/data/app/who", "narrow-token", "{}"));
    assert_eq!(reply.status, 403, "{record}");
    idp.says(Answer::Status(200, json!({ "active": false }).to_string()));
    let (reply, _) = server.recorded(|| server.ask("/v1/data/app/who", "spent-token", "{}"));
    let challenge = reply.header("www-authenticate").unwrap_or_default();
    assert!(reply.status == 401 && challenge.contains("error=\"invalid_token\""), "{challenge}");
}

#[test]
fn what_makes_no_sense_is_refused_at_the_start() {
    let with = |change: &dyn Fn(&mut IntrospectionConfig)| {
        let mut asked =
            IntrospectionConfig::new("https://as.example/introspect", "ID".to_owned(), "SECRET".to_owned());
        change(&mut asked);
        let error = made(&Config { introspection: Some(asked), ..Config::default() }, &clock()).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
        error.at.trim_start_matches("identity.introspection.").to_owned()
    };
    assert_eq!(with(&|asked| asked.url = "http://as.example/".into()), "url");
    assert_eq!(with(&|asked| asked.url = "as.example".into()), "url");
    assert_eq!(with(&|asked| asked.client_secret_env = "NOT_SET".to_owned()), "client_secret_env");
    assert_eq!(with(&|asked| asked.client_id_env = String::new()), "client_id_env");
    assert_eq!(with(&|asked| asked.required_scopes = vec!["a b".to_owned()]), "required_scopes");
    assert_eq!(with(&|asked| asked.timeout = Period::secs(0)), "timeout");
    assert_eq!(with(&|asked| asked.timeout = Period::secs(31)), "timeout");
    assert_eq!(with(&|asked| asked.cache_ttl = Period::secs(301)), "cache_ttl");
    assert_eq!(with(&|asked| asked.leeway = Period::secs(301)), "leeway");
    assert_eq!(with(&|asked| asked.prefix = Some(String::new())), "prefix");
    assert_eq!(with(&|asked| asked.claims.roles = Some(String::new())), "claims");
}
