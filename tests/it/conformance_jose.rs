//! Wycheproof's JOSE vectors against the key reader and the signature check.

use crate::harness::conformance;
use serde_json::{Value, json};
use verdict::identity::Refusal;
use verdict::identity::jwt::jwks::KeySet;
use verdict::identity::jwt::jws::Jws;

/// Vectors that are called valid and are refused all the same, each with its reason; nothing else may be.
const REFUSED_ON_PURPOSE: [(&str, &[u64], &str); 4] = [
    (
        "json_web_signature",
        &[346, 350],
        "the vector's own jwk pins `PS256`, its token says `PS384`: a key's `alg` is respected",
    ),
    ("json_web_signature", &[347, 351], "`ES512` (P-521) is not supported"),
    (
        "json_web_signature",
        &[1, 352, 357, 358, 359, 370, 372, 373, 377],
        "HMAC: symmetric keys are refused by design",
    ),
    ("*", &[], "HMAC and JWE in the other files, told by their key type and their form"),
];

/// What a relying party would be given: the public half where there is one.
fn key_set(group: &Value) -> Result<KeySet, String> {
    let key = group.get("public").filter(|key| !key.is_null()).unwrap_or(&group["private"]);
    let document = if key.get("keys").is_some() { key.clone() } else { json!({ "keys": [key] }) };
    KeySet::parse(document.to_string().as_bytes())
}

fn is_symmetric(group: &Value) -> bool {
    let private = &group["private"];
    let keys = private["keys"].as_array().cloned().unwrap_or_else(|| vec![private.clone()]);
    keys.iter().all(|key| key["kty"] == "oct")
}

fn accepts(group: &Value, token: &str) -> Result<(), Refusal> {
    let jws = Jws::parse(token)?;
    key_set(group).map_err(|_| Refusal::UnknownKey)?.verify(&jws).map(drop)
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
                let compact = test.get("jws").or(test.get("jwe")).unwrap();
                let token = compact.as_str().map_or_else(|| compact.to_string(), str::to_owned);
                let outcome = accepts(group, &token);
                let is_jwe = test.get("jwe").is_some();
                if test["result"] != "valid" || is_jwe {
                    invalid += 1;
                    if outcome.is_ok() {
                        false_accepts.push((file, id));
                    }
                    continue;
                }
                let on_purpose = is_symmetric(group)
                    || REFUSED_ON_PURPOSE.iter().any(|(of, ids, _)| *of == file && ids.contains(&id));
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
    assert!(supported >= 20 && invalid >= 200, "the vectors are not all there");
}
