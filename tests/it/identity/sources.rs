//! Where keys come from besides a JWKS: PEM and secrets, in the configuration, in files and in the environment; and tokens
//! with a prefix.

use std::path::Path;

use serde_json::{Value, json};
use verdict::identity::{Authenticator, ConfigError, IssuerConfig, Setup};
use verdict_jose::Algorithm;

use super::support::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// An issuer without keys, changed by the case.
fn keyless(algorithms: &[&str], change: impl FnOnce(&mut IssuerConfig)) -> IssuerConfig {
    let mut one = issuer(algorithms, String::new());
    one.jwks = None;
    change(&mut one);
    one
}

fn with_key(algorithms: &[&str], key: &str, change: impl FnOnce(&mut IssuerConfig)) -> Authenticator {
    build_with_key(&config(vec![keyless(algorithms, change)]), key).unwrap()
}

#[tokio::test]
async fn every_algorithm_verifies_with_a_key_in_pem_and_with_no_other() {
    let folder = tempfile::tempdir().unwrap();
    for (name, algorithm) in ALGORITHMS {
        let (pair, stranger) = (pair_for(name), Pair::new(algorithm));
        let file = folder.path().join(format!("{name}.pem"));
        std::fs::write(&file, pair.pem()).unwrap();
        let authenticators = [
            with_key(&[name], "", |i| i.public_key = Some(pair.pem())),
            with_key(&[name], "", |i| i.public_key_file = Some(file)),
            with_key(&[name], &pair.pem(), |i| i.public_key_env = Some("KEY".to_owned())),
        ];
        for authenticator in authenticators {
            // A key in PEM has no name, so that any will do, and none.
            let unnamed = pair.sign(algorithm, &json!({ "alg": name }).to_string(), &claims().to_string());
            for token in [pair.token(name, "k1", &claims()), pair.token(name, "other", &claims()), unnamed] {
                assert_eq!(outcome(&authenticator, &token).await, "ok", "{name}");
            }
            let forged = stranger.token(name, "k1", &claims());
            assert_eq!(outcome(&authenticator, &forged).await, "the signature is not valid", "{name}");
        }
    }
}

#[tokio::test]
async fn ed25519_is_another_name_of_eddsa() {
    let pair = pair_for("EdDSA");
    let named = json!({ "alg": "Ed25519" });
    for configured in ["EdDSA", "Ed25519"] {
        let keys = jwks(&[pair.jwk("k1", named.clone())]);
        let authenticator = build(&config(vec![issuer(&[configured], keys)]), &clock()).unwrap();
        for header in ["EdDSA", "Ed25519"] {
            let token = pair.token(header, "k1", &claims());
            assert_eq!(
                outcome(&authenticator, &token).await,
                "ok",
                "{header} where {configured} is configured"
            );
        }
    }
}

#[tokio::test]
async fn a_secret_verifies_what_is_signed_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    for (name, _) in SYMMETRIC {
        let from_env = with_key(&[name], SECRET, |i| i.secret_env = Some("KEY".to_owned()));
        let from_file = with_key(&[name], "", |i| i.secret_file = Some(file.clone()));
        for authenticator in [from_env, from_file] {
            for (secret, expected) in [
                (SECRET, "ok"),
                (&SECRET[1..], "the signature is not valid"),
                (&format!("{SECRET}\n"), "the signature is not valid"),
                ("", "the signature is not valid"),
            ] {
                let token = Pair::secret(secret).token(name, "k1", &claims());
                assert_eq!(outcome(&authenticator, &token).await, expected, "{name}");
            }
            let cut = Pair::secret(SECRET).token(name, "k1", &claims());
            let cut = cut.get(..cut.len() - 4).unwrap();
            assert_eq!(
                outcome(&authenticator, cut).await,
                "the signature is not valid",
                "{name}: a short MAC"
            );
        }
    }
}

