//! Signed bundles, against vectors that other programs made.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};

use super::bound::Bound;
use super::hash::Algorithm as Hash;
use super::keys::{Algorithm, SigningKey};
use super::token::{FILE, sign};
use super::*;
use crate::model::secret::Secret;

static VECTORS: LazyLock<Json> =
    LazyLock::new(|| serde_json::from_str(include_str!("vectors.json")).unwrap());

type Files = BTreeMap<String, Vec<u8>>;

fn files() -> Files {
    let files = VECTORS["files"].as_object().unwrap();
    files.iter().map(|(name, text)| (name.clone(), text.as_str().unwrap().as_bytes().to_vec())).collect()
}

/// The PEM texts or the secret that this algorithm goes with.
fn keys(algorithm: Algorithm, kind: &str) -> Vec<&'static str> {
    let keys = &VECTORS["keys"];
    let family = algorithm.name();
    let family = if keys[family].is_null() { &family[..2] } else { family };
    keys[family][kind].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect()
}

fn key(algorithm: Algorithm, text: &str) -> KeyConfig {
    let key = Some(KeyText(Secret::new(text.to_owned())));
    KeyConfig { algorithm: algorithm.name().to_owned(), key, file: None }
}

fn config(algorithm: Algorithm, text: &str) -> Config {
    let keys = BTreeMap::from([("main".to_owned(), key(algorithm, text))]);
    Config { keys, key_id: Some("main".to_owned()), scope: "write".to_owned(), ..Config::default() }
}

fn check(config: &Config, files: &Files) -> Result<Signed, String> {
    let verification = Verification::from_config(Some(config)).unwrap();
    verification.check(files).map_err(|error| {
        assert_eq!(error.kind, ErrorKind::Signature);
        error.to_string()
    })
}

fn with_token(mut files: Files, token: &str) -> Files {
    files.insert(FILE.to_owned(), json!({"signatures": [token]}).to_string().into_bytes());
    files
}

fn vector(algorithm: Algorithm) -> Files {
    with_token(files(), VECTORS["tokens"][algorithm.name()].as_str().unwrap())
}

/// A token over this header and payload by the vectors' secret.
fn hs256(header: &Json, payload: &Json) -> String {
    let encode = |json: &Json| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let message = format!("{}.{}", encode(header), encode(payload));
    let key = SigningKey::new(Algorithm::Hs256, keys(Algorithm::Hs256, "private")[0].as_bytes()).unwrap();
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()).unwrap()))
}

fn by() -> Result<Signed, String> {
    Ok(Signed::By("main".to_owned(), Bound::default()))
}

#[test]
fn digests_are_those_that_others_compute() {
    for (name, expected) in VECTORS["digests"].as_object().unwrap() {
        let algorithm = Hash::by_name(name).unwrap();
        for (file, bytes) in files() {
            let digest = algorithm.of_file(&file, &bytes).unwrap();
            assert_eq!(hash::hex(&digest), expected[&file].as_str().unwrap(), "{name} {file}");
        }
    }
    assert_eq!(VECTORS["digests"].as_object().unwrap().len(), 8);
    assert_eq!(Hash::by_name("sha-256"), None);
    assert_eq!(Hash::by_name("SHA256"), None);
}

#[test]
fn signatures_of_others_are_right_with_their_keys_and_wrong_with_all_others() {
    let mut verified = 0;
    for signed in Algorithm::ALL {
        for trusted in Algorithm::ALL {
            for public in keys(trusted, "public") {
                let result = check(&config(trusted, public), &vector(signed));
                if signed == trusted {
                    assert_eq!(result, by(), "{}", signed.name());
                    verified += 1;
                } else {
                    let error = result.unwrap_err();
                    let expected = format!(
                        "the signature's algorithm is `{}`, but key `main` is for {}",
                        signed.name(),
                        trusted.name()
                    );
                    assert!(error.contains(&expected), "{error}");
                }
            }
        }
    }
    // RSA keys come in three forms.
    assert_eq!(verified, 12 + 3 * 2);
}

