//! What strangers do to the process as a whole: its memory, and its life.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::{Output, Process, command, directory, run, start, wait_started};
use crate::harness::wait_until;
use crate::harness::wire::{Wire, request};

/// The most that the process has ever had in memory, in KiB.
fn peak(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// How much more than before the attack the process may have in memory, in KiB: a megabyte for each of fifty connections (what
/// is read ahead, an answer of 110 KB that waits to be written, and one that is made meanwhile, in buffers that double), and
/// what evaluating and the allocator keep for themselves. Without a bound it is gigabytes.
const BOUND: u64 = (50 + 64) << 10;

#[test]
fn fifty_who_ask_and_never_read_cost_little() {
    if !std::path::Path::new("/proc/self/status").exists() {
        eprintln!("SKIPPED: no /proc");
        return;
    }
    let dir = directory();
    std::fs::create_dir(dir.path().join("bundles/big")).unwrap();
    let policy = "package big\n\nall := numbers.range(1, 20000)\n";
    std::fs::write(dir.path().join("bundles/big/policy.rego"), policy).unwrap();
    std::fs::write(dir.path().join("bundles/big/.manifest"), r#"{"roots": ["big"]}"#).unwrap();
    let config = "identity: {mode: off}\ndecision_log: {console: off}\nserver: {write_timeout: 2s}\n";
    std::fs::write(dir.path().join("verdict.yaml"), config).unwrap();
    let process = start(dir, &["run", "--config", "verdict.yaml", "--listen", "127.0.0.1:0"]);
    let ask = |n: usize| {
        let reply = process.ask("/v1/data/app/allow", &[], &format!("{{\"input\": {{\"n\": {n}}}}}"));
        assert_eq!(reply.status, 200);
    };
    let address = process.address();
    let warm = process.ask("/v1/data/big/all", &[], "{\"input\": {}}");
    assert_eq!((warm.status, warm.json()["result"][19999].as_u64()), (200, Some(20000)));
    let before = peak(&process);
    let many = request("GET", "/v1/data/big/all", &[], b"").repeat(500);
    std::thread::scope(|scope| {
        let attackers: Vec<_> =
            (0..50).map(|_| scope.spawn(|| Wire::open(address).send_until_closed(&many))).collect();
        let mut asked = 0;
        while asked < 20 || attackers.iter().any(|attacker| !attacker.is_finished()) {
            ask(asked);
            asked += 1;
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let grown = peak(&process) - before;
    println!("VmHWM: {before} KiB before, {grown} KiB more under the attack; the bound is {BOUND} KiB");
    assert!(grown < BOUND, "{grown} KiB more, of {BOUND} KiB");
}

/// A limit of the system on the size of files (`ulimit -f`, systemd's `LimitFSIZE=`) comes as a signal that kills, unless
/// somebody asked for an error.
#[test]
fn a_log_at_the_limit_of_file_size_ends_no_process() {
    let dir = directory();
    let config = "identity: {mode: off}\ndecision_log: {console: off, file: {path: decisions.jsonl}}\n";
    std::fs::write(dir.path().join("verdict.yaml"), config).unwrap();
    let verdict = command(&dir, &[]).get_program().to_owned();
    let verdict = verdict.to_str().unwrap();
    // Blocks of 512 bytes or of 1024, as the shell likes.
    let line = format!("ulimit -f 8; exec {verdict} run --config verdict.yaml --listen 127.0.0.1:0");
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(dir.path()).stdin(Stdio::null());
    let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let out = Output::of(child.stdout.take().unwrap());
    let mut process = wait_started(dir, child, out);
    let mut answered = 0;
    let refused = loop {
        let reply = process.ask("/v1/data/app/allow", &[], r#"{"input": {}}"#);
        if reply.status != 200 {
            break reply;
        }
        answered += 1;
        assert!(answered < 100, "8 KiB hold no hundred records");
    };
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!("unavailable")));
    // It says what is wrong, and goes on.
    wait_until("the diagnostic", || process.err.text().contains("their records cannot be written"));
    assert_eq!(process.ask("/v1/data/app/allow", &[], r#"{"input": {}}"#).status, 503);
    let log = std::fs::read_to_string(process.dir.path().join("decisions.jsonl")).unwrap();
    assert_eq!(
        log.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count(),
        answered
    );
    process.signal("TERM");
    assert_eq!(process.wait(), Some(0), "{}", process.err.text());
}

#[test]
fn what_is_no_request_is_on_record() {
    let process = run("identity: {mode: off}\n", &[]);
    let mut wire = Wire::open(process.address());
    wire.send(b"HELLO\r\n\r\n");
    assert_eq!(wire.reply().unwrap().status, 400);
    wait_until("its record", || process.decisions().len() == 1);
    assert_eq!(process.decisions()[0]["outcome"], "refused");
}
