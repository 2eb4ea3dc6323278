//! What does not start, and what it says.

use std::net::TcpListener;
use std::time::Duration;

use verdict::identity::dev::{DevIssuer, TokenRequest};
use verdict::model::clock::Clock;

use super::{command, directory, run};
use crate::harness::wait_until;

/// Runs what must not start; gives what it says.
#[track_caller]
fn refused(config: &str, args: &[&str]) -> String {
    let dir = directory();
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    std::fs::write(dir.path().join("verdict.yaml"), config).unwrap();
    let ran = command(&dir, args).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(ran.stdout.is_empty());
    said
}

const RUN: [&str; 5] = ["run", "--config", "verdict.yaml", "--listen", "127.0.0.1:0"];

fn issuer(more: &str) -> String {
    format!(
        "identity:\n  issuers:\n  - {{issuer: \"https://idp.example\", algorithms: [EdDSA], jwks_file: keys.json{more}}}\n"
    )
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused("", &["dev", "--listen", &address]);
    assert!(said.contains(&address) && said.contains("--listen") && said.contains("in use"), "{said}");
}

#[test]
fn what_is_insecure_needs_its_flag() {
    for (what, config, args, message, flag) in [
        (
            "no issuer",
            "identity: {mode: required}\n".to_owned(),
            &RUN[..],
            "nobody may vouch",
            "--insecure-dev-issuer",
        ),
        (
            "the development issuer by name",
            issuer(", audience: verdict").replace("https://idp.example", "https://verdict-dev.invalid"),
            &RUN,
            "development issuer",
            "--insecure-dev-issuer",
        ),
        ("no audience", issuer(""), &RUN, "has no audience", "--insecure-no-audience"),
        (
            "keys over http",
            issuer(", audience: me").replace("jwks_file: keys.json", "jwks_url: \"http://idp.example/jwks\""),
            &RUN,
            "plain http",
            "--insecure-http-jwks",
        ),
        (
            "identity off for all the world",
            "identity: {mode: off}\n".to_owned(),
            &["run", "--config", "verdict.yaml", "--listen", "0.0.0.0:0"],
            "`identity.mode` is off",
            "--insecure-listen",
        ),
        (
            "identity off for a part",
            issuer(", audience: me") + "  entrypoints: {app/allow: off}\nserver: {listen: \"0.0.0.0:0\"}\n",
            &RUN[..3],
            "identity is off for `app/allow`",
            "--insecure-listen",
        ),
    ] {
        let said = refused(&config, args);
        assert!(said.contains(message) && said.contains(flag), "{what}: {said}");
    }
}

#[test]
fn with_its_flag_it_is_taken_and_said_loudly() {
    for (config, flag) in [
        (issuer("").as_str(), "--insecure-no-audience"),
        ("identity: {mode: required}\n", "--insecure-dev-issuer"),
    ] {
        let process = run(config, &[flag]);
        let said = process.err.text();
        assert!(said.contains(&format!("INSECURE, allowed by `{flag}`")), "{said}");
        assert_eq!(process.ask("/v1/data/app/allow", &[], "{}").status, 401);
    }
    let config = "identity: {mode: off}\nserver: {listen: \"0.0.0.0:0\"}\n";
    let dir = directory();
    std::fs::write(dir.path().join("verdict.yaml"), config).unwrap();
    let process = super::start(dir, &["run", "--config", "verdict.yaml", "--insecure-listen"]);
    assert!(process.err.text().contains("INSECURE, allowed by `--insecure-listen`"));
}

#[test]
fn the_development_issuer_is_trusted_only_by_its_flag() {
    let config = issuer(", audience: verdict");
    let request =
        TokenRequest { sub: "alice".to_owned(), ttl: Duration::from_secs(600), ..TokenRequest::default() };
    let body = r#"{"input": {"action": "update", "resource": {"type": "doc", "owner": "alice"}}}"#;
    for (flags, status) in [(&[][..], 401), (&["--insecure-dev-issuer"], 200)] {
        let process = run(&config, flags);
        let issuer = DevIssuer::load_or_create(&process.dir.path().join(".verdict")).unwrap();
        let token = issuer.mint(&request, Clock::System.now()).unwrap();
        let bearer = format!("Bearer {}", token.expose());
        let reply = process.ask("/v1/data/app/allow", &[("Authorization", &bearer)], body);
        assert_eq!(reply.status, status, "{flags:?}");
        assert_eq!(reply.header("verdict-outcome"), Some(if status == 200 { "allow" } else { "refused" }));
        wait_until("the record", || process.decisions().len() == 1);
        assert!(!process.out.text().contains(token.expose().split('.').nth(1).unwrap()));
    }
}

#[test]
fn a_log_file_that_is_a_directory() {
    let config = "identity: {mode: off}\ndecision_log: {file: {path: folder}}\n";
    let said = refused(config, &RUN);
    assert!(said.contains("verdict.yaml:2:29: decision_log.file.path: "), "{said}");
    assert!(said.contains("is a directory"), "{said}");
}

#[test]
fn an_address_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = format!("identity: {{mode: off}}\nserver: {{listen: {}}}\n", taken.local_addr().unwrap());
    let said = refused(&config, &RUN[..3]);
    assert!(said.contains("verdict.yaml:2:18: server.listen: cannot listen on"), "{said}");
}

#[test]
fn a_configuration_that_is_wrong_or_missing() {
    let said = refused("server:\n  listne: 127.0.0.1:1\n", &RUN);
    assert!(said.contains("verdict.yaml:2:3") && said.contains("did you mean `listen`"), "{said}");
    let said = refused("", &["run", "--config", "nowhere.yaml"]);
    assert!(said.contains("nowhere.yaml"), "{said}");
}
