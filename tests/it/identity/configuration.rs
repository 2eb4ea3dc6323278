//! What a configuration may say, and how it is told what is wrong.

use serde_json::json;
use verdict::identity::{Config, IssuerConfig, Setup};
use verdict::model::principal::IdentityMode;
use verdict::model::request::EntryPath;
use verdict::model::units::Period;

use super::support::*;

/// A good configuration of two issuers, changed by the case.
fn changed(change: impl FnOnce(&mut Config)) -> Config {
    let keys = jwks(&[pair_for("ES256").jwk("k1", json!({}))]);
    let mut second = issuer(&["ES256"], keys.clone());
    second.issuer = "https://two.example".to_owned();
    let mut config = config(vec![issuer(&["ES256"], keys), second]);
    change(&mut config);
    config
}

#[test]
fn a_configuration_error_names_its_place_and_what_to_do() {
    type Change = Box<dyn FnOnce(&mut Config)>;
    fn first(change: impl FnOnce(&mut IssuerConfig) + 'static) -> Change {
        Box::new(move |config| change(&mut config.issuers[0]))
    }
    fn url(url: &'static str) -> Change {
        first(move |issuer| (issuer.jwks, issuer.jwks_url) = (None, Some(url.into())))
    }
    let cases: Vec<(Change, &str)> = vec![
        (
            first(|i| i.types.push("application/AgentPack-cap+jwt".into())),
            "identity.issuers[0].types: `application/AgentPack-cap+jwt` is the type of capability tokens, which no issuer of JWTs can have",
        ),
        (
            Box::new(|c| c.issuers.clear()),
            "identity.issuers: callers must be verified, but there is no issuer and no key",
        ),
        (Box::new(|c| c.issuers[1].issuer.clear()), "identity.issuers[1].issuer: must not be empty"),
        (
            Box::new(|c| c.issuers[1].issuer = ISSUER.to_owned()),
            "identity.issuers[1].issuer: duplicate issuer `https://idp.example`, the same as identity.issuers[0]",
        ),
        (
            Box::new(|c| c.issuers[1].audience.clear()),
            "identity.issuers[1].audience: issuer `https://two.example` has no audience: its tokens for any other service are accepted",
        ),
        (first(|i| i.audience.push(String::new())), "identity.issuers[0].audience: an audience is empty"),
        (
            first(|i| i.algorithms.clear()),
            "identity.issuers[0].algorithms: no algorithm is allowed, so no token can be valid",
        ),
        (
            first(|i| i.algorithms.push("HS256".into())),
            "identity.issuers[0].algorithms[1]: `HS256` is symmetric: whoever can verify a token could also forge one",
        ),
        (
            first(|i| i.algorithms = vec!["none".into()]),
            "identity.issuers[0].algorithms[0]: `none` is not a signature: anyone could be anyone",
        ),
        (
            first(|i| i.algorithms = vec!["ES521".into()]),
            "identity.issuers[0].algorithms[0]: unknown algorithm `ES521`",
        ),
        (
            first(|i| i.leeway = Period::secs(301)),
            "identity.issuers[0].leeway: 301s is more than 5m, and would keep expired tokens alive",
        ),
        (
            first(|i| i.jwks_refresh = Period::secs(9)),
            "identity.issuers[0].jwks_refresh: 9s is less than 10s",
        ),
        (
            first(|i| i.jwks_max_age = Period::secs(0)),
            "identity.issuers[0].jwks_max_age: must be more than 0",
        ),
        (
            first(|i| {
                (i.jwks, i.jwks_url) = (None, Some("https://idp.example/k".into()));
                i.jwks_max_age = Period::secs(599);
            }),
            "identity.issuers[0].jwks_max_age: 599s is less than twice `jwks_refresh` (5m)",
        ),
        (
            first(|i| i.single_use = true),
            "identity.issuers[0].single_use: needs `max_lifetime`: each token is remembered until it expires",
        ),
        (
            first(|i| i.max_lifetime = Some(Period::secs(0))),
            "identity.issuers[0].max_lifetime: must be more than 0",
        ),
        (
            first(|i| i.required_claims = vec!["jti".into(), "a..b".into()]),
            "identity.issuers[0].required_claims[1]: the path has an empty name between its dots",
        ),
        (
            first(|i| drop(i.claims.attributes.insert("e.mail".into(), "email".into()))),
            "identity.issuers[0].claims.attributes: a name must have 1 to 64 letters, digits, `_` or `-`",
        ),
        (
            first(|i| drop(i.claims.attributes.insert("email".into(), String::new()))),
            "identity.issuers[0].claims.attributes.email: the path is empty",
        ),
        (
            first(|i| i.types.clear()),
            "identity.issuers[0].types: must list types of tokens, none of them empty",
        ),
        (
            first(|i| i.claims.roles = Some(String::new())),
            "identity.issuers[0].claims.roles: the path is empty",
        ),
        (
            first(|i| i.claims.kind = Some("a..b".into())),
            "identity.issuers[0].claims.type: the path has an empty name between its dots",
        ),
        (
            first(|i| i.claims.id = Some("/a~".into())),
            "identity.issuers[0].claims.id: `~` in a json pointer must be written `~0`, and `/` in a name `~1`",
        ),
        (first(|i| i.jwks = None), "identity.issuers[0]: issuer `https://idp.example` has no keys"),
        (
            first(|i| {
                i.jwks = None;
                i.jwks_file = Some("x".into());
                i.jwks_url = Some("https://idp.example/k".into());
            }),
            "identity.issuers[0].jwks_url: `jwks_file` and `jwks_url` are mutually exclusive",
        ),
        (
            first(|i| (i.jwks, i.jwks_file) = (None, Some("".into()))),
            "identity.issuers[0].jwks_file: the path is empty",
        ),
        (
            first(|i| i.jwks = Some("{}".into())),
            "identity.issuers[0].jwks: `memory`: not a jwks (a json object with an array `keys`): line 1, column 2",
        ),
        (
            first(|i| i.jwks = Some(jwks(&[json!({ "kty": "oct", "k": "AAAA" })]))),
            "identity.issuers[0].jwks: `memory` has no usable key: keys[0] is ignored: it is a symmetric key (`oct`), and whoever can read it could sign with it",
        ),
        (
            Box::new(|c| c.entrypoints = [("a//b".to_owned(), IdentityMode::Off)].into()),
            "identity.entrypoints.`a//b`: ambiguous path: an empty segment (`//`)",
        ),
        (
            url("ftp://idp.example/k"),
            "identity.issuers[0].jwks_url: `ftp://idp.example/k` is not usable: only http and https are supported",
        ),
        (
            url("https://u:hunter2@idp.example/k?hunter2"),
            "identity.issuers[0].jwks_url: `https://***@idp.example/k?***` is not usable: it carries a user name or a password",
        ),
        (
            url("http://idp.example/k"),
            "identity.issuers[0].jwks_url: the keys come from `idp.example` over plain http: whoever is on the way could bring keys of their own",
        ),
    ];
    for (change, expected) in cases {
        let error = build(&changed(change), &clock()).unwrap_err();
        assert_eq!(format!("{}: {}", error.at, error.message), expected);
        assert!(!error.hint.is_empty() && !error.to_string().contains("hunter2"), "{error}");
    }
    assert!(build(&changed(|_| ()), &clock()).is_ok());
}