#[tokio::test]
async fn a_file_is_read_again_and_a_bad_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let (old, new) = (Pair::new(Algorithm::EdDsa), Pair::new(Algorithm::EdDsa));
    let (first, second) = (Pair::secret(SECRET), Pair::secret(SECRET.repeat(2)));
    let public = keyless(&["EdDSA"], |i| i.public_key_file = Some("key".into()));
    let secret = keyless(&["HS256"], |i| i.secret_file = Some("key".into()));
    for (one, name, before, after, contents) in [
        (public, "EdDSA", &old, &new, [old.pem(), new.pem()]),
        (secret, "HS256", &first, &second, [SECRET.to_owned(), SECRET.repeat(2)]),
    ] {
        std::fs::write(&file, &contents[0]).unwrap();
        let setup = Setup::new(folder.path(), clock(), client());
        let authenticator = Authenticator::new(&config(vec![one]), &setup).unwrap();
        let (by_before, by_after) = (before.token(name, "k", &claims()), after.token(name, "k", &claims()));
        assert_eq!(outcome(&authenticator, &by_before).await, "ok");
        for bad in ["", "short", &old.pem().replace("PUBLIC", "PRIVATE")] {
            std::fs::write(&file, bad).unwrap();
            authenticator.refresh_now().await;
            assert_eq!(outcome(&authenticator, &by_before).await, "ok");
            assert!(authenticator.status()[0].last_error.is_some(), "{bad}");
        }
        std::fs::write(&file, &contents[1]).unwrap();
        authenticator.refresh_now().await;
        assert_eq!(
            outcome(&authenticator, &by_before).await,
            "the signature is not valid",
            "though it is cached"
        );
        assert_eq!(outcome(&authenticator, &by_after).await, "ok");
    }
}

/// What is wrong with the issuer that a change of an honest one makes.
fn error_of(algorithms: &[&str], key: &str, change: impl FnOnce(&mut IssuerConfig)) -> ConfigError {
    build_with_key(&config(vec![keyless(algorithms, change)]), key).unwrap_err()
}

#[test]
fn what_is_no_key_is_a_configuration_error_that_shows_nothing_of_it() {
    type Change = Box<dyn FnOnce(&mut IssuerConfig)>;
    let env = |name: &'static str| -> Change { Box::new(move |i| i.secret_env = Some(name.into())) };
    let pem_env = || -> Change { Box::new(|i| i.public_key_env = Some("KEY".into())) };
    let pem = |text: String| -> Change { Box::new(move |i| i.public_key = Some(text)) };
    let (rsa, ec) = (pair_for("RS256").pem(), pair_for("ES256").pem());
    let private = rsa.replace("PUBLIC", "PRIVATE");
    let cases: Vec<(&str, &str, Change, &str)> = vec![
        ("HS256", "", env("KEY"), "secret_env: environment variable `KEY` is not set, or empty"),
        ("HS256", SECRET, env("OTHER"), "secret_env: environment variable `OTHER` is not set, or empty"),
        ("HS256", SECRET, env(""), "secret_env: it is not the name of an environment variable"),
        // The secret in the place of its variable's name.
        ("HS256", SECRET, env(SECRET), "secret_env: it is not the name of an environment variable"),
        (
            "RS256",
            "",
            Box::new(|i| i.public_key_env = Some(pair_for("RS256").pem())),
            "public_key_env: it is not the name of an environment variable",
        ),
        ("RS256", "", pem_env(), "public_key_env: environment variable `KEY` is not set, or empty"),
        (
            "HS256",
            &SECRET[..31],
            env("KEY"),
            "secret_env: `environment variable KEY`: it has 31 bytes; HS256 needs at least 32",
        ),
        (
            "HS384",
            &SECRET[..47],
            env("KEY"),
            "secret_env: `environment variable KEY`: it has 47 bytes; HS384 needs at least 48",
        ),
        (
            "HS512",
            &SECRET[..63],
            env("KEY"),
            "secret_env: `environment variable KEY`: it has 63 bytes; HS512 needs at least 64",
        ),
        (
            "HS256",
            &rsa,
            env("KEY"),
            "secret_env: `environment variable KEY`: it is a key or certificate in pem, and no secret",
        ),
        (
            "HS256",
            &private,
            env("KEY"),
            "secret_env: `environment variable KEY`: it is a key or certificate in pem, and no secret",
        ),
        ("RS256", SECRET, env("KEY"), "algorithms[0]: `RS256` needs a key pair, and the issuer has a secret"),
        ("EdDSA", SECRET, env("KEY"), "algorithms[0]: `EdDSA` needs a key pair, and the issuer has a secret"),
        ("HS256", "", pem(rsa.clone()), "algorithms[0]: `HS256` is symmetric"),
        ("RS256", &private, pem_env(), "public_key_env: `environment variable KEY`: it is a private key"),
        (
            "RS256",
            SECRET,
            pem_env(),
            "public_key_env: `environment variable KEY`: it is not a public key in pem",
        ),
        ("RS256", "", pem(private.clone()), "public_key: it is a private key"),
        ("RS256", "", pem(rsa.replace("PUBLIC KEY", "CERTIFICATE")), "public_key: it is a certificate"),
        ("RS256", "", pem(ec.clone()), "public_key: it is a key for none of the issuer's `algorithms`"),
        (
            "RS256",
            "",
            pem(rsa.clone() + &ec),
            "public_key: it is a key for none of the issuer's `algorithms`",
        ),
        ("RS256", "", pem(SECRET.to_owned()), "public_key: it is not a public key in pem"),
        ("RS256", "", Box::new(|i| i.discovery = true), "issuer: "),
    ];
    for (algorithm, key, change, expected) in cases {
        let error = error_of(&[algorithm], key, |i| {
            change(i);
            if i.discovery {
                i.issuer = "not a url".to_owned();
            }
        });
        let shown = format!("{}: {}", error.at, error.message);
        assert!(shown.starts_with(&format!("identity.issuers[0].{expected}")), "{shown}");
        let body = |pem: &str| pem.lines().nth(1).unwrap().to_owned();
        for secret in [&SECRET[..16], &body(&rsa), &body(&ec)] {
            assert!(!error.to_string().contains(secret) && !format!("{error:?}").contains(secret), "{error}");
        }
    }
}

