//! From the banner to the drain.

use std::collections::HashSet;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{directory, run, start};
use crate::harness::wire::{Wire, request};
use crate::harness::{Ends, skipped, wait_until};

#[test]
fn the_banner_can_be_pasted() {
    if Command::new("curl").arg("--version").output().is_err() {
        skipped("the banner's commands: there is no curl");
        return;
    }
    let mut process = start(directory(), &["dev", "--listen", "127.0.0.1:0"]);
    wait_until("the banner", || process.err.text().contains("refused: a token that nobody signed"));
    wait_until("its last command", || {
        process.err.text().lines().filter(|l| l.starts_with("curl")).count() == 4
    });
    let banner = process.err.text();
    assert!(banner.contains("bundle app  revision app-1"), "{banner}");
    assert!(banner.contains("DEVELOPMENT: it trusts its own issuer"), "{banner}");
    assert!(!banner.contains('\u{1b}'), "colour without a terminal");
    let commands: Vec<&str> = banner.lines().filter(|line| line.starts_with("curl")).collect();
    let expected =
        [("allow", json!(true)), ("deny", json!(false)), ("deny", json!(false)), ("refused", Value::Null)];
    for (asked, (command, (outcome, result))) in commands.iter().zip(expected).enumerate() {
        let ran = Command::new("sh").args(["-c", command]).current_dir(process.dir.path()).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success() && said.is_empty(), "{command}: {said}");
        let answer: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(answer["result"], result, "{command}: {answer}");
        assert_eq!(answer["code"].as_str(), (outcome == "refused").then_some("unauthorized"));
        wait_until("the record", || process.decisions().len() == asked + 1);
        let decision = process.decisions().pop().unwrap();
        assert_eq!(
            (&decision["outcome"], &decision["decision_id"]),
            (&json!(outcome), &answer["decision_id"])
        );
        assert_eq!(decision["type"], "openpolicyagent.org/decision_logs");
    }
    let forged = &process.decisions()[2];
    assert_eq!(forged["subject"]["id"], "alice");
    assert_eq!(forged["input"]["asserted"]["subject"]["id"], "carol");
    assert!(process.dir.path().join(".verdict/dev-issuer/key.pem").is_file());
    process.signal("TERM");
    assert_eq!(process.wait(), Some(0));
    assert_eq!(process.out.all().lines().count(), 4);
}

const LOGGED: &str = "identity: {mode: off}\ndecision_log: {console: off, file: {path: decisions.jsonl}}\n";

/// Calls whose body is on its way, calls in a row, and calls on new connections: those that are answered are answered
/// whole and recorded, those that had begun are answered.
#[test]
fn sigterm_under_load_loses_nothing() {
    let mut process = run(LOGGED, &[]);
    let address = process.address();
    let body = br#"{"input": {"action": "read"}}"#;
    let length = body.len().to_string();
    // The server's `100 Continue` says that it is waiting for the body: the call is under way.
    let mut begun: Vec<Wire> = (0..20).map(|_| Wire::open(address)).collect();
    for wire in &mut begun {
        let headers = [("Content-Length", length.as_str()), ("Expect", "100-continue")];
        wire.send(&request("POST", "/v1/data/app/allow", &headers, b""));
        assert_eq!(wire.reply().unwrap().status, 100);
    }
    let answered = Mutex::new(HashSet::new());
    let note = |id: &str| answered.lock().unwrap().insert(id.to_owned());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for keep in [true, true, false, false] {
            let (stop, note) = (&stop, &note);
            scope.spawn(move || {
                let call = request("POST", "/v1/data/app/allow", &[], body);
                let mut kept = None;
                while !stop.load(Ordering::SeqCst) {
                    let open = kept.take().map_or_else(|| Wire::try_open(address), Ok);
                    // Refused: it has stopped to listen.
                    let Ok(mut wire) = open else { break };
                    if wire.try_send(&call).is_err() {
                        continue;
                    }
                    // An answer that is cut off fails in `reply`.
                    if let Some(reply) = wire.reply() {
                        assert_eq!(reply.status, 200);
                        note(reply.header("verdict-decision-id").unwrap());
                        kept = keep.then_some(wire);
                    }
                }
            });
        }
        let _ends = Ends(&stop);
        wait_until("load", || answered.lock().unwrap().len() > 100);
        process.signal("TERM");
        wait_until("the drain", || process.err.text().contains("draining"));
        wait_until("the listener's end", || Wire::try_open(address).is_err());
        for wire in &mut begun {
            wire.send(body);
            let reply = wire.reply().expect("a call under way is answered");
            assert_eq!((reply.status, &reply.json()["result"]), (200, &json!(false)));
            note(reply.header("verdict-decision-id").unwrap());
            // Whether or not its connection had heard of the end when it answered.
            assert!(wire.reply().is_none(), "the connection ends with its answer");
        }
    });
    assert_eq!(process.wait(), Some(0), "{}", process.err.text());
    let log = std::fs::read_to_string(process.dir.path().join("decisions.jsonl")).unwrap();
    let recorded: HashSet<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["decision_id"].as_str().unwrap().to_owned())
        .collect();
    let answered = answered.into_inner().unwrap();
    let lost: Vec<_> = answered.difference(&recorded).collect();
    assert!(lost.is_empty(), "answered without a record: {lost:?}");
}