#[test]
fn a_jwks_file_that_is_bad_at_the_start_is_a_configuration_error() {
    let folder = tempfile::tempdir().unwrap();
    let with = |content: Option<&[u8]>| {
        let file = folder.path().join("keys.json");
        match content {
            Some(content) => std::fs::write(&file, content).unwrap(),
            None => drop(std::fs::remove_file(&file)),
        }
        let config = changed(|c| {
            c.issuers[1].jwks = None;
            c.issuers[1].jwks_file = Some("keys.json".into());
        });
        let setup = Setup::new(folder.path(), clock(), client());
        let error = verdict::identity::Authenticator::new(&config, &setup).err()?;
        assert_eq!(error.at, "identity.issuers[1].jwks_file");
        Some(error.message)
    };
    let many = jwks(&vec![json!({ "kty": "oct" }); 101]);
    let fat = jwks(&[json!({ "kty": "oct", "x": "a".repeat(17_000) })]);
    let huge = vec![b' '; (1 << 20) + 1];
    for (content, expected) in [
        (None, "cannot read"),
        (Some(&b"not json"[..]), "not a jwks"),
        (Some(b""), "not a jwks"),
        (Some(br#"{"keys":{}}"#), "not a jwks"),
        (Some(br#"{"keys":[],"keys":[]}"#), "not a jwks"),
        (Some(many.as_bytes()), "the jwks has 101 keys; at most 100 are read"),
        (Some(fat.as_bytes()), "keys[0] of the jwks is longer than 16384 bytes"),
        (Some(&huge), "the jwks is longer than 1048576 bytes"),
    ] {
        let message = with(content).unwrap();
        assert!(message.contains(expected), "{message}");
    }
    let good = jwks(&[pair_for("ES256").jwk("k1", json!({}))]);
    assert_eq!(with(Some(good.as_bytes())), None);
    assert_eq!(with(Some(br#"{"keys":[]}"#)), None, "an empty set is a set");
}

#[tokio::test]
async fn an_issuer_without_audience_needs_the_loud_flag() {
    let config = changed(|c| c.issuers[0].audience.clear());
    let mut setup = Setup::new(std::path::Path::new("."), clock(), client());
    setup.allow_insecure_issuers = true;
    let authenticator = verdict::identity::Authenticator::new(&config, &setup).unwrap();
    let mut payload = claims();
    for (aud, expected) in [
        (json!("anything"), "ok"),
        (json!(["any", "thing"]), "ok"),
        (json!(7), "claim `aud` is not a text or a list of texts"),
    ] {
        payload["aud"] = aud;
        assert_eq!(outcome(&authenticator, &es256_token(&payload)).await, expected);
    }
    payload.as_object_mut().unwrap().remove("aud");
    assert_eq!(outcome(&authenticator, &es256_token(&payload)).await, "ok");
}

#[test]
fn the_mode_follows_the_path() {
    let config = changed(|c| {
        c.mode = IdentityMode::Required;
        c.entrypoints = [("app/allow".to_owned(), IdentityMode::Optional)].into();
    });
    let authenticator = build(&config, &clock()).unwrap();
    for (path, expected) in [("app/allow", IdentityMode::Optional), ("app", IdentityMode::Required)] {
        assert_eq!(authenticator.mode_for(&EntryPath::parse(path).unwrap()), expected, "{path}");
    }
    let off = Config { mode: IdentityMode::Off, ..Config::default() };
    assert!(build(&off, &clock()).is_ok(), "with identity off nobody needs an issuer");
}
