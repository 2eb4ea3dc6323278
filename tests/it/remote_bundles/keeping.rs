//! What is kept in the state directory, for a start without the service.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::stub::nobody;
use super::*;
use crate::harness::wire::{Wire, request};
use verdict::model::clock::{Clock, Timestamp};

const PATH: &str = "/authz.tar.gz";

/// Starts with the state of an earlier run.
fn start_with(state: &Path, text: &str, clock: Clock) -> Server {
    let app = TestApp::new();
    crate::harness::copy(state, &app.dir.path().join("state"));
    // Copies are as old as they are made: the age is that of the original.
    for entry in std::fs::read_dir(state.join("bundles")).into_iter().flatten().flatten() {
        let at = entry.metadata().unwrap().modified().unwrap();
        let copy = app.dir.path().join("state/bundles").join(entry.file_name());
        std::fs::File::options().write(true).open(copy).unwrap().set_modified(at).unwrap();
    }
    app.clock(clock).config(text).start()
}

fn state(server: &Server) -> PathBuf {
    server.dir.path().join("state")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

#[test]
fn a_start_without_the_service_serves_what_was_in_force_with_its_age() {
    let shared = Shared::default();
    shared.publish(PATH, &signed("app", "5", "first", &json!({})));
    let stub = shared.stub();
    let besides = format!("max_stale: 5m\n  deny_when_stale: true\n  {SIGNED}");
    // The service is always there under this address, and then answers nothing but errors.
    let text = config(&stub.url(), QUICK, &[("authz", PATH)], &besides);
    let clock = Clock::fixed(at(2_000_000_000));
    let first = TestApp::new().clock(clock).config(&text).start();
    assert_eq!(answer(&first, "app"), "first");
    let kept = tempfile::tempdir().unwrap();
    let (state, kept) = (state(&first), kept.path().join("state"));
    assert!(first.app.bundles.report().remote["authz"].kept);
    let Server { dir, app, .. } = first;
    drop(app);
    assert!(Command::new("cp").arg("-a").arg(&state).arg(&kept).status().unwrap().success());
    drop(dir);
    shared.set(PATH, Answer::of(500, b""));

    let clock = Clock::fixed(at(2_000_000_120));
    let server = start_with(&kept, &text, clock.clone());
    assert_eq!(answer(&server, "app"), "first");
    let status = remote(&server, "authz");
    assert_eq!((&status["restored"], &status["revision"]), (&json!(true), &json!("5")));
    assert_eq!(status["age_seconds"], 120, "{status}");
    wait_trouble(&server, "authz", "answered 500");
    let ready = server.get("/health/ready");
    assert_eq!(
        (ready.status, &ready.json()["warnings"][0]),
        (200, &json!("a bundle cannot be fetched; the last one stays in force"))
    );
    clock.set(at(2_000_000_301));
    let ready = server.get("/health/ready");
    let reason =
        json!(["a bundle could not be confirmed by its service for longer than `bundles.max_stale`"]);
    assert_eq!((ready.status, &ready.json()["reasons"]), (503, &reason));
    assert_eq!(server.post("/v1/data/app/answer", "{}").status, 503);
    assert!((server.metric("verdict_bundle_stale") - 1.0).abs() < 0.1);

    // The service is back, and says that nothing has changed: the tag is the one that was kept.
    shared.publish(PATH, &signed("app", "5", "first", &json!({})));
    wait_until("confirmation", || remote(&server, "authz")["error"].is_null());
    assert_eq!(server.get("/health/ready").status, 200);
    assert_eq!(answer(&server, "app"), "first");
    let last = stub.asked().pop().unwrap();
    assert!(last.header("if-none-match").is_some());
    assert_eq!(remote(&server, "authz")["restored"], true);
}

/// What was fetched and refused, or does not compile, is not what the next start finds.
#[test]
fn only_what_was_in_force_is_kept() {
    let shared = Shared::default();
    shared.publish(PATH, &bundle("app", "1", "first"));
    let stub = shared.stub();
    let text = config(&stub.url(), QUICK, &[("authz", PATH)], "");
    let first = start(&text);
    assert_eq!(answer(&first, "app"), "first");
    let wrong = pack(&[("policy.rego", b"package app\n\nanswer := undefined_function(1)\n".to_vec())]);
    shared.publish(PATH, &wrong);
    first.wait_failure();
    assert_eq!(answer(&first, "app"), "first");
    shared.set(PATH, Answer::of(503, b""));
    let second = start_with(&state(&first), &text, Clock::System);
    assert_eq!(answer(&second, "app"), "first");
}

#[test]
fn what_is_kept_is_verified_like_what_is_fetched() {
    let shared = Shared::default();
    shared.publish(PATH, &signed("app", "5", "first", &json!({ "exp": 2_000_000_100 })));
    let stub = shared.stub();
    let text = config(&stub.url(), QUICK, &[("authz", PATH)], SIGNED);
    let before = Clock::fixed(at(2_000_000_000));
    let first = TestApp::new().clock(before.clone()).config(&text).start();
    assert_eq!(answer(&first, "app"), "first");
    shared.set(PATH, Answer::of(503, b""));
    let file = state(&first).join("bundles/authz.fetched");
    let served = |text: &str, clock: &Clock| {
        let server = start_with(&state(&first), text, clock.clone());
        server.app.bundles.report().is_active()
    };
    assert!(served(&text, &before));
    assert!(!served(&text, &Clock::fixed(at(2_000_000_100))), "expired");
    let other_key = text.replace("a secret of at least", "another one of at least");
    assert!(!served(&other_key, &before), "another key");
    let other_place = text.replace(&format!("resource: {PATH}"), "resource: /other.tar.gz");
    assert!(!served(&other_place, &before), "another place");
    let whole = std::fs::read(&file).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&file, changed).unwrap();
    assert!(!served(&text, &before), "damaged");
    std::fs::write(&file, whole).unwrap();
    assert!(served(&text, &before), "as it was");
}

