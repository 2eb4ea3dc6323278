//! Keys of issuers, as the process fetches them and shows where they come from.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{KEYS, command, directory, run};
use crate::harness::wait_until;

/// An identity provider that counts how often its keys are fetched.
fn provider() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetched);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok_and(|n| n > 0) {
                let head =
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", KEYS.len());
                stream.write_all(format!("{head}{KEYS}").as_bytes()).unwrap();
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    (url, fetched)
}

fn config(url: &str) -> String {
    format!(
        "identity:\n  mode: off\n  issuers:\n    - issuer: https://idp.example\n      audience: api\n      \
         algorithms: [EdDSA]\n      jwks_url: {url}\n      jwks_refresh: 12h\n"
    )
}

#[test]
fn sighup_fetches_the_keys_again() {
    let (url, fetched) = provider();
    let process = run(&config(&url), &[]);
    let count = || fetched.load(Ordering::SeqCst);
    wait_until("the first fetch", || count() == 1);
    process.signal("HUP");
    wait_until("the fetch that SIGHUP asks for", || count() == 2);
    // Also where the new configuration is refused.
    std::fs::write(process.dir.path().join("verdict.yaml"), "identity: {mood: off}\n").unwrap();
    process.signal("HUP");
    wait_until("the fetch of the third SIGHUP", || count() == 3);
}

#[test]
fn no_output_shows_what_is_secret_in_a_jwks_url() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut process = run(&config(&format!("'http://{closed}/keys?v=CANARY&CANARY'")), &[]);
    wait_until("a failed fetch", || process.err.text().contains("the last good ones"));
    process.signal("HUP");
    wait_until("SIGHUP to be heard", || process.err.text().contains("\"why\":\"SIGHUP\""));
    process.signal("TERM");
    process.wait();
    let said = process.err.all() + &process.out.all();
    assert!(said.contains("/keys?***") && !said.contains("CANARY"), "{said}");

    for (url, code) in [
        ("https://idp.example/keys?v=CANARY&CANARY", 0),
        ("https://user:CANARY@idp.example/keys?CANARY", 2),
        ("https://CANARY@idp.example/keys", 2),
        ("https://user:CANARY pass@idp.example/keys", 2),
        ("https://idp.example/keys#CANARY", 2),
        ("ftp://idp.example/keys?CANARY", 2),
        ("idp.example/keys?CANARY", 2),
    ] {
        let dir = directory();
        std::fs::write(dir.path().join("verdict.yaml"), config(&format!("'{url}'"))).unwrap();
        let ran = command(&dir, &["config", "--config", "verdict.yaml"]).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(code), "{said}");
        assert!(!said.contains("CANARY"), "{url}: {said}");
        if code == 2 {
            assert!(said.contains("verdict.yaml:7:17: identity.issuers[0].jwks_url: "), "{said}");
        }
    }
}

#[test]
fn what_would_fail_at_the_start_is_refused_with_its_line() {
    let base = config("https://idp.example/keys");
    for (from, to, expected) in [
        (
            "jwks_refresh: 12h",
            "jwks_refresh: 5s",
            "verdict.yaml:8:21: identity.issuers[0].jwks_refresh: 5s is less than 10s",
        ),
        (
            "jwks_refresh: 12h",
            "jwks_max_age: 0",
            "verdict.yaml:8:21: identity.issuers[0].jwks_max_age: must be more than 0",
        ),
        (
            "jwks_refresh: 12h",
            "jwks_max_age: 9m",
            "verdict.yaml:8:21: identity.issuers[0].jwks_max_age: 9m is less than twice",
        ),
        (
            "jwks_refresh: 12h",
            "claims: {roles: ''}",
            "verdict.yaml:8:23: identity.issuers[0].claims.roles: the path is empty",
        ),
        (
            "jwks_refresh: 12h",
            "claims: {id: /a~}",
            "verdict.yaml:8:20: identity.issuers[0].claims.id: `~` in a json pointer",
        ),
        (
            "jwks_refresh: 12h",
            "jwks_file: keys.json",
            "verdict.yaml:7:17: identity.issuers[0].jwks_url: `jwks_file` and `jwks_url` are mutually exclusive",
        ),
        (
            "audience: api",
            "audience: ''",
            "verdict.yaml:5:17: identity.issuers[0].audience: an audience is empty",
        ),
        (
            "audience: api",
            "audience: [api, '']",
            "verdict.yaml:5:17: identity.issuers[0].audience: an audience is empty",
        ),
        (
            "[EdDSA]",
            "[EdDSA, HS256]",
            "verdict.yaml:6:27: identity.issuers[0].algorithms[1]: `HS256` is symmetric",
        ),
        (
            "      jwks_refresh: 12h",
            "    - {issuer: 'https://idp.example', audience: api, algorithms: [EdDSA], jwks_file: keys.json}",
            "verdict.yaml:8:16: identity.issuers[1].issuer: duplicate issuer `https://idp.example`",
        ),
    ] {
        let dir = directory();
        std::fs::write(dir.path().join("verdict.yaml"), base.replace(from, to)).unwrap();
        for verb in ["config", "run"] {
            let ran = command(&dir, &[verb, "--config", "verdict.yaml"]).output().unwrap();
            let said = String::from_utf8_lossy(&ran.stderr);
            assert_eq!(ran.status.code(), Some(2), "{to}: {said}");
            assert!(said.contains(expected), "{to}: {said}");
        }
    }
}
