//! What forgers do: the wrong algorithm, the wrong key, the wrong issuer, a token changed by one character.

use std::sync::LazyLock;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::{Value, json};
use verdict::identity::Authenticator;
use verdict::model::failure::FailureKind;
use verdict::model::presented::Presented;
use verdict::model::principal::{AuthContext, IdentityMode};
use verdict_jose::Algorithm;

use super::support::*;

#[tokio::test]
async fn every_algorithm_is_accepted_from_the_issuer_that_has_it_and_from_no_other() {
    // Every issuer has all keys under the same names, so only its pinned algorithm tells them apart.
    let pairs = PAIRS.values().filter(|pair| !pair.public.is_null());
    let keys: Vec<Value> = pairs.map(|pair| pair.jwk("same", json!({}))).collect();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), [7; 64]).unwrap();
    let issuers = ALGORITHMS.iter().chain(&SYMMETRIC).map(|(name, algorithm)| {
        let mut one = issuer(&[name], jwks(&keys));
        one.issuer = format!("https://{name}.example");
        if algorithm.is_shared() {
            (one.jwks, one.secret_file) = (None, Some(folder.path().join("secret")));
        }
        one
    });
    let authenticator = build(&config(issuers.collect()), &clock()).unwrap();
    for (issuer_name, _) in ALGORITHMS.iter().chain(&SYMMETRIC) {
        for (token_name, _) in ALGORITHMS.iter().chain(&SYMMETRIC) {
            let mut payload = claims();
            payload["iss"] = format!("https://{issuer_name}.example").into();
            let token = pair_for(token_name).token(token_name, "same", &payload);
            let expected =
                if issuer_name == token_name { "ok" } else { "the token's algorithm is not accepted" };
            assert_eq!(outcome(&authenticator, &token).await, expected, "{token_name} at {issuer_name}");
        }
    }
}

#[tokio::test]
async fn the_same_kid_at_two_issuers_is_two_keys() {
    let (mine, theirs) = (Pair::new(Algorithm::Es256), Pair::new(Algorithm::Es256));
    let one = issuer(&["ES256"], jwks(&[mine.jwk("k1", json!({}))]));
    let mut two = issuer(&["ES256"], jwks(&[theirs.jwk("k1", json!({}))]));
    two.issuer = "https://two.example".to_owned();
    let authenticator = build(&config(vec![one, two]), &clock()).unwrap();
    let mut for_two = claims();
    for_two["iss"] = "https://two.example".into();
    for (signer, payload, expected) in [
        (&mine, &claims(), "ok"),
        (&theirs, &for_two, "ok"),
        (&theirs, &claims(), "the signature is not valid"),
        (&mine, &for_two, "the signature is not valid"),
    ] {
        let token = signer.token("ES256", "k1", payload);
        assert_eq!(outcome(&authenticator, &token).await, expected);
    }
}

/// CVE-2015-9235 and its kin: the public key, in every form that a confused verifier might use, as an HMAC secret.
#[tokio::test]
async fn a_public_key_is_no_hmac_secret() {
    let rsa = pair_for("RS256");
    let jwk = rsa.jwk("k1", json!({}));
    let authenticator =
        build(&config(vec![issuer(&["RS256"], jwks(std::slice::from_ref(&jwk)))]), &clock()).unwrap();
    for secret in [jwk.to_string(), jwk["n"].as_str().unwrap().to_owned(), String::new()] {
        for (name, algorithm) in SYMMETRIC {
            let hmac = Pair::secret(&secret);
            let header = json!({ "alg": name, "kid": "k1" }).to_string();
            let token = hmac.sign(algorithm, &header, &claims().to_string());
            assert_eq!(outcome(&authenticator, &token).await, "the token's algorithm is not accepted");
            // The same signature under the honest name.
            let header = json!({ "alg": "RS256", "kid": "k1" }).to_string();
            let token = hmac.sign(algorithm, &header, &claims().to_string());
            assert_eq!(outcome(&authenticator, &token).await, "the signature is not valid");
        }
    }
}

