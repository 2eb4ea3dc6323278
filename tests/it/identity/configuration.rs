//! What a configuration may say, and how it is told what is wrong.

use serde_json::json;
use verdict::identity::{Config, Setup};
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
    let all = "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA";
    type Change = Box<dyn FnOnce(&mut Config)>;
    let cases: Vec<(Change, String)> = vec![
        (Box::new(|c| c.issuers.clear()), "identity.issuers: callers are to be verified, but there is no issuer; add one, or set `identity.mode: off`".into()),
        (Box::new(|c| c.issuers[1].issuer.clear()), "identity.issuers[1].issuer: it is empty; write the exact `iss` of the issuer's tokens".into()),
        (Box::new(|c| c.issuers[1].issuer = ISSUER.to_owned()), "identity.issuers[1].issuer: `https://idp.example` is already identity.issuers[0]".into()),
        (Box::new(|c| c.issuers[1].audience.clear()), "identity.issuers[1].audience: it is missing: tokens that were issued for any other service would be accepted here; write what `aud` must name".into()),
        (Box::new(|c| c.issuers[0].audience.push(String::new())), "identity.issuers[0].audience: it has an empty text".into()),
        (Box::new(|c| c.issuers[0].algorithms.clear()), format!("identity.issuers[0].algorithms: it is empty; name what the issuer signs with, of {all}")),
        (Box::new(|c| c.issuers[0].algorithms.push("HS256".into())), format!("identity.issuers[0].algorithms: `HS256` is symmetric, so whoever verifies with the key can also sign; use one of {all}")),
        (Box::new(|c| c.issuers[0].algorithms = vec!["none".into()]), format!("identity.issuers[0].algorithms: `none` is no signature at all; use one of {all}")),
        (Box::new(|c| c.issuers[0].algorithms = vec!["ES512".into()]), format!("identity.issuers[0].algorithms: `ES512` is not supported; use one of {all}")),
        (Box::new(|c| c.issuers[0].leeway = Period::secs(301)), "identity.issuers[0].leeway: `301s` is more than 5m".into()),
        (Box::new(|c| c.issuers[0].jwks_refresh = Period::secs(9)), "identity.issuers[0].jwks_refresh: `9s` is less than 10s".into()),
        (Box::new(|c| c.issuers[0].claims.roles = Some(String::new())), "identity.issuers[0].claims.roles: it is empty; write a path such as `realm_access.roles`".into()),
        (Box::new(|c| c.issuers[0].jwks = None), "identity.issuers[0]: it has no keys; add `jwks_file` or `jwks_url`".into()),
        (Box::new(|c| c.issuers[0].jwks_file = Some("x".into())), "identity.issuers[0]: it has several sources of keys; keep one of `jwks_file` and `jwks_url`".into()),
        (Box::new(|c| c.issuers[0].jwks = Some("{}".into())), "identity.issuers[0].jwks: `memory`: not a jwks (a json object with an array `keys`): line 1, column 2".into()),
        (Box::new(|c| c.issuers[0].jwks = Some(jwks(&[json!({ "kty": "oct", "k": "AAAA" })]))), "identity.issuers[0].jwks: `memory` has no usable key: keys[0] is ignored: it is a symmetric key (`oct`), and whoever can read it could sign with it".into()),
        (Box::new(|c| c.entrypoints = [("a//b".to_owned(), IdentityMode::Off)].into()), "identity.entrypoints.`a//b`: ambiguous path: an empty segment (`//`)".into()),
        (Box::new(|c| { c.issuers[0].jwks = None; c.issuers[0].jwks_url = Some("ftp://idp.example/k".into()); }), "identity.issuers[0].jwks_url: `ftp://idp.example/k` is not usable: only http and https are spoken".into()),
        (Box::new(|c| { c.issuers[0].jwks = None; c.issuers[0].jwks_url = Some("http://idp.example/k".into()); }), "identity.issuers[0].jwks_url: `http://idp.example/k` is not encrypted: whoever is on the way could bring keys of their own; use https".into()),
    ];
    for (change, expected) in cases {
        let error = build(&changed(change), &clock()).err().map(|error| error.to_string());
        assert_eq!(error, Some(expected));
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