#[test]
fn sources_exclude_each_other_and_http_is_private_or_refused() {
    let both = error_of(&["RS256"], "", |i| {
        i.discovery = true;
        i.public_key_file = Some("x".into());
    });
    assert_eq!(both.message, "`discovery` and `public_key_file` are mutually exclusive");
    let secrets = error_of(&["HS256"], SECRET, |i| {
        i.secret_env = Some("KEY".into());
        i.secret_file = Some("x".into());
    });
    assert_eq!(secrets.message, "`secret_env` and `secret_file` are mutually exclusive");
    let plain = error_of(&["RS256"], "", |i| {
        i.discovery = true;
        i.issuer = "http://idp.example".into();
    });
    assert_eq!(
        (plain.at.as_str(), plain.risk),
        ("identity.issuers[0].issuer", Some(verdict::identity::Risk::HttpJwks))
    );
}

fn relay() -> IssuerConfig {
    keyless(&["HS256"], |i| {
        i.issuer = "relay".to_owned();
        i.audience.clear();
        i.secret_env = Some("KEY".to_owned());
        i.prefix = Some("relay_jwt_".to_owned());
        i.claims.id = Some("agent_id".to_owned());
        i.claims.agent = Some("agent_id".to_owned());
        i.claims.tenant = Some("org_id".to_owned());
    })
}

/// What Relay signs: HS256, without `iss`, `aud` and `jti`; changed by the case.
fn relay_claims(change: Value) -> Value {
    let mut claims =
        json!({ "agent_id": "agent_1", "org_id": "acme-corp", "iat": NOW - 10, "exp": NOW + 300 });
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    claims
}

