//! `verdict credential inspect`.

use std::io::Write as _;
use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Ran, command, verdict};

fn b64(text: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// A token whose signature is the canary that must not be shown.
const SIGNATURE: &str = "Q0FOQVJZLXNpZ25hdHVyZQ";

fn token(header: &Value, claims: &Value) -> String {
    format!("{}.{}.{SIGNATURE}", b64(header.to_string()), b64(claims.to_string()))
}

#[track_caller]
fn inspect(credential: &str, code: i32) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let pretty = verdict(folder.path(), &["credential", "inspect", "--", credential]).exits(code);
    let ran =
        verdict(folder.path(), &["credential", "inspect", "--format", "json", "--", credential]).exits(code);
    for text in [&pretty.out, &ran.out, &pretty.err, &ran.err] {
        assert!(!text.contains(SIGNATURE), "{text}");
    }
    let seen: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(pretty.out.starts_with(seen["kind"].as_str().unwrap()), "{}", pretty.out);
    seen
}

fn findings(seen: &Value) -> Vec<String> {
    let shown = |finding: &Value| {
        let word = if finding["refused"] == true { "refused" } else { "note" };
        format!("{word}: {}", finding["text"].as_str().unwrap())
    };
    seen["findings"].as_array().unwrap().iter().map(shown).collect()
}

#[test]
fn a_token_is_shown_and_what_is_wrong_with_it() {
    let header = json!({ "alg": "ES256", "kid": "k1" });
    let claims = json!({ "iss": "i", "sub": "alice", "aud": "a", "exp": 4_102_444_800_u64 });
    let seen = inspect(&token(&header, &claims), 0);
    assert_eq!((&seen["kind"], &seen["header"], &seen["claims"]), (&json!("JWT"), &header, &claims));
    assert_eq!(seen["times"]["exp"]["at"], "2100-01-01T00:00:00Z");
    assert!(seen["times"]["exp"]["is"].as_str().unwrap().starts_with("(valid for "), "{seen}");
    assert_eq!(findings(&seen), [""; 0]);
    let old = inspect(&token(&header, &json!({ "iss": "i", "sub": "a", "aud": "a", "exp": 1 })), 0);
    assert!(old["times"]["exp"]["is"].as_str().unwrap().starts_with("(expired "), "{old}");

    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        token(&header, &claims)
    };
    let grant = inspect(&with("typ", json!("oauth-id-jag+jwt")), 1);
    assert!(findings(&grant)[0].starts_with("refused: its type `oauth-id-jag+jwt` says that it is a grant"));
    let cap = |change: &[(&str, Value)]| {
        let mut header = json!({ "alg": "EdDSA", "typ": "agentpack-cap+jwt", "kid": "k" });
        let mut claims =
            json!({ "iss": "i", "sub": "a", "aud": "a", "iat": 1, "exp": 4_102_444_800_u64, "jti": "j" });
        for (name, value) in change {
            let object = if header.get(*name).is_some() { &mut header } else { &mut claims };
            object[*name] = value.clone();
        }
        token(&header, &claims)
    };
    let good = token(&header, &claims);
    let (message, _) = good.rsplit_once('.').unwrap();
    let duplicate =
        format!("{}.{}.{SIGNATURE}", b64(r#"{"alg":"ES256","alg":"none"}"#), b64(claims.to_string()));
    for (credential, code, kind, finding) in [
        (format!("Bearer {good}"), 0, "JWT", None),
        (
            with("alg", json!("none")),
            1,
            "JWT",
            Some("refused: its algorithm `none` is not accepted from anybody"),
        ),
        (with("alg", json!("HS256")), 0, "JWT", Some("note: `HS256` is symmetric")),
        (with("crit", json!(["x"])), 1, "JWT", Some("refused: its header has `crit`")),
        (with("jku", json!("https://thief")), 0, "JWT", Some("note: its header has `jku`, which is ignored")),
        (
            token(&header, &json!({ "iss": "i", "sub": "a", "aud": "a" })),
            1,
            "JWT",
            Some("refused: claim `exp` is missing"),
        ),
        (token(&header, &json!({ "exp": "soon" })), 1, "JWT", Some("refused: claim `exp` is not a number")),
        (
            token(&header, &json!({ "exp": 4_102_444_800_u64 })),
            0,
            "JWT",
            Some("note: claim `sub` is missing"),
        ),
        (
            duplicate,
            1,
            "JWT",
            Some("refused: its header is not one strict json object: it names a member twice"),
        ),
        (format!("{message}."), 1, "JWT", Some("refused: it is not signed")),
        (format!("relay_jwt_{good}"), 0, "JWT with the prefix `relay_jwt_`", None),
        (cap(&[]), 0, "capability token", None),
        (cap(&[("alg", json!("ES256"))]), 1, "capability token", Some("refused: its algorithm is `ES256`")),
        (
            cap(&[("exp", json!(2)), ("cnf", json!({ "kid": "k" }))]),
            0,
            "capability token",
            Some("note: it is bound to a key"),
        ),
        (format!("{good}.a.b"), 1, "encrypted token (JWE)", Some("refused: it is encrypted")),
        (format!("{good}.a"), 1, "not a credential", Some("refused: it does not have the three parts")),
        ("x".repeat(8193), 1, "opaque credential", Some("refused: it is longer than 8192 bytes")),
        ("secret".to_owned(), 0, "opaque credential", None),
        ("a b".to_owned(), 1, "not a credential", Some("refused: it is empty, or has characters")),
        ("a.b.c".to_owned(), 1, "not a credential", Some("refused: its header is not")),
    ] {
        let seen = inspect(&credential, code);
        assert_eq!(seen["kind"], kind, "{credential}");
        let found = findings(&seen);
        match finding {
            Some(finding) => {
                assert!(found.iter().any(|text| text.starts_with(finding)), "{credential}: {found:?}")
            }
            None => assert_eq!(found, [""; 0], "{credential}"),
        }
    }
}

#[test]
fn the_checksum_of_an_api_key_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let made = verdict(folder.path(), &["keys", "generate", "--prefix", "relay_sk_live"]).exits(0).out;
    let key = made.split_whitespace().find(|word| word.starts_with("relay_sk_live_")).unwrap();
    let seen = inspect(key, 0);
    assert_eq!(seen["kind"], "API key with the prefix `relay_sk_live_`");
    assert!(findings(&seen)[0].starts_with("note: its checksum is right"), "{seen}");
    let last = if key.ends_with('a') { "b" } else { "a" };
    let seen = inspect(&format!("{}{last}", &key[..key.len() - 1]), 1);
    assert!(findings(&seen)[0].starts_with("refused: its checksum is wrong"), "{seen}");
}

