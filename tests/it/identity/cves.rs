//! What other verifiers once accepted, each by the number of its report: refused here, and nothing else is.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use verdict::identity::Authenticator;
use verdict_jose::Algorithm;

use super::support::*;

/// An issuer that signs by RS256 and ES256, its keys in a JWKS.
fn honest() -> Authenticator {
    let keys = jwks(&[pair_for("RS256").jwk("rsa", json!({})), pair_for("ES256").jwk("k1", json!({}))]);
    build(&config(vec![issuer(&["RS256", "ES256"], keys)]), &clock()).unwrap()
}

fn with(name: &str, value: Value) -> Value {
    let mut payload = claims();
    payload[name] = value;
    payload
}

/// Signed as it should be, so that only what is tried is wrong with it.
fn signed(header: Value, payload: &Value) -> String {
    pair_for("ES256").sign(Algorithm::Es256, &header.to_string(), &payload.to_string())
}

fn by_thief(thief: &Pair, header: Value) -> String {
    thief.sign(Algorithm::Es256, &header.to_string(), &claims().to_string())
}

/// A JWE (RFC 7516) with this header; whoever read on would decrypt, derive or decompress.
fn encrypted(header: Value) -> String {
    let part = b64([0x41; 600]);
    format!("{}.{part}.{part}.{part}.{}", b64(header.to_string()), b64([0; 16]))
}

