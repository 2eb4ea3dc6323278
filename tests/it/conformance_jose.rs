//! Wycheproof's JOSE vectors against the key reader and the signature check.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use verdict::identity::Refusal;
use verdict::identity::jwt::jwks::KeySet;
use verdict::identity::jwt::jws::Jws;
use verdict_jose::Algorithm;

use crate::harness::conformance;

/// Vectors that are called valid and are refused all the same, each with its reason; nothing else may be.
const REFUSED_ON_PURPOSE: [(&str, &[u64], &str); 4] = [
    (
        "json_web_signature",
        &[346, 350],
        "the vector's own jwk pins `PS256`, its token says `PS384`: a key's `alg` is respected",
    ),
    ("json_web_signature", &[372, 373], "`?` is no letter of base64url (RFC 7515 section 2)"),
    ("json_web_crypto", &[48], "a set of several secrets: an issuer shares one"),
    ("*", &[], "JWE, told by its form"),
];

/// Called invalid, and the same letters as the vector beside it, which is called valid.
const DEFECTIVE: [(&str, u64, u64); 1] = [("json_web_signature", 370, 357)];

/// What a relying party would be given: the public half where there is one, or the one secret.
fn key_set(group: &Value) -> Result<KeySet, String> {
    let key = group.get("public").filter(|key| !key.is_null()).unwrap_or(&group["private"]);
    let mut document = if key.get("keys").is_some() { key.clone() } else { json!({ "keys": [key] }) };
    let keys = document["keys"].as_array_mut().unwrap();
    for key in keys.iter_mut().filter(|key| key["alg"] == "ES521") {
        // The vectors' slip: there is no such algorithm, and their tokens say `ES512`.
        key["alg"] = "ES512".into();
    }
    match keys.as_slice() {
        // It would be configured by `secret_env`, with its algorithm.
        [secret] if secret["kty"] == "oct" && secret["use"] == "sig" => {
            let algorithm = Algorithm::by_name(secret["alg"].as_str().unwrap()).ok_or("unknown algorithm")?;
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(secret["k"].as_str().unwrap()).unwrap();
            KeySet::from_secret(&bytes, &[algorithm])
        }
        _ => KeySet::parse(document.to_string().as_bytes()),
    }
}

fn accepts(group: &Value, token: &str) -> Result<(), Refusal> {
    let jws = Jws::parse(token)?;
    key_set(group).map_err(|_| Refusal::UnknownKey)?.verify(&jws).map(drop)
}

fn token_of(test: &Value) -> String {
    let compact = test.get("jws").or(test.get("jwe")).unwrap();
    compact.as_str().map_or_else(|| compact.to_string(), str::to_owned)
}

#[test]
fn wycheproof() {
    let Some(folder) = conformance("jose") else { return };
    let (mut invalid, mut false_accepts) = (0, Vec::new());
    let (mut supported, mut accepted, mut false_refusals) = (0, 0, Vec::new());
    for file in ["json_web_signature", "json_web_key", "json_web_crypto", "json_web_encryption"] {
        let text = std::fs::read_to_string(folder.join(format!("{file}.json"))).unwrap();
        let vectors: Value = serde_json::from_str(&text).unwrap();
        for group in vectors["testGroups"].as_array().unwrap() {
            for test in group["tests"].as_array().unwrap() {
                let id = test["tcId"].as_u64().unwrap();
                let token = token_of(test);
                if let Some((_, _, twin)) = DEFECTIVE.iter().find(|(of, n, _)| (*of, *n) == (file, id)) {
                    let tests = group["tests"].as_array().unwrap();
                    let twin = tests.iter().find(|test| test["tcId"] == *twin).unwrap();
                    assert_eq!((token_of(twin), &twin["result"]), (token, &json!("valid")));
                    continue;
                }
                let outcome = accepts(group, &token);
                let is_jwe = test.get("jwe").is_some();
                if test["result"] != "valid" || is_jwe {
                    invalid += 1;
                    if outcome.is_ok() {
                        false_accepts.push((file, id));
                    }
                    continue;
                }
                let on_purpose =
                    REFUSED_ON_PURPOSE.iter().any(|(of, ids, _)| *of == file && ids.contains(&id));
                match (on_purpose, outcome) {
                    (true, Ok(())) => false_accepts.push((file, id)),
                    (true, Err(_)) => {}
                    (false, Ok(())) => (supported, accepted) = (supported + 1, accepted + 1),
                    (false, Err(refusal)) => {
                        supported += 1;
                        false_refusals.push((file, id, refusal));
                    }
                }
            }
        }
    }
    println!(
        "jose: invalid accepted {} of {invalid}, valid accepted {accepted} of {supported}",
        false_accepts.len()
    );
    assert!(false_accepts.is_empty(), "accepted: {false_accepts:?}");
    assert!(false_refusals.is_empty(), "refused: {false_refusals:?}");
    assert!(supported >= 30 && invalid >= 200, "the vectors are not all there");
}