/// Runs it with the credential on standard input.
fn piped(folder: &std::path::Path, args: &[&str], credential: &str) -> Ran {
    let mut command = command(folder, &[&["credential", "inspect"], args].concat());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(credential.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn with_a_configuration_it_is_verified_as_by_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let section = verdict(folder, &["capability", "keygen", "--out", "cap.pem"]).exits(0).out;
    std::fs::write(folder.join("v.yaml"), &section).unwrap();
    let mint = |more: &[&str]| {
        let args = [&["capability", "mint", "--key", "cap.pem", "--agent", "planner"], more].concat();
        verdict(folder, &args).exits(0).out
    };
    let by_file = &["--config", "v.yaml", "--format", "json"][..];
    for (more, code, outcome) in [
        (&["--scope", "a:b"][..], 0, json!({ "accepted": true })),
        (
            &["--audience", "x"],
            1,
            json!({ "accepted": false, "kind": "credential_invalid", "reason": "the audience does not match" }),
        ),
    ] {
        let ran = piped(folder, by_file, &mint(more)).exits(code);
        let mut seen: Value = serde_json::from_str(&ran.out).unwrap();
        let subject = seen["verification"].as_object_mut().unwrap().remove("subject");
        assert_eq!(seen["verification"], outcome);
        if code == 0 {
            let subject = subject.unwrap();
            assert_eq!((&subject["id"], &subject["scopes"]), (&json!("planner"), &json!(["a:b"])));
        }
    }
    // The development issuer is trusted by `verdict dev` alone.
    let token = verdict(folder, &["token", "--sub", "alice", "--agent", "planner"]).exits(0).out;
    piped(folder, &["-", "--dev"], &token)
        .exits(0)
        .says("accepted; input.subject:")
        .says("\"agent\": \"planner\"");
    piped(folder, &["--config", "v.yaml"], &token)
        .exits(1)
        .says("refused (credential_invalid): unknown issuer");
    std::fs::write(folder.join("bad.yaml"), "identiti: {}\n").unwrap();
    piped(folder, &["--config", "bad.yaml"], &token).exits(2).only_complains("identiti");
    piped(folder, &["--config", "none.yaml"], &token).exits(2).only_complains("none.yaml");
}

impl Ran {
    #[track_caller]
    fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text), "{}", self.out);
        self
    }
}