#[test]
fn what_is_signed_here_is_verified_here() {
    for algorithm in Algorithm::ALL {
        let family = if algorithm.name().starts_with("PS") { Algorithm::Rs256 } else { algorithm };
        for private in keys(family, "private") {
            let signing = SigningKey::new(algorithm, private.as_bytes()).unwrap();
            let mut signed = files();
            let claims = json!({"scope": "write", "iss": "me"});
            let members = files();
            let members = members.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
            let file = sign(members, &signing, claims.as_object(), None).unwrap();
            signed.insert(FILE.to_owned(), file);
            let public = keys(algorithm, "public")[0];
            assert_eq!(check(&config(algorithm, public), &signed), by(), "{}", algorithm.name());
            signed.insert("new.rego".to_owned(), b"package x".to_vec());
            assert!(check(&config(algorithm, public), &signed).is_err());
        }
    }
}

#[test]
fn tampering_of_every_kind_is_refused_and_named() {
    let good = vector(Algorithm::Rs256);
    let config = config(Algorithm::Rs256, keys(Algorithm::Rs256, "public")[0]);
    assert_eq!(check(&config, &good), by());
    let changed = |change: &dyn Fn(&mut Files)| {
        let mut files = good.clone();
        change(&mut files);
        check(&config, &files).unwrap_err()
    };
    let put = |name: &'static str, text: &'static str| {
        changed(&|files| drop(files.insert(name.to_owned(), text.as_bytes().to_vec())))
    };
    for (error, expected) in [
        (
            put("app/policy.rego", "package app\n\nallow := false\n"),
            "`app/policy.rego`: digest mismatch (SHA-384,",
        ),
        (
            put("data.json", r#"{"b": [1, "<é>"], "a": {"z": null, "y": true}}"#),
            "`data.json`: digest mismatch",
        ),
        (put("data.json", "{"), "`data.json` has no digest: invalid JSON"),
        (put(".manifest", r#"{"roots": [""], "revision": "r1"}"#), "`.manifest`: digest mismatch"),
        // Raw bytes count, were it only white space.
        (put("app/data.yml", "n:  1\n"), "`app/data.yml`: digest mismatch"),
        (put("evil.rego", "package evil"), "not included in the bundle's signature: `evil.rego`"),
        (put(".hidden", "x"), "not included in the bundle's signature: `.hidden`"),
        (changed(&|files| drop(files.remove("README.md"))), "but not found: `README.md`"),
        (changed(&|files| drop(files.remove(FILE))), "bundle missing .signatures.json file"),
        (put(FILE, "{}"), "holds 0 tokens"),
        (put(FILE, r#"{"signatures": ["a", "b"]}"#), "holds 2 tokens"),
        (put(FILE, r#"{"signatures": ["a"], "plugin": "kms"}"#), "signing plugin `kms`"),
        (put(FILE, r#"{"signatures": ["a"], "signatures": ["b"]}"#), "malformed"),
        (put(FILE, r#"{"signatures": ["a.b"]}"#), "does not have three parts"),
        (put(FILE, r#"{"signatures": ["a.b.c.d"]}"#), "does not have three parts"),
        (put(FILE, r#"{"signatures": ["!.e30.e30"]}"#), "header is not base64url"),
        (put(FILE, "nonsense"), "malformed"),
    ] {
        assert!(error.contains(expected), "{error}\n{expected}");
    }
    // As `opa build` writes it.
    let mut built = good.clone();
    let token = VECTORS["tokens"]["RS256"].as_str().unwrap();
    let file = json!({"plugin": "_default", "signatures": [token]});
    built.insert(FILE.to_owned(), file.to_string().into_bytes());
    assert_eq!(check(&config, &built), by());
    // White space, escapes and the order of keys are no change of a document.
    let mut same = good.clone();
    same.insert("data.json".to_owned(), br#"{"a":{"y":true,"z":null},"b":[1.0,"\u003c\u00e9>"]}"#.to_vec());
    same.insert("app/data.yaml".to_owned(), b"tags:\n- a\n- 2.5\n- True\ncount: 1\n".to_vec());
    assert_eq!(check(&config, &same), by());
}

#[test]
fn a_payload_that_was_changed_is_refused() {
    let config = config(Algorithm::Es256, keys(Algorithm::Es256, "public")[0]);
    let token = VECTORS["tokens"]["ES256"].as_str().unwrap();
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let payload = BASE64_URL_SAFE_NO_PAD.decode(&parts[1]).unwrap();
    let payload = String::from_utf8(payload).unwrap().replace("1592248027", "1592248028");
    parts[1] = BASE64_URL_SAFE_NO_PAD.encode(payload);
    let error = check(&config, &with_token(files(), &parts.join("."))).unwrap_err();
    assert!(error.contains("the signature was not made with key `main` (ES256)"), "{error}");
    // The signature of another token, none, and one in DER.
    for signature in
        [VECTORS["tokens"]["ES384"].as_str().unwrap().rsplit('.').next().unwrap(), "", "MEUCIQCZ"]
    {
        let (message, _) = token.rsplit_once('.').unwrap();
        assert!(check(&config, &with_token(files(), &format!("{message}.{signature}"))).is_err());
    }
}

#[test]
fn a_token_chooses_neither_its_algorithm_nor_a_key_that_is_not_trusted() {
    let public = keys(Algorithm::Rs256, "public")[0];
    let payload = json!({"files": [], "scope": "write"});
    let encode = |json: &Json| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let rsa = config(Algorithm::Rs256, public);
    for alg in ["none", "None", "NONE", "", "HS256", "rs256"] {
        let message = format!("{}.{}", encode(&json!({"alg": alg})), encode(&payload));
        // As by an attacker who takes the public key for the secret of an HMAC.
        let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public.as_bytes());
        let mac = aws_lc_rs::hmac::sign(&secret, message.as_bytes());
        for signature in [String::new(), BASE64_URL_SAFE_NO_PAD.encode(mac)] {
            let error =
                check(&rsa, &with_token(Files::new(), &format!("{message}.{signature}"))).unwrap_err();
            assert!(
                error.contains(&format!("the signature's algorithm is `{alg}`, but key `main` is for RS256")),
                "{error}"
            );
        }
    }
    // A public key is no secret, and is not taken for one.
    let confused = VerificationKey::new(Algorithm::Hs256, public.as_bytes()).unwrap_err();
    assert!(confused.contains("a public key or certificate is not secret"), "{confused}");

    let hs = config(Algorithm::Hs256, keys(Algorithm::Hs256, "public")[0]);
    for (header, expected) in [
        (json!({"alg": "HS256", "crit": ["exp"]}), "`crit`"),
        (json!({"alg": "HS256", "b64": false}), "`b64`"),
        (json!({"kid": "main"}), "header is malformed"),
        (json!([]), "header is malformed"),
    ] {
        let error = check(&hs, &with_token(Files::new(), &hs256(&header, &payload))).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_key_is_the_configured_one_else_the_one_that_the_token_names() {
    let secret = keys(Algorithm::Hs256, "public")[0];
    let two = |key_id: Option<&str>| Config {
        keys: BTreeMap::from([
            ("main".to_owned(), key(Algorithm::Hs256, secret)),
            ("other".to_owned(), key(Algorithm::Hs256, "another secret")),
        ]),
        key_id: key_id.map(str::to_owned),
        ..Config::default()
    };
    let signed = |header: Json, payload: Json| {
        let mut all = json!({"files": []});
        all.as_object_mut().unwrap().extend(payload.as_object().unwrap().clone());
        with_token(Files::new(), &hs256(&header, &all))
    };
    let plain = json!({"alg": "HS256"});
    for (config, files, expected) in [
        (two(Some("main")), signed(plain.clone(), json!({})), Ok("main")),
        (two(Some("main")), signed(json!({"alg": "HS256", "kid": "other"}), json!({})), Ok("main")),
        (two(None), signed(json!({"alg": "HS256", "kid": "main"}), json!({})), Ok("main")),
        (two(None), signed(plain.clone(), json!({"keyid": "main"})), Ok("main")),
        (
            two(None),
            signed(json!({"alg": "HS256", "kid": "other"}), json!({"keyid": "main"})),
            Err("not made with key `other`"),
        ),
        (
            two(None),
            signed(json!({"alg": "HS256", "kid": "third"}), json!({})),
            Err("ID `third`, which the signature names, not found"),
        ),
        (two(None), signed(plain.clone(), json!({})), Err("does not name its key")),
        (two(Some("other")), signed(plain.clone(), json!({})), Err("not made with key `other`")),
    ] {
        match (check(&config, &files), expected) {
            (Ok(signed), Ok(id)) => assert_eq!(signed, Signed::By(id.to_owned(), Bound::default())),
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
            (result, expected) => panic!("{result:?} {expected:?}"),
        }
    }
    let unknown = Verification::from_config(Some(&two(Some("third")))).unwrap_err();
    assert!(unknown.contains("no verification key has the id `third`"), "{unknown}");
}

#[test]
fn scopes_have_to_be_the_same_and_lists_have_to_make_sense() {
    let signed = |payload: &Json| with_token(Files::new(), &hs256(&json!({"alg": "HS256"}), payload));
    let write = config(Algorithm::Hs256, keys(Algorithm::Hs256, "public")[0]);
    let none = Config { scope: String::new(), ..write.clone() };
    let entry = |name: &str, algorithm: &str| json!({"name": name, "hash": "00", "algorithm": algorithm});
    for (config, payload, expected) in [
        (&write, json!({"files": []}), "scope mismatch"),
        (&write, json!({"files": [], "scope": "read"}), "the signature's scope is `read`, expected `write`"),
        (&none, json!({"files": [], "scope": "write"}), "scope mismatch"),
        (&none, json!({}), "malformed"),
        (&none, json!({"files": [entry("a", "")]}), "no hashing algorithm for `a`"),
        (&none, json!({"files": [entry("a", "SHA256")]}), "`SHA256` for `a`, which is not supported"),
        (&none, json!({"files": [entry("a", "MD5"), entry("/a", "MD5")]}), "lists `a` twice"),
        (&none, json!({"files": [entry("../a", "MD5")]}), "leads outside the bundle"),
        (&none, json!({"files": [entry("a", "MD5")]}), "but not found: `a`"),
    ] {
        let error = check(config, &signed(&payload)).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let mut one = signed(&json!({"files": [{"name": "a", "hash": "xy", "algorithm": "MD5"}]}));
    one.insert("a".to_owned(), Vec::new());
    assert!(check(&none, &one).unwrap_err().contains("is not hexadecimal"));
    // Names with a slash in front, and digests in capitals, are the same.
    let md5 = json!({"name": "/a", "hash": "D41D8CD98F00B204E9800998ECF8427E", "algorithm": "MD5"});
    let mut one = signed(&json!({"files": [md5]}));
    one.insert("a".to_owned(), Vec::new());
    assert_eq!(check(&none, &one), by());
}

#[test]
fn excluded_files_count_neither_way() {
    let mut excluding = config(Algorithm::Ps512, keys(Algorithm::Ps512, "public")[0]);
    let mut files = vector(Algorithm::Ps512);
    files.insert("README.md".to_owned(), b"changed".to_vec());
    files.insert("NEWS.md".to_owned(), b"new".to_vec());
    assert!(check(&excluding, &files).is_err());
    excluding.exclude_files = vec!["*.md".to_owned()];
    assert_eq!(check(&excluding, &files), by());
    files.remove("README.md");
    assert_eq!(check(&excluding, &files), by());
    files.insert("docs/NEWS.md".to_owned(), b"new".to_vec());
    assert!(check(&excluding, &files).unwrap_err().contains("`docs/NEWS.md`"));
    excluding.exclude_files = vec!["[".to_owned()];
    assert!(Verification::from_config(Some(&excluding)).is_err());
}

#[test]
fn without_keys_a_signed_bundle_is_refused_and_with_keys_an_unsigned_one() {
    let signed = vector(Algorithm::Rs256);
    let error = Verification::default().check(&signed).unwrap_err().to_string();
    assert!(error.contains("verification key not provided"), "{error}");
    assert_eq!(Verification::default().check(&files()).unwrap(), Signed::No);
    let mut hollow = files();
    hollow.insert(FILE.to_owned(), b"{}".to_vec());
    assert_eq!(Verification::default().check(&hollow).unwrap(), Signed::No);
    let skip = Config { skip_verify: true, ..Config::default() };
    assert_eq!(check(&skip, &signed), Ok(Signed::Unchecked));
    let mut keyed = config(Algorithm::Rs256, keys(Algorithm::Rs256, "public")[0]);
    assert!(check(&keyed, &files()).unwrap_err().contains("is not signed"));
    keyed.required = false;
    assert_eq!(check(&keyed, &files()), Ok(Signed::No));
    assert!(Verification::from_config(Some(&Config::default())).is_err());
}

#[test]
fn the_names_that_opa_sign_gives_a_folder_are_recognised() {
    let secret = keys(Algorithm::Hs256, "private")[0];
    let signing = SigningKey::new(Algorithm::Hs256, secret.as_bytes()).unwrap();
    let named: Files = files().into_iter().map(|(name, bytes)| (format!("work/{name}"), bytes)).collect();
    let named = named.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let mut all = files();
    all.insert(FILE.to_owned(), sign(named, &signing, None, None).unwrap());
    let none = Config { scope: String::new(), ..config(Algorithm::Hs256, secret) };
    let error = check(&none, &all).unwrap_err();
    assert!(error.contains("names the files below `work/`"), "{error}");
}

#[test]
fn keys_that_are_none_say_why_and_not_what_they_are() {
    let rsa = keys(Algorithm::Rs256, "private")[0];
    let ec = keys(Algorithm::Es256, "private")[0];
    let public = keys(Algorithm::Es256, "public")[0];
    for (result, expected) in [
        (VerificationKey::new(Algorithm::Rs256, b"secret").map(drop), "not PEM"),
        (VerificationKey::new(Algorithm::Rs256, rsa.as_bytes()).map(drop), "is a private key"),
        (VerificationKey::new(Algorithm::Rs256, public.as_bytes()).map(drop), "not an RSA key"),
        (VerificationKey::new(Algorithm::Es384, public.as_bytes()).map(drop), "not an EC key on P-384"),
        (VerificationKey::new(Algorithm::Hs256, b"").map(drop), "the secret is empty"),
        (SigningKey::new(Algorithm::Rs256, ec.as_bytes()).map(drop), "not an RSA key"),
        (SigningKey::new(Algorithm::Es512, ec.as_bytes()).map(drop), "not an EC key on P-521"),
        (SigningKey::new(Algorithm::Es256, public.as_bytes()).map(drop), "a private key is needed to sign"),
        (SigningKey::new(Algorithm::Rs256, &rsa.as_bytes()[..200]).map(drop), "does not end"),
    ] {
        let error = result.unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    assert!(Algorithm::parse("EdDSA").unwrap_err().contains("ES512"));
    let shown = format!("{:?}", config(Algorithm::Hs256, "tell nobody"));
    assert!(!shown.contains("tell nobody"), "{shown}");
    let printed = serde_json::to_string(&config(Algorithm::Hs256, "tell nobody")).unwrap();
    assert!(!printed.contains("tell nobody"), "{printed}");
}

#[test]
fn claims_are_signed_with_the_list_and_cannot_replace_it() {
    let signing = SigningKey::new(Algorithm::Hs256, b"s").unwrap();
    let files = [("b.rego", &b"package b"[..]), ("a.rego", b"package a"), (FILE, b"old")];
    let payload = |file: Vec<u8>| {
        let file: Json = serde_json::from_slice(&file).unwrap();
        let token = file["signatures"][0].as_str().unwrap().to_owned();
        let part = |at: usize| BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap();
        (String::from_utf8(part(0)).unwrap(), serde_json::from_slice::<Json>(&part(1)).unwrap())
    };
    let (header, claims) = payload(sign(files, &signing, None, None).unwrap());
    assert_eq!(header, r#"{"alg":"HS256"}"#);
    assert_eq!(claims["files"].as_array().unwrap().len(), 2);
    assert_eq!(claims["files"][0]["name"], "a.rego");
    assert_eq!(claims["files"][0]["algorithm"], "SHA-256");
    let (header, claims) =
        payload(sign(files, &signing, json!({"iss": "me"}).as_object(), Some("k1")).unwrap());
    assert_eq!(header, r#"{"alg":"HS256","kid":"k1"}"#);
    assert_eq!((claims["iss"].as_str(), claims["keyid"].as_str()), (Some("me"), Some("k1")));
    assert!(sign(files, &signing, json!({"files": []}).as_object(), None).unwrap_err().contains("`files`"));
    assert!(sign([], &signing, None, None).is_err());
}
