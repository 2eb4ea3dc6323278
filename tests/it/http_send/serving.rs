//! `http.send` in the server: off unless configured, and in nobody's way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::json;
use verdict::config::{Insecure, Profile, Sources, load};

use super::{Peer, Reply};
use crate::harness::{Server, TestApp, wait_until};

const IDENTITY_OFF: &str = "identity: {mode: off}\n";

fn policy(url: &str) -> String {
    format!(
        "package app\nslow := http.send({{\"method\": \"get\", \"url\": \"{url}\"}}).raw_body\nfast := input.x > 0\n"
    )
}

fn run(config: &str, source: &str) -> Server {
    TestApp::new()
        .config(config)
        .profile(Profile::Run(Insecure::default()))
        .file("app/app.rego", source)
        .start()
}

#[test]
fn run_does_not_activate_policy_that_calls_others_unless_it_is_told_whom() {
    let peer = Peer::start(|_, _| Reply::new(200, &[], "ok"));
    let source = policy(&peer.url("/"));
    let off = run(IDENTITY_OFF, &source);
    off.wait_failure();
    let status = off.get("/v1/status").json().to_string();
    assert!(status.contains("http.send is not available"), "{status}");
    assert!(status.contains("http_send.allow") && status.contains("\"row\":2"), "{status}");
    assert_eq!(off.post("/v1/data/app/fast", r#"{"input":{"x":1}}"#).status, 503);

    let deadline = "decision: {deadline: 30s}\n";
    let config = format!("{IDENTITY_OFF}{deadline}http_send: {{allow: ['{}']}}\n", peer.address);
    let on = run(&config, &source);
    assert_eq!(on.post("/v1/data/app/slow", "").json()["result"], json!("ok"));
    let config = format!("{IDENTITY_OFF}{deadline}http_send: {{allow: [a.example]}}\n");
    let refusing = run(&config, &source);
    let (_, record) = refusing.recorded(|| refusing.post("/v1/data/app/slow", ""));
    assert_eq!(record["outcome"], json!("error"));
    assert!(record["error"]["message"].as_str().unwrap().contains("unallowed host: 127.0.0.1"), "{record}");

    let dev =
        TestApp::new().config(&format!("{IDENTITY_OFF}{deadline}")).file("app/app.rego", &source).start();
    assert_eq!(dev.post("/v1/data/app/slow", "").json()["result"], json!("ok"));
}

/// Holds back what comes, until it is opened.
#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    fn pass(&self) {
        let open = self.0.lock().unwrap();
        drop(self.1.wait_while(open, |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }
}

/// Opened when a test ends, however.
struct Opens(Arc<Gate>);

impl Drop for Opens {
    fn drop(&mut self) {
        self.0.open();
    }
}

#[test]
fn who_waits_for_others_delays_nobody() {
    // The first byte of an answer is not sent before the gate is open: each call has a thread of the peer's.
    let gate = Arc::new(Gate::default());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let held = Arc::new(Mutex::new(0));
    let (holding, at_gate) = (Arc::clone(&held), Arc::clone(&gate));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, holding, gate) = (stream.unwrap(), Arc::clone(&holding), Arc::clone(&at_gate));
            std::thread::spawn(move || {
                use std::io::{Read as _, Write as _};
                let mut request = [0; 4096];
                while stream.read(&mut request).is_ok_and(|n| n > 0) {
                    *holding.lock().unwrap() += 1;
                    gate.pass();
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
                }
            });
        }
    });
    let config = format!(
        "{IDENTITY_OFF}decision: {{deadline: 60s}}\nhttp_send: {{allow: ['{address}'], timeout: 60s, max_concurrent: 4}}\n"
    );
    let server = run(&config, &policy(&format!("http://{address}/")));
    let opens = Opens(Arc::clone(&gate));
    let slow_ended = AtomicBool::new(false);
    let slow = |at: &str| {
        let reply = server.post(at, "");
        slow_ended.store(true, Ordering::SeqCst);
        reply
    };
    std::thread::scope(|scope| {
        let opens = opens;
        // More than there are threads that serve, and more than may wait at a time.
        let slow: Vec<_> = (0..6).map(|_| scope.spawn(|| slow("/v1/data/app/slow"))).collect();
        let package = scope.spawn(|| server.post("/v1/data/app", ""));
        wait_until("four calls", || *held.lock().unwrap() == 4);
        for n in 0..100 {
            let reply = server.post("/v1/data/app/fast", &format!("{{\"input\":{{\"x\":{}}}}}", n % 2));
            assert_eq!(reply.json()["result"], json!(n % 2 == 1));
        }
        assert!(!slow_ended.load(Ordering::SeqCst), "a call was answered before its peer answered");
        assert_eq!(*held.lock().unwrap(), 4, "more than `max_concurrent` at a time");
        drop(opens);
        for slow in slow {
            assert_eq!(slow.join().unwrap().json()["result"], json!("ok"));
        }
        assert_eq!(package.join().unwrap().json()["result"]["slow"], json!("ok"));
    });
    // The fast ones are before the slow ones in the log, too.
    let records = server.lines("decisions.jsonl");
    let paths: Vec<&str> = records.iter().map(|record| record["path"].as_str().unwrap()).collect();
    assert!(paths[..100].iter().all(|path| *path == "app/fast") && paths.len() == 107, "{paths:?}");
}

