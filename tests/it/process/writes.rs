//! What was written through the API survives its process.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::{Process, directory, start};
use crate::harness::wait_until;
use crate::harness::wire::{Wire, request};

const CONFIG: &str = "identity: {mode: off}\ndecision_log: {console: off, file: {path: decisions.jsonl}}\nmanagement: {listen: off}\n\
                      doors: {opa: {writes: {enabled: true}}}\n";

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let mut dir = directory();
    std::fs::write(dir.path().join("verdict.yaml"), CONFIG).unwrap();
    // By turns, a policy and a document; so many of each are acknowledged.
    let acknowledged = AtomicU64::new(0);
    for round in 0..4 {
        let mut process = start(dir, &["run", "--config", "verdict.yaml", "--listen", "127.0.0.1:0"]);
        let address = process.address();
        for n in 0..acknowledged.load(Ordering::SeqCst) {
            let path = if n % 2 == 0 { format!("/v1/data/written/n{n}") } else { format!("/v1/data/p{n}/x") };
            assert_eq!(process.ask(&path, &[], "{}").json()["result"], json!(n), "round {round}");
        }
        let goal = acknowledged.load(Ordering::SeqCst) + 5;
        std::thread::scope(|threads| {
            threads.spawn(|| {
                for n in acknowledged.load(Ordering::SeqCst).. {
                    let (path, body) = match n % 2 {
                        0 => (format!("/v1/data/written/n{n}"), n.to_string()),
                        _ => (format!("/v1/policies/p{n}"), format!("package p{n}\n\nx := {n}\n")),
                    };
                    let Ok(mut wire) = Wire::try_open(address) else { return };
                    if wire.try_send(&request("PUT", &path, &[], body.as_bytes())).is_err() {
                        return;
                    }
                    match wire.reply() {
                        Some(reply) => assert!(matches!(reply.status, 200 | 204), "{}", reply.json()),
                        None => return,
                    }
                    acknowledged.store(n + 1, Ordering::SeqCst);
                }
            });
            wait_until("some writes", || acknowledged.load(Ordering::SeqCst) >= goal);
            // Whatever it is doing just then.
            process.child.kill().unwrap();
        });
        process.child.wait().unwrap();
        dir = into_dir(process);
    }
}

/// The folder, which outlives the process.
fn into_dir(mut process: Process) -> tempfile::TempDir {
    std::mem::replace(&mut process.dir, tempfile::tempdir().unwrap())
}