#[test]
fn a_drain_that_takes_too_long_is_cut_off_and_said() {
    let config = format!("{LOGGED}server: {{shutdown_grace: 200ms, body_timeout: 60s}}\n");
    let mut process = run(&config, &[]);
    let mut wire = Wire::open(process.address());
    let headers = [("Content-Length", "10"), ("Expect", "100-continue")];
    wire.send(&request("POST", "/v1/data/app/allow", &headers, b""));
    assert_eq!(wire.reply().unwrap().status, 100);
    process.signal("TERM");
    assert_eq!(process.wait(), Some(1));
    assert!(process.err.all().contains("some calls did not finish within `server.shutdown_grace`"));
}

#[test]
fn the_configuration_is_loaded_again_on_sighup_and_when_its_file_changes() {
    let process = run(LOGGED, &["--insecure-dev-issuer"]);
    let file = process.dir.path().join("verdict.yaml");
    let status = || process.ask("/v1/data/app/allow", &[], r#"{"input": {}}"#).status;
    assert_eq!(status(), 200);
    // Written and signalled at once, before the file is looked at the second time.
    std::fs::write(&file, LOGGED.replace("off}\ndec", "required}\ndec")).unwrap();
    process.signal("HUP");
    wait_until("SIGHUP to be heard", || process.err.text().contains("\"why\":\"SIGHUP\""));
    assert_eq!(status(), 401);
    std::fs::write(&file, LOGGED.replace("off}\ndec", "optional}\ndec")).unwrap();
    wait_until("the changed file to be loaded", || status() == 200);
    let record = std::fs::read_to_string(process.dir.path().join("decisions.jsonl")).unwrap();
    let record: Value = serde_json::from_str(record.lines().last().unwrap()).unwrap();
    assert_eq!(record["subject"]["type"], "anonymous");
    // What is wrong is said, and what was right stays.
    std::fs::write(&file, "identity: {mood: off}\n").unwrap();
    process.signal("HUP");
    wait_until("the mistake to be said", || process.err.text().contains("unknown key `mood`"));
    assert_eq!(status(), 200);
}

#[test]
fn a_log_that_cannot_be_written_stops_the_decisions_until_it_can() {
    let process = run(&LOGGED.replace("decisions.jsonl", "logs/decisions.jsonl"), &[]);
    let logs = process.dir.path().join("logs");
    let ask = || process.ask("/v1/data/app/allow", &[], r#"{"input": {}}"#);
    assert_eq!(ask().status, 200);
    std::fs::remove_dir_all(&logs).unwrap();
    std::fs::write(&logs, "in the way").unwrap();
    wait_until("the missing file to be noticed", || ask().status == 503);
    let refused = ask();
    let body = refused.json();
    assert_eq!((&body["code"], body.get("result")), (&json!("unavailable"), None));
    assert_eq!(body["message"], "the decision could not be recorded, so it is not given");
    assert_eq!(refused.header("verdict-decision-id"), body["decision_id"].as_str());
    assert_eq!(
        (refused.header("verdict-outcome"), refused.header("retry-after")),
        (Some("error"), Some("1"))
    );
    // The answer and the diagnostic take different ways here: the one may arrive before the other is read.
    let said = "decisions refused: their records cannot be written";
    wait_until("the diagnostic", || process.err.text().contains(said));
    std::fs::remove_file(&logs).unwrap();
    assert_eq!(ask().status, 200);
    assert_eq!(std::fs::read_to_string(logs.join("decisions.jsonl")).unwrap().lines().count(), 1);
}

#[test]
fn a_full_device_gives_no_decision() {
    if !std::path::Path::new("/dev/full").exists() {
        skipped("a full device: there is no /dev/full");
        return;
    }
    let process = run(&LOGGED.replace("decisions.jsonl", "/dev/full"), &[]);
    for path in ["/v1/data/app/allow", "/v0/data/app/allow", "/", "/v1/data/app//allow"] {
        let reply = process.ask(path, &[], "{}");
        assert_eq!((reply.status, reply.json().get("result")), (503, None), "{path}");
    }
    let batch = process.ask("/v1/batch/data/app/allow", &[], r#"{"inputs": {"a": {}}}"#);
    assert_eq!((batch.status, batch.json()["responses"]["a"].get("result")), (503, None));
    assert_eq!(batch.header("retry-after"), Some("1"));
}