#[test]
fn who_finds_no_thread_within_the_deadline_is_refused_with_a_record() {
    let peer = Peer::start(|_, _| Reply { delay: Duration::from_secs(600), ..Reply::new(200, &[], "") });
    let config = format!(
        "{IDENTITY_OFF}decision: {{deadline: 300ms}}\nhttp_send: {{allow: ['{}'], max_concurrent: 1}}\n",
        peer.address
    );
    let server = run(&config, &policy(&peer.url("/")));
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(|| server.post("/v1/data/app/slow", ""))).collect();
        for call in calls {
            assert_eq!(call.join().unwrap().status, 500);
        }
    });
    let reasons: Vec<String> =
        server.records().iter().map(|record| record["error"]["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(reasons, ["deadline_exceeded"; 4]);
}

#[test]
fn the_configuration_is_checked_with_its_places() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("verdict.yaml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let sources = Sources { file: Some(file.clone()), profile: Profile::Dev, ..Sources::default() };
        load(sources).map(|loaded| loaded.warnings.join("\n")).map_err(|error| error.to_string())
    };
    for (text, want) in [
        (
            "http_send:\n  allow: [a.example, 'https://b']\n",
            "http_send.allow[1]: `https://b` is a url or a network",
        ),
        (
            "http_send:\n  private_addresses: [10.0.0.0/40]\n",
            "http_send.private_addresses[0]: `10.0.0.0/40` is no network",
        ),
        ("http_send:\n  max_concurrent: 0\n", "http_send.max_concurrent: must be more than 0"),
        ("http_send:\n  allowed: [a]\n", "allowed"),
        ("http_send:\n  cache: {size: 1MiB}\n", "size"),
    ] {
        let error = check(text).unwrap_err();
        assert!(error.contains(want) && error.contains("verdict.yaml:"), "{text}: {error}");
    }
    let warned = check("http_send: {allow: [a.example]}\n").unwrap();
    assert!(warned.contains("decision.deadline: 50ms ends a decision before its calls"), "{warned}");
    assert_eq!(check("http_send: {allow: [a.example]}\ndecision: {deadline: 6s}\n").unwrap(), "");
}

#[test]
fn the_runtime_shows_no_more_than_is_configured() {
    let config = format!("{IDENTITY_OFF}decision: {{expose_env: [VERDICT_NOT_SET, PATH]}}\n");
    let server = run(&config, "package app\nr := opa.runtime()\n");
    let runtime = server.post("/v1/data/app/r", "").json()["result"].clone();
    // The harness captures no environment, so there is nothing to expose.
    assert_eq!(runtime["env"], json!({}));
    assert_eq!(runtime["version"], json!(env!("CARGO_PKG_VERSION")));
    assert_eq!(runtime["config"]["identity"]["mode"], json!("off"));
}

/// Two organisations, each with a bundle that has this policy.
fn bound(peer: &Peer, [of_acme, of_globex]: [&str; 2]) -> Server {
    let config = format!(
        "identity: {{mode: required, api_keys: {{env: [{{variable: A, id: a, tenant: acme}}, {{variable: B, id: b, \
         tenant: globex}}]}}}}\ndecision: {{deadline: 60s}}\nhttp_send: {{allow: ['{}'], timeout: 60s, max_concurrent: 4}}\n\
         bundles: {{dir: bundles, organisations: {{of-acme: acme, of-globex: globex}}}}\n",
        peer.address
    );
    TestApp::new()
        .config(&config)
        .env(&[("A", ORGANISATIONS[0]), ("B", ORGANISATIONS[1])])
        .file("of-acme/own.rego", of_acme)
        .file("of-globex/own.rego", of_globex)
        .start()
}

const ORGANISATIONS: [&str; 2] = ["acmes-key-rosebud-0001", "globexs-key-rosebud-0002"];

#[test]
fn what_is_kept_for_an_organisations_policy_is_not_given_to_anothers() {
    let peer = Peer::start(|_, before| Reply::new(200, &[], &before.to_string()));
    let call = format!(
        "http.send({{\"method\": \"get\", \"url\": \"{}\", \"force_cache\": true, \"force_cache_duration_seconds\": 3600}})",
        peer.url("/")
    );
    let policy = format!("package own\n\nanswer := {call}.raw_body\n");
    let server = bound(&peer, [&policy, &policy]);
    for _ in 0..2 {
        for (key, answer) in ORGANISATIONS.iter().zip(["0", "1"]) {
            let reply = server.send("POST", "/v1/data/own/answer", &[("x-api-key", key)], b"");
            assert_eq!(reply.json()["result"], json!(answer));
        }
    }
    assert_eq!(peer.seen().len(), 2);
}

#[test]
fn an_organisation_whose_policy_waits_for_others_delays_no_other() {
    let gate = Arc::new(Gate::default());
    let at_gate = Arc::clone(&gate);
    let peer = Peer::start(move |_, _| {
        at_gate.pass();
        Reply::new(200, &[], "ok")
    });
    let call = format!("http.send({{\"method\": \"get\", \"url\": \"{}\"}}).raw_body", peer.url("/"));
    let server =
        bound(&peer, [&format!("package own\n\nanswer := {call}\n"), "package own\n\nanswer := \"own\"\n"]);
    let ask = |key: &str| server.send("POST", "/v1/data/own/answer", &[("x-api-key", key)], b"");
    let opens = Opens(gate);
    std::thread::scope(|scope| {
        let opens = opens;
        // More than there are threads that serve.
        let waiting: Vec<_> = (0..4).map(|_| scope.spawn(|| ask(ORGANISATIONS[0]))).collect();
        wait_until("a call", || !peer.seen().is_empty());
        for _ in 0..100 {
            assert_eq!(ask(ORGANISATIONS[1]).json()["result"], json!("own"));
        }
        assert!(!waiting.iter().any(|call| call.is_finished()), "answered before the peer answered");
        drop(opens);
        for call in waiting {
            assert_eq!(call.join().unwrap().json()["result"], json!("ok"));
        }
    });
}