#[tokio::test]
async fn forged_shapes_are_refused() {
    let (authenticator, _) = es256();
    let good = es256_token(&claims());
    assert_eq!(outcome(&authenticator, &good).await, "ok");
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let thief = Pair::new(Algorithm::Es256);
    let embedded = json!({ "alg": "ES256", "jwk": thief.jwk("k9", json!({})), "kid": "k9" }).to_string();
    let unsecured = b64(r#"{"alg":"none"}"#);
    let three = "malformed token: it does not have three parts";
    for (name, token, expected) in [
        (
            "psychic signature, CVE-2022-21449",
            format!("{message}.{}", b64([0; 64])),
            "the signature is not valid",
        ),
        ("no signature", format!("{message}."), "the signature is not valid"),
        (
            "a DER signature",
            format!("{message}.{}", b64([0x30, 6, 2, 1, 1, 2, 1, 1])),
            "the signature is not valid",
        ),
        ("alg none", format!("{unsecured}.{payload}."), "the token's algorithm is not accepted"),
        (
            "its own key, CVE-2018-0114",
            thief.sign(Algorithm::Es256, &embedded, &claims().to_string()),
            "unknown key",
        ),
        ("two parts", message.to_owned(), three),
        ("four parts", format!("{good}.{signature}"), three),
        ("five parts, a JWE", format!("{good}.a.b"), "encrypted tokens are not accepted"),
        ("thousands of dots, CVE-2025-27144", ".".repeat(8000), three),
        ("a padded signature", format!("{good}=="), "the signature is not valid"),
        (
            "a padded header",
            format!("{header}=.{payload}.{signature}"),
            "malformed token: its header is not base64url",
        ),
        (
            "a payload with a tab",
            format!("{header}.{payload}\t.{signature}"),
            "the bearer token is empty or has characters that no token has",
        ),
        ("over 8 KiB", format!("{good}{}", "A".repeat(8192)), "the token is longer than 8 KiB"),
        ("nothing", String::new(), "the bearer token is empty or has characters that no token has"),
    ] {
        assert_eq!(outcome(&authenticator, &token).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_key_does_only_what_its_jwk_says() {
    let (rsa, ec) = (pair_for("RS256"), pair_for("ES256"));
    let oct = |alg: &str| json!({ "kty": "oct", "kid": "k1", "alg": alg, "k": b64([7; 32]) });
    for (jwk, name, expected) in [
        (ec.jwk("k1", json!({ "use": "sig", "key_ops": ["verify"], "alg": "ES256" })), "ES256", "ok"),
        (ec.jwk("k1", json!({ "x5c": ["AAAA"], "future": {} })), "ES256", "ok"),
        (ec.jwk("k1", json!({ "use": "enc" })), "ES256", "unknown key"),
        (ec.jwk("k1", json!({ "use": 1 })), "ES256", "unknown key"),
        (ec.jwk("k1", json!({ "key_ops": ["sign"] })), "ES256", "unknown key"),
        (ec.jwk("k1", json!({ "key_ops": "verify" })), "ES256", "unknown key"),
        (ec.jwk("k1", json!({ "alg": "ES384" })), "ES256", "unknown key"),
        (ec.jwk("k1", json!({ "alg": "ECDH-ES" })), "ES256", "unknown key"),
        (ec.jwk("k1", json!({ "crv": "P-384" })), "ES256", "unknown key"),
        (ec.jwk("k1", json!({ "x": ec.public["y"] })), "ES256", "unknown key"),
        (ec.jwk("k1", json!({ "kty": "RSA" })), "ES256", "unknown key"),
        (rsa.jwk("k1", json!({})), "PS256", "ok"),
        (rsa.jwk("k1", json!({ "alg": "RS256" })), "RS256", "ok"),
        (rsa.jwk("k1", json!({ "alg": "RS256" })), "PS256", "the key is not for the token's algorithm"),
        (rsa.jwk("k1", json!({ "e": "AQ" })), "RS256", "unknown key"),
        (rsa.jwk("k1", json!({ "n": b64([0xff; 128]) })), "RS256", "unknown key"),
        (oct("HS256"), "RS256", "unknown key"),
        (oct("RS256"), "RS256", "unknown key"),
    ] {
        let name_of_all = ALGORITHMS.map(|(known, _)| known);
        // A second, honest key, so that the set is not refused as a whole.
        let keys = jwks(&[jwk.clone(), pair_for("EdDSA").jwk("other", json!({}))]);
        let authenticator = build(&config(vec![issuer(&name_of_all, keys)]), &clock()).unwrap();
        let token = pair_for(name).token(name, "k1", &claims());
        assert_eq!(outcome(&authenticator, &token).await, expected, "{name} with {jwk}");
    }
}

#[tokio::test]
async fn a_token_without_kid_is_tried_with_the_few_keys_that_fit() {
    let strangers: Vec<Value> =
        (0..3).map(|n| Pair::new(Algorithm::Es256).jwk(&format!("s{n}"), json!({}))).collect();
    let mine = pair_for("ES256").jwk("mine", json!({}));
    let token = pair_for("ES256").sign(Algorithm::Es256, r#"{"alg":"ES256"}"#, &claims().to_string());
    let mut keys = strangers.clone();
    keys.push(pair_for("RS256").jwk("rsa", json!({})));
    keys.push(mine);
    let authenticator = build(&config(vec![issuer(&["ES256"], jwks(&keys))]), &clock()).unwrap();
    assert_eq!(outcome(&authenticator, &token).await, "ok");
    let authenticator = build(&config(vec![issuer(&["ES256"], jwks(&strangers))]), &clock()).unwrap();
    assert_eq!(outcome(&authenticator, &token).await, "unknown key");
}

#[tokio::test]
async fn what_was_presented_and_is_bad_is_never_anonymous() {
    use IdentityMode::{Off, Optional, Required};
    let (authenticator, _) = es256();
    let (good, bad) = (bearer(&es256_token(&claims())), bearer("a.b.c"));
    let (absent, mut malformed) = (HeaderMap::new(), bearer("a.b.c"));
    malformed.append(AUTHORIZATION, HeaderValue::from_static("Bearer a.b.c"));
    for (mode, headers, expected) in [
        (Off, &absent, Ok("unchecked")),
        (Off, &malformed, Ok("unchecked")),
        (Off, &bad, Ok("unchecked")),
        (Off, &good, Ok("unchecked")),
        (Optional, &absent, Ok("anonymous")),
        (Optional, &malformed, Err(FailureKind::CredentialInvalid)),
        (Optional, &bad, Err(FailureKind::CredentialInvalid)),
        (Optional, &good, Ok("verified")),
        (Required, &absent, Err(FailureKind::CredentialMissing)),
        (Required, &malformed, Err(FailureKind::CredentialInvalid)),
        (Required, &bad, Err(FailureKind::CredentialInvalid)),
        (Required, &good, Ok("verified")),
    ] {
        let got = match authenticator.authenticate(mode, &Presented::from(headers)).await {
            Ok(AuthContext::Unchecked) => Ok("unchecked"),
            Ok(AuthContext::Anonymous) => Ok("anonymous"),
            Ok(AuthContext::Verified(_)) => Ok("verified"),
            Err(failure) => Err(failure.kind),
        };
        assert_eq!(got, expected, "{mode:?} {headers:?}");
    }
}

#[tokio::test]
async fn nothing_that_is_printed_shows_a_token() {
    let (authenticator, _) = es256();
    let mut payload = claims();
    payload["canary"] = "CANARY-7f3a".into();
    let good = es256_token(&payload);
    present(&authenticator, &good).await.unwrap();
    let shown =
        format!("{authenticator:?} {:?} {:?}", authenticator.status(), Presented::from(&bearer(&good)));
    assert!(!shown.contains("CANARY") && good.split('.').all(|part| !shown.contains(part)), "{shown}");
    for (name, value) in [
        ("iss", json!("CANARY")),
        ("aud", json!("CANARY")),
        ("exp", json!("CANARY")),
        ("roles", json!({ "CANARY": 1 })),
    ] {
        let mut payload = claims();
        payload[name] = value;
        let text = outcome(&authenticator, &es256_token(&payload)).await;
        assert!(text != "ok" && !text.contains("CANARY"), "{text}");
    }
}

/// One for all mutants: setting up a client reads the root certificates each time.
static SHARED: LazyLock<(Authenticator, String)> = LazyLock::new(|| (es256().0, es256_token(&claims())));

fn judged(token: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(outcome(&SHARED.0, token))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn no_mutation_of_a_valid_token_verifies(
        at in any::<prop::sample::Index>(),
        change in 0..4u8,
        letter in proptest::char::ranges(vec!['a'..='z', 'A'..='Z', '0'..='9', '-'..='.', '_'..='_', '='..='='].into()),
    ) {
        let good = &SHARED.1;
        let mut letters: Vec<char> = good.chars().collect();
        let at = at.index(letters.len());
        match change {
            0 => letters[at] = letter,
            1 => letters.insert(at, letter),
            2 => { letters.remove(at); }
            _ => letters.truncate(at),
        }
        let mutant: String = letters.into_iter().collect();
        prop_assume!(mutant != *good);
        prop_assert_ne!(judged(&mutant), "ok");
    }

    #[test]
    fn no_text_at_all_panics(text in "\\PC{0,60}(\\.\\PC{0,60}){0,4}") {
        prop_assert_ne!(judged(&text), "ok");
    }
}