#[test]
fn a_roll_back_is_refused_after_a_restart_too() {
    let shared = Shared::default();
    shared.publish(PATH, &bundle("app", "1.10", "tenth"));
    let stub = shared.stub();
    let text = config(&stub.url(), QUICK, &[("authz", PATH)], "");
    let text =
        text.replace(&format!("resource: {PATH}"), &format!("resource: {PATH}, minimum_revision: '1.1'"));
    let first = start(&text);
    assert_eq!(answer(&first, "app"), "tenth");
    shared.publish(PATH, &bundle("app", "1.9", "ninth"));
    let second = start_with(&state(&first), &text, Clock::System);
    wait_trouble(&second, "authz", "is revision 1.9, and 1.10 is the lowest that is accepted");
    assert_eq!(answer(&second, "app"), "tenth");
}

/// A state directory that cannot be written: what is fetched is served all the same.
#[test]
fn what_cannot_be_kept_is_served_and_said() {
    let shared = Shared::default();
    shared.publish(PATH, &bundle("app", "1", "first"));
    let stub = shared.stub();
    let app = TestApp::new();
    std::fs::create_dir(app.dir.path().join("state")).unwrap();
    std::fs::write(app.dir.path().join("state/bundles"), "a file").unwrap();
    let server = app.config(&config(&stub.url(), QUICK, &[("authz", PATH)], "")).start();
    assert_eq!(answer(&server, "app"), "first");
    assert_eq!(remote(&server, "authz")["kept"], false);
}

#[test]
fn without_service_and_without_anything_kept_nothing_is_decided() {
    let url = nobody();
    let server = start(&config(&url, QUICK, &[("authz", PATH)], ""));
    let report = server.app.bundles.report();
    assert!(!report.is_active());
    assert!(report.missing.contains("authz"));
    let error = report.error.clone().unwrap();
    assert!(error.contains(&format!("could not be fetched from `{url}{PATH}`: the call failed")), "{error}");
    assert_eq!(server.post("/v1/data/app/answer", "{}").status, 503);
    assert_eq!(server.get("/health/ready").status, 503);
}

/// A running `verdict`, which is killed as `kill -9` does.
struct Killed {
    child: std::process::Child,
    log: PathBuf,
}

impl Killed {
    fn start(dir: &Path) -> Self {
        let log = dir.join("log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
        command.args(["run", "--config", "verdict.yaml", "--listen", "127.0.0.1:0"]).current_dir(dir);
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(&log).unwrap());
        Self { child: child.spawn().unwrap(), log }
    }

    fn answer(&self) -> Value {
        let mut address = None;
        wait_until("the server", || {
            let said = std::fs::read_to_string(&self.log).unwrap();
            let line = said.lines().find(|line| line.contains("\"message\":\"serving\""));
            let line = line.and_then(|line| serde_json::from_str::<Value>(line).ok());
            address = line.map(|line| line["address"].as_str().unwrap().parse().unwrap());
            address.is_some()
        });
        let mut wire = Wire::open(address.unwrap());
        wire.send(&request("POST", "/v1/data/app/answer", &[], b"{\"input\": {}}"));
        let reply = wire.reply().unwrap();
        reply.json()["result"].clone()
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Killed at any moment while it keeps a large bundle, it finds a whole one at the next start.
#[test]
fn a_kill_while_a_bundle_is_kept_leaves_a_whole_one() {
    // Noise does not compress: the file is as large as the data.
    let mut noise = vec![0_u8; 3 << 20];
    aws_lc_rs::rand::fill(&mut noise).unwrap();
    let noise: String = noise.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
    let large = move |n: usize| {
        let mut files = files("app", &n.to_string(), &n.to_string());
        files[0].1 = br#"{"roots": ["app", "noise"]}"#.to_vec();
        files.push(("noise/data.json", json!({ "text": noise, "n": n }).to_string().into_bytes()));
        pack(&files)
    };
    let versions: Vec<Vec<u8>> = (0..9).map(&large).collect();
    let shared = Shared::default();
    shared.publish(PATH, &versions[0]);
    let stub = shared.stub();
    let dir = tempfile::tempdir().unwrap();
    let text = config(&stub.url(), QUICK, &[("authz", PATH)], "");
    std::fs::write(
        dir.path().join("verdict.yaml"),
        format!("{text}state: state\ndecision_log: {{console: off, file: {{path: log.jsonl}}}}\n"),
    )
    .unwrap();
    std::fs::create_dir(dir.path().join("bundles")).unwrap();
    let server = Killed::start(dir.path());
    assert_eq!(server.answer(), "0");
    drop(server);
    let draft = dir.path().join("state/bundles/.authz.draft");
    let mut last = json!("0");
    for (round, version) in versions.iter().enumerate().skip(1) {
        // That of the last kill.
        let _ = std::fs::remove_file(&draft);
        shared.publish(PATH, version);
        let before = std::fs::read(dir.path().join("state/bundles/authz.fetched")).unwrap();
        let server = Killed::start(dir.path());
        // As soon as it writes, or has written.
        wait_until("a write", || {
            draft.exists() || std::fs::read(dir.path().join("state/bundles/authz.fetched")).unwrap() != before
        });
        drop(server);
        shared.set(PATH, Answer::of(503, b""));
        let server = Killed::start(dir.path());
        let served = server.answer();
        assert!(served == json!(round.to_string()) || served == last, "{served} after {last}");
        last = served;
    }
}
