//! `verdict token`.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Ran, verdict, verdict_in};

/// The claims of the one token that was printed, and nothing beside it.
#[track_caller]
fn claims(ran: Ran) -> Value {
    let ran = ran.exits(0);
    assert_eq!(ran.err, "");
    let token = ran.out.strip_suffix('\n').unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    assert!(parts.len() == 3 && !token.contains(char::is_whitespace), "{token}");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap()
}

#[test]
fn a_token_is_printed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let claims = claims(verdict(folder.path(), &["token"]));
    let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!((&claims["sub"], lifetime), (&json!("alice"), 3600));
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("https://verdict-dev.invalid"), &json!("verdict")));
    assert_eq!((&claims["type"], &claims["roles"]), (&Value::Null, &Value::Null));
    assert!(folder.path().join(".verdict").is_dir(), "the issuer's key is kept for the server");
}

#[test]
fn the_flags_become_claims() {
    let folder = tempfile::tempdir().unwrap();
    let got = claims(verdict(
        folder.path(),
        &[
            "token",
            "--sub",
            "bob",
            "--type",
            "agent",
            "--role",
            "editor",
            "--role",
            "auditor",
            "--ttl",
            "90s",
            "--claim",
            "tenant=acme",
            "--claim",
            "limit=5",
            "--claim",
            "deep={\"a\": [1, null]}",
            "--claim",
            "yes=true",
            "--claim",
            "text=\"5\"",
            "--claim",
            "empty=",
            "--claim",
            "equation=a=b",
            "--claim",
            "half={\"a\":",
        ],
    ));
    let expected = json!({
        "sub": "bob", "type": "agent", "roles": ["editor", "auditor"], "tenant": "acme", "limit": 5,
        "deep": {"a": [1, null]}, "yes": true, "text": "5", "empty": "", "equation": "a=b", "half": "{\"a\":",
        "iss": got["iss"], "aud": got["aud"], "iat": got["iat"], "exp": got["iat"].as_i64().unwrap() + 90,
    });
    assert_eq!(got, expected);
}

#[test]
fn usual_claims_have_flags_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "token",
        "--tenant",
        "acme",
        "--permission",
        "invoke",
        "--permission",
        "deploy",
        "--scope",
        "read",
        "--scope",
        "write",
        "--agent",
        "planner",
        "--act",
        "planner",
        "--act",
        "scheduler",
    ];
    let got = claims(verdict(folder.path(), &args));
    let expected = json!({
        "sub": "alice", "tenant": "acme", "permissions": ["invoke", "deploy"], "scope": "read write", "agent": "planner",
        "act": { "sub": "planner", "act": { "sub": "scheduler" } },
        "iss": got["iss"], "aud": got["aud"], "iat": got["iat"], "exp": got["exp"],
    });
    assert_eq!(got, expected);
    for (claim, flag) in [
        ("tenant", "--tenant"),
        ("permissions", "--permission"),
        ("scope", "--scope"),
        ("agent", "--agent"),
        ("act", "--act"),
    ] {
        let args = ["token", flag, "x", "--claim", &format!("{claim}=y")];
        let said = format!("--claim `{claim}` and {flag} are mutually exclusive");
        verdict(folder.path(), &args).exits(2).only_complains(&said);
    }
}

#[test]
fn what_cannot_be_minted_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let reserved = ["iss", "aud", "sub", "iat", "nbf", "exp"].map(|name| format!("{name}=1"));
    let mut cases: Vec<(Vec<&str>, &str)> = vec![
        (vec!["--ttl", "25h"], "--ttl 25h is longer than 1d"),
        (vec!["--ttl", "86401s"], "is longer than 1d"),
        (vec!["--ttl", "0"], "the lifetime is zero"),
        (vec!["--ttl", "soon"], "`soon` is not a duration"),
        (vec!["--sub", ""], "the subject is empty"),
        (vec!["--claim", "tenant"], "--claim `tenant` is not NAME=VALUE"),
        (vec!["--claim", "=x"], "has no name"),
        (vec!["--claim", "a=1", "--claim", "a=2"], "--claim `a` is given more than once"),
        (vec!["--claim", "roles=[]", "--role", "x"], "--claim `roles` and --role are mutually exclusive"),
        (vec!["--claim", "type=x", "--type", "y"], "--claim `type` and --type are mutually exclusive"),
        (vec!["--state", ""], "a value is required for '--state"),
        (vec!["--state", "/dev/null/x"], "cannot create `/dev/null/x/dev-issuer`"),
    ];
    cases.extend(reserved.iter().map(|claim| (vec!["--claim", claim.as_str()], "is the issuer's own")));
    for (args, said) in cases {
        let args: Vec<&str> = ["token"].into_iter().chain(args).collect();
        verdict(folder.path(), &args).exits(2).only_complains(said);
    }
    let day = claims(verdict(folder.path(), &["token", "--ttl", "24h"]));
    assert_eq!(day["exp"].as_i64().unwrap() - day["iat"].as_i64().unwrap(), 86400);
}

/// As `verdict dev` finds it: flag over environment over file over default.
#[test]
fn the_issuer_is_the_one_of_the_state_folder_in_effect() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("v.yaml"), "state: by-file\n").unwrap();
    let key = |name: &str| folder.path().join(name).join("dev-issuer").is_dir();
    let file = ("VERDICT_CONFIG", "v.yaml");
    let variable = ("VERDICT_STATE", "by-env");
    for (env, args, made) in [
        (&[file][..], &["token"][..], "by-file"),
        (&[file, variable], &["token"], "by-env"),
        (&[file, variable], &["token", "--state", "by-flag"], "by-flag"),
        (&[], &["token"], ".verdict"),
    ] {
        assert!(!key(made));
        claims(verdict_in(folder.path(), env, args));
        assert!(key(made), "{made}");
    }
    verdict_in(folder.path(), &[("VERDICT_STAT", "x")], &["token"])
        .exits(2)
        .only_complains("`VERDICT_STATE`?");
}