#[tokio::test]
async fn a_prefix_is_its_issuers_own() {
    let pair = pair_for("ES256");
    let idp = issuer(&["ES256"], jwks(&[pair.jwk("k1", json!({}))]));
    let authenticator = build_with_key(&config(vec![relay(), idp]), SECRET).unwrap();
    let relay = |change: Value| Pair::secret(SECRET).token("HS256", "k1", &relay_claims(change));
    let prefixed = |token: String| format!("relay_jwt_{token}");
    let verified = present(&authenticator, &prefixed(relay(json!({})))).await.unwrap();
    let principal = &verified.principal;
    assert_eq!((principal.id.as_str(), principal.issuer.as_str()), ("agent_1", "relay"));
    assert_eq!(
        (principal.agent.as_deref(), principal.tenant.as_deref()),
        (Some("agent_1"), Some("acme-corp"))
    );
    for (name, token, expected) in [
        ("without iss", prefixed(relay(json!({}))), "ok"),
        ("with its own iss", prefixed(relay(json!({ "iss": "relay" }))), "ok"),
        ("for any audience", prefixed(relay(json!({ "aud": "x" }))), "ok"),
        ("expired", prefixed(relay(json!({ "exp": NOW - 100 }))), "the token has expired"),
        (
            "with another's iss",
            prefixed(relay(json!({ "iss": ISSUER }))),
            "claim `iss` is not the issuer that the token's prefix belongs to",
        ),
        (
            "with an iss of a wrong form",
            prefixed(relay(json!({ "iss": 7 }))),
            "claim `iss` is not a text, or empty",
        ),
        ("with a null iss", prefixed(relay(json!({ "iss": null }))), "claim `iss` is not a text, or empty"),
        (
            "without its prefix",
            relay(json!({ "iss": "relay" })),
            "claim `iss` is an issuer whose tokens have a prefix",
        ),
        ("without prefix and iss", relay(json!({})), "claim `iss` is missing"),
        (
            "with another secret",
            prefixed(Pair::secret([7; 64]).token("HS256", "k1", &relay_claims(json!({})))),
            "the signature is not valid",
        ),
        ("another's token", es256_token(&claims()), "ok"),
        (
            "another's token with the prefix",
            prefixed(es256_token(&claims())),
            "claim `iss` is not the issuer that the token's prefix belongs to",
        ),
        (
            "another's key without iss",
            prefixed(es256_token(&relay_claims(json!({})))),
            "the token's algorithm is not accepted",
        ),
        (
            "the secret in another's name",
            relay(json!({ "iss": ISSUER })),
            "the token's algorithm is not accepted",
        ),
        ("the prefix alone", prefixed(String::new()), "malformed token: it does not have three parts"),
        ("the prefix twice", prefixed(prefixed(relay(json!({})))), "malformed token: its header is not"),
        (
            "another case",
            relay(json!({})).replacen("", "RELAY_JWT_", 1),
            "malformed token: its header is not",
        ),
    ] {
        for turn in ["first", "again"] {
            let got = outcome(&authenticator, &token).await;
            assert!(
                got.starts_with(expected) && (got == "ok") == (expected == "ok"),
                "{name} ({turn}): {got}"
            );
        }
    }
}

#[test]
fn prefixes_are_apart() {
    let two = |first: &str, second: &str| {
        let (mut one, mut two) = (relay(), relay());
        (one.prefix, two.prefix) = (Some(first.to_owned()), Some(second.to_owned()));
        two.issuer = "two".to_owned();
        build_with_key(&config(vec![one, two]), SECRET)
            .err()
            .map(|error| format!("{}: {}", error.at, error.message))
    };
    let form = "identity.issuers[1].prefix: must have 1 to 64 letters, digits, `_` or `-`";
    let begins = |second: &str| {
        format!(
            "identity.issuers[1].prefix: one of `{second}` and the prefix of identity.issuers[0] begins with the other"
        )
    };
    for (first, second, expected) in [
        ("relay_jwt_", "other_jwt_", None),
        ("relay_jwt_", "relay_sk_", None),
        ("relay_jwt_", "", Some(form.to_owned())),
        ("relay_jwt_", "a.b", Some(form.to_owned())),
        ("relay_jwt_", "a b", Some(form.to_owned())),
        ("relay_jwt_", &"x".repeat(65), Some(form.to_owned())),
        (
            "relay_jwt_",
            "eyJ",
            Some("identity.issuers[1].prefix: begins with `ey`, as tokens without a prefix do".to_owned()),
        ),
        ("relay_jwt_", "relay_jwt_", Some(begins("relay_jwt_"))),
        ("relay_jwt_", "relay_", Some(begins("relay_"))),
        ("relay_", "relay_jwt_", Some(begins("relay_jwt_"))),
    ] {
        assert_eq!(two(first, second), expected);
    }
    // Without a secret, or without a prefix, the audience is required.
    for change in [(|i: &mut IssuerConfig| i.prefix = None) as fn(&mut IssuerConfig), |i| {
        (i.secret_env, i.public_key) = (None, Some(pair_for("ES256").pem()));
        i.algorithms = vec!["ES256".to_owned()];
    }] {
        let mut one = relay();
        change(&mut one);
        let error = build_with_key(&config(vec![one]), SECRET).unwrap_err();
        assert_eq!(error.risk, Some(verdict::identity::Risk::NoAudience), "{error}");
    }
}

#[tokio::test]
async fn nothing_that_is_printed_shows_a_secret() {
    let authenticator = build_with_key(&config(vec![relay()]), SECRET).unwrap();
    let mut setup = Setup::new(Path::new("."), clock(), client());
    setup.variables = std::collections::BTreeMap::from([("KEY".to_owned(), SECRET.to_owned())]).into();
    let shown =
        format!("{authenticator:?} {:?} {setup:?} {:?}", authenticator.status(), config(vec![relay()]));
    assert!(shown.contains("environment variable KEY") && !shown.contains(&SECRET[..8]), "{shown}");
}
