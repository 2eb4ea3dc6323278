//! The development issuer: made once, kept, and good for tokens that the authenticator accepts.

use std::time::Duration;

use serde_json::json;
use verdict::identity::dev::{DevIssuer, Error, TokenRequest};
use verdict::model::clock::Timestamp;

use super::support::*;

fn request(sub: &str) -> TokenRequest {
    TokenRequest { sub: sub.to_owned(), ttl: Duration::from_secs(60), ..TokenRequest::default() }
}

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(NOW)
}

#[tokio::test]
async fn its_tokens_are_accepted_also_after_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let home = state.path().join("not/there/yet");
    let first = DevIssuer::load_or_create(&home).unwrap();
    let authenticator = build(&config(vec![first.issuer_config()]), &clock()).unwrap();
    let again = DevIssuer::load_or_create(&home).unwrap();
    let mut asked = request("alice");
    asked.kind = Some("agent".to_owned());
    asked.roles = vec!["admin".to_owned()];
    asked.claims = json!({ "tenant": "acme", "x": { "y": 1 } }).as_object().unwrap().clone();
    for issuer in [&first, &again] {
        let token = issuer.mint(&asked, now()).unwrap();
        let verified = present(&authenticator, token.expose()).await.unwrap();
        let principal = &verified.principal;
        assert_eq!((principal.id.as_str(), principal.kind.as_str()), ("alice", "agent"));
        assert_eq!(principal.roles, ["admin"]);
        assert_eq!(principal.tenant.as_deref(), Some("acme"));
        assert_eq!(principal.claims["x"], json!({ "y": 1 }));
        assert_eq!(verified.expires_at, Some(Timestamp::from_unix_seconds(NOW + 60)));
    }
    let stranger = DevIssuer::load_or_create(&state.path().join("other")).unwrap();
    let forged = stranger.mint(&asked, now()).unwrap();
    let refused = "signed by another development issuer; make the token with `--state` of this server";
    assert_eq!(outcome(&authenticator, forged.expose()).await, refused);
    assert_eq!(authenticator.status()[0].source, "memory");
}

#[test]
fn it_mints_only_what_is_asked_of_it() {
    let state = tempfile::tempdir().unwrap();
    let issuer = DevIssuer::load_or_create(state.path()).unwrap();
    for (sub, kind, expected) in [
        ("", None, "the subject is empty"),
        ("a\nb", None, "the subject has control characters"),
        ("alice", Some("anonymous"), "the type is a reserved subject type"),
    ] {
        let request = TokenRequest { kind: kind.map(str::to_owned), ..request(sub) };
        assert_eq!(issuer.mint(&request, now()).unwrap_err().to_string(), expected);
    }
    let mut asked = request("alice");
    asked.ttl = Duration::ZERO;
    assert!(matches!(issuer.mint(&asked, now()), Err(Error::NoLifetime)));
    for name in ["iss", "aud", "sub", "exp", "nbf", "iat"] {
        let mut asked = request("alice");
        asked.claims.insert(name.to_owned(), json!("x"));
        assert!(matches!(issuer.mint(&asked, now()), Err(Error::Reserved(of)) if of == name));
    }
}

#[cfg(unix)]
#[test]
fn its_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let state = tempfile::tempdir().unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let key = DevIssuer::load_or_create(state.path()).unwrap().key_path().to_owned();
    assert_eq!((mode(&key), mode(key.parent().unwrap())), (0o600, 0o700));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    DevIssuer::load_or_create(state.path()).unwrap();
    assert_eq!(mode(&key), 0o600);
    let beside: Vec<_> = std::fs::read_dir(key.parent().unwrap()).unwrap().collect();
    assert_eq!(beside.len(), 1, "no draft is left behind");
}

#[test]
fn a_corrupt_key_file_says_what_to_do() {
    let state = tempfile::tempdir().unwrap();
    let key = DevIssuer::load_or_create(state.path()).unwrap().key_path().to_owned();
    let pem = std::fs::read_to_string(&key).unwrap();
    for content in ["", "junk", pem.get(..pem.len() / 2).unwrap(), &pem.replace("PRIVATE", "PUBLIC")] {
        std::fs::write(&key, content).unwrap();
        let error = DevIssuer::load_or_create(state.path()).unwrap_err().to_string();
        let expected = format!("`{}` is not the development issuer's key", key.display());
        assert!(error.starts_with(&expected) && error.contains("delete it"), "{error}");
        assert_eq!(std::fs::read_to_string(&key).unwrap(), content, "nothing is overwritten");
    }
}

#[test]
fn two_that_start_together_use_one_key() {
    for _ in 0..20 {
        let state = tempfile::tempdir().unwrap();
        let start = std::sync::Barrier::new(4);
        let keys: Vec<String> = std::thread::scope(|scope| {
            let start_one = || {
                start.wait();
                DevIssuer::load_or_create(state.path()).unwrap().issuer_config().jwks.unwrap()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(start_one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }
}
