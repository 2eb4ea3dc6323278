//! A policy that burns its time beside one that does not, in a real process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::harness::Ends;
use crate::harness::wire::{Wire, request};

const POLICY: &str = "package app

default allow := false

allow if input.n % 2 == 0

burn if { some i in numbers.range(1, 1000000); some j in numbers.range(1, 1000000); i + j == -1 }

sometimes if not input.burns

sometimes if { input.burns; burn }
";

const CONFIG: &str = "identity: {mode: off}\nbundles: {dir: bundles}\ndecision_log: {console: off}\n";

struct Process {
    child: Child,
    address: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Process {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("bundles/app")).unwrap();
        std::fs::write(dir.path().join("bundles/app/policy.rego"), POLICY).unwrap();
        std::fs::write(dir.path().join("verdict.yaml"), CONFIG).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
        command.args(["run", "--config", "verdict.yaml", "--listen", "127.0.0.1:0"]).current_dir(dir.path());
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("\"message\":\"serving\"")).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        Self { child, address: line["address"].as_str().unwrap().parse().unwrap(), _dir: dir }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(wire: &mut Wire, path: &str, body: &str) -> (u16, serde_json::Value) {
    wire.send(&request("POST", path, &[], body.as_bytes()));
    let reply = wire.reply().unwrap();
    (reply.status, reply.json())
}

/// Asks for good decisions at an even pace, all of which must be right; their times, sorted.
fn good(address: SocketAddr, count: usize) -> Vec<Duration> {
    let mut wire = Wire::open(address);
    let mut times = Vec::with_capacity(count);
    for n in 0..count {
        let begun = Instant::now();
        let (status, answer) = ask(&mut wire, "/v1/data/app/allow", &format!("{{\"input\":{{\"n\":{n}}}}}"));
        times.push(begun.elapsed());
        assert_eq!((status, answer["result"].as_bool()), (200, Some(n % 2 == 0)), "{answer}");
        std::thread::sleep(Duration::from_millis(1));
    }
    times.sort();
    times
}

fn p99(times: &[Duration]) -> f64 {
    times[times.len() * 99 / 100].as_secs_f64() * 1000.0
}

#[test]
fn those_who_burn_their_time_do_not_burn_that_of_others() {
    let process = Process::start();
    let address = process.address;
    good(address, 200);
    let quiet = good(address, 1000);
    let (stop, burnt) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let beside = std::thread::scope(|scope| {
        let _stop = Ends(&stop);
        for _ in 0..4 {
            scope.spawn(|| {
                let mut wire = Wire::open(address);
                while !stop.load(Ordering::SeqCst) {
                    let (status, answer) = ask(&mut wire, "/v1/data/app/burn", "{\"input\":{}}");
                    assert_eq!(status, 500, "{answer}");
                    assert!(answer.to_string().contains("did not finish within 50 ms"), "{answer}");
                    burnt.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        good(address, 1000)
    });
    println!("neighbours: p99 quiet {:.2} ms, beside hostile {:.2} ms", p99(&quiet), p99(&beside));
    assert!(burnt.load(Ordering::SeqCst) > 10, "the hostile ones were not answered");
    // A bound for the slowest of machines: half of the evaluations that burn 50 ms would still keep it.
    assert!(p99(&beside) < 2_000.0, "neighbours wait for {} ms", p99(&beside));
}

/// A document that burned is answered as ever once it does not.
#[test]
fn a_document_that_burns_sometimes_is_answered_in_between() {
    let process = Process::start();
    let mut wire = Wire::open(process.address);
    for round in 0..200 {
        let burns = round % 100 == 0;
        let body = if burns { "{\"input\":{\"burns\":true}}" } else { "{\"input\":{}}" };
        let (status, answer) = ask(&mut wire, "/v1/data/app/sometimes", body);
        assert_eq!(status, if burns { 500 } else { 200 }, "{answer}");
        assert!(burns || answer["result"] == true, "{answer}");
    }
}