#[tokio::test]
async fn what_others_accepted_is_refused() {
    let authenticator = honest();
    let good = es256_token(&claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let thief = Pair::new(Algorithm::Es256);
    let named = json!({ "alg": "ES256", "kid": "k1" });
    let algorithm = "the token's algorithm is not accepted";
    let encrypted_is_refused = "encrypted tokens are not accepted";
    let none = |alg: &str| format!("{}.{payload}.", b64(json!({ "alg": alg, "kid": "k1" }).to_string()));
    let crit = |name: &str| {
        let mut header = named.clone();
        header["crit"] = json!([name]);
        header[name] = json!(false);
        signed(header, &claims())
    };
    let p2c =
        |alg: &str| json!({ "alg": alg, "enc": "A128GCM", "p2c": 2_000_000_000_u32, "p2s": b64([1; 16]) });
    let kid_of_thief = json!({ "alg": "ES256", "kid": "k1", "jwk": thief.jwk("k1", json!({})) });
    let jku = json!({ "alg": "ES256", "kid": "thief", "jku": "https://thief.example/jwks", "x5u": "https://thief.example/x" });
    let x5c = json!({ "alg": "ES256", "kid": "k1", "x5c": [BASE64_STANDARD.encode(&thief.spki)] });
    let no_text = "claim `aud` is not a text or a list of texts";
    for (report, token, expected) in [
        ("CVE-2015-2951: none", none("none"), algorithm),
        ("CVE-2015-2951: None", none("None"), algorithm),
        ("CVE-2015-2951: nOnE", none("nOnE"), algorithm),
        ("CVE-2015-2951: no name at all", none(""), algorithm),
        ("CVE-2015-2951: none with a signature", format!("{}{signature}", none("none")), algorithm),
        ("CVE-2018-0114: a key of its own", by_thief(&thief, kid_of_thief), "the signature is not valid"),
        ("CVE-2018-0114: a url of its own", by_thief(&thief, jku), "unknown key"),
        ("CVE-2018-0114: a certificate of its own", by_thief(&thief, x5c), "the signature is not valid"),
        (
            "CVE-2020-26160: no audience",
            signed(named.clone(), &with("aud", json!([]))),
            "the audience does not match",
        ),
        (
            "CVE-2020-26160: an empty one",
            signed(named.clone(), &with("aud", json!(""))),
            "the audience does not match",
        ),
        (
            "CVE-2020-26160: one that is no text",
            signed(named.clone(), &with("aud", json!([[AUDIENCE]]))),
            no_text,
        ),
        ("CVE-2022-21449: r = s = 0", format!("{message}.{}", b64([0; 64])), "the signature is not valid"),
        (
            "CVE-2022-21449: in DER",
            format!("{message}.{}", b64([0x30, 6, 2, 1, 0, 2, 1, 0])),
            "the signature is not valid",
        ),
        (
            "CVE-2024-53861: a part of the issuer",
            signed(named.clone(), &with("iss", json!("https://idp"))),
            "unknown issuer",
        ),
        (
            "CVE-2024-53861: more than the issuer",
            signed(named.clone(), &with("iss", json!("https://idp.example.evil"))),
            "unknown issuer",
        ),
        (
            "CVE-2024-53861: a list",
            signed(named.clone(), &with("iss", json!([ISSUER]))),
            "claim `iss` is not a text, or empty",
        ),
        (
            "CVE-2024-28180: a compressed JWE",
            encrypted(json!({ "alg": "dir", "enc": "A128GCM", "zip": "DEF" })),
            encrypted_is_refused,
        ),
        ("CVE-2023-50658: p2c", encrypted(p2c("PBES2-HS256+A128KW")), encrypted_is_refused),
        ("CVE-2023-50967: p2c", encrypted(p2c("PBES2-HS384+A192KW")), encrypted_is_refused),
        (
            "CVE-2024-29371: p2c and zip",
            encrypted(
                json!({ "alg": "PBES2-HS512+A256KW", "enc": "A128GCM", "p2c": u32::MAX, "zip": "DEF" }),
            ),
            encrypted_is_refused,
        ),
        ("CVE-2023-50658: p2c in three parts", signed(p2c("PBES2-HS256+A128KW"), &claims()), algorithm),
        ("CVE-2025-27144: dots", ".".repeat(8192), "malformed token: it does not have three parts"),
        ("CVE-2025-27144: more dots", ".".repeat(1 << 16), "the token is longer than 8 KiB"),
        ("CVE-2025-59420: crit", crit("bork"), "the token's header has `crit`, which is not supported"),
        (
            "CVE-2025-59420: crit with b64",
            crit("b64"),
            "the token's header has `crit`, which is not supported",
        ),
        (
            "CVE-2026-32597: an empty crit",
            signed(json!({ "alg": "ES256", "kid": "k1", "crit": [] }), &claims()),
            "the token's header has `crit`, which is not supported",
        ),
        (
            "CVE-2026-32597: a crit that is no list",
            signed(json!({ "alg": "ES256", "kid": "k1", "crit": null }), &claims()),
            "the token's header has `crit`, which is not supported",
        ),
        (
            "CVE-2026-25537: exp as a text",
            signed(named.clone(), &with("exp", json!((NOW + 300).to_string()))),
            "claim `exp` is not a number",
        ),
        (
            "CVE-2026-25537: exp as a list",
            signed(named.clone(), &with("exp", json!([NOW + 300]))),
            "claim `exp` is not a number",
        ),
        (
            "CVE-2026-25537: nbf as a text",
            signed(named.clone(), &with("nbf", json!((NOW + 9999).to_string()))),
            "claim `nbf` is not a number",
        ),
        (
            "CVE-2026-25537: nbf as null",
            signed(named.clone(), &with("nbf", Value::Null)),
            "claim `nbf` is not a number",
        ),
        (
            "GHSA-rp9m-7r4c-75qg: a cached signature with another payload",
            format!("{header}.{}.{signature}", b64(with("sub", json!("root")).to_string())),
            "the signature is not valid",
        ),
        (
            "GHSA-rp9m-7r4c-75qg: a cached payload with another header",
            format!("{}.{payload}.{signature}", b64(json!({ "alg": "ES256", "kid": "rsa" }).to_string())),
            "the key is not for the token's algorithm",
        ),
    ] {
        // What is cached meanwhile must not help.
        assert_eq!(outcome(&authenticator, &good).await, "ok");
        assert_eq!(outcome(&authenticator, &token).await, expected, "{report}");
    }
}

/// Every text that a confused verifier might take for the secret: CVE-2016-10555 and CVE-2016-5431 (PEM), CVE-2017-11424 (PEM
/// and X.509 variants), CVE-2022-29217 (SSH), CVE-2026-34950 (PEM after white space).
fn mistaken_for_secrets(pair: &Pair) -> Vec<(&'static str, Vec<u8>)> {
    let pem = pair.pem();
    let body = BASE64_STANDARD.encode(&pair.spki);
    let jwk = pair.jwk("rsa", json!({}));
    vec![
        ("CVE-2016-10555: PEM", pem.clone().into_bytes()),
        ("CVE-2016-10555: PEM without its last line break", pem.trim_end().as_bytes().to_vec()),
        ("CVE-2016-5431: DER", pair.spki.clone()),
        ("CVE-2016-5431: base64", body.clone().into_bytes()),
        ("CVE-2016-5431: JWK", jwk.to_string().into_bytes()),
        ("CVE-2016-5431: modulus", jwk["n"].as_str().unwrap().as_bytes().to_vec()),
        ("CVE-2017-11424: PKCS #1", pem.replace("PUBLIC", "RSA PUBLIC").into_bytes()),
        ("CVE-2017-11424: a certificate", pem.replace("PUBLIC KEY", "CERTIFICATE").into_bytes()),
        ("CVE-2022-29217: SSH", format!("ssh-rsa {body}").into_bytes()),
        ("CVE-2022-29217: SSH of ECDSA", format!("ecdsa-sha2-nistp256 {body}").into_bytes()),
        ("CVE-2026-34950: white space before PEM", format!(" \n\t{pem}").into_bytes()),
        ("CVE-2026-34950: a byte order mark before PEM", format!("\u{feff}{pem}").into_bytes()),
        ("nothing", Vec::new()),
    ]
}

#[tokio::test]
async fn no_form_of_a_public_key_is_a_secret() {
    let rsa = pair_for("RS256");
    let mut spaced = issuer(&["RS256"], String::new());
    (spaced.jwks, spaced.public_key) = (None, Some(format!(" \n\t{}", rsa.pem())));
    let spaced = build(&config(vec![spaced]), &clock()).unwrap();
    assert_eq!(outcome(&spaced, &rsa.token("RS256", "rsa", &claims())).await, "ok");
    for authenticator in [honest(), spaced] {
        for (report, secret) in mistaken_for_secrets(rsa) {
            for (name, algorithm) in SYMMETRIC {
                let forger = Pair::secret(&secret);
                let token = forger.token(name, "rsa", &claims());
                assert_eq!(
                    outcome(&authenticator, &token).await,
                    "the token's algorithm is not accepted",
                    "{report}, {name}"
                );
                // The same under an honest name.
                let header = json!({ "alg": "RS256", "kid": "rsa" }).to_string();
                let token = forger.sign(algorithm, &header, &claims().to_string());
                assert_eq!(
                    outcome(&authenticator, &token).await,
                    "the signature is not valid",
                    "{report}, {name}"
                );
            }
        }
    }
    for (report, secret) in mistaken_for_secrets(rsa) {
        let Ok(secret) = String::from_utf8(secret) else { continue };
        let mut shared = issuer(&["HS256"], String::new());
        (shared.jwks, shared.secret_env) = (None, Some("KEY".to_owned()));
        // A modulus alone is letters like any other secret; the rest is known for what it is.
        let outcome = build_with_key(&config(vec![shared]), &secret);
        assert_eq!(outcome.is_ok(), report.ends_with("modulus"), "{report}");
    }
}
