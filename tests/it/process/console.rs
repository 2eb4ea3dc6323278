//! Standard output as a journal, and as a pipe that nobody reads.

use serde_json::Value;

use super::{Output, Process, command, directory, run, wait_started};

/// Starts `verdict run` with a standard output that is a pipe whose reader has stopped.
fn run_unread(config: &str) -> Process {
    let dir = directory();
    std::fs::write(dir.path().join("verdict.yaml"), config).unwrap();
    let child =
        command(&dir, &["run", "--config", "verdict.yaml", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    wait_started(dir, child, Output::unread())
}

fn ask(process: &Process) -> u16 {
    // Some twenty records fill a pipe.
    let body = format!(r#"{{"input": {{"text": "{}"}}}}"#, "x".repeat(4096));
    process.ask("/v1/data/app/allow", &[], &body).status
}

#[test]
fn a_console_that_nobody_reads_holds_up_no_call() {
    let process =
        run_unread("identity: {mode: off}\ndecision_log: {console: json, file: {path: decisions.jsonl}}\n");
    for _ in 0..100 {
        assert_eq!(ask(&process), 200);
    }
    let log = std::fs::read_to_string(process.dir.path().join("decisions.jsonl")).unwrap();
    assert_eq!(log.lines().count(), 100);
}

/// It acknowledges then; what it does not take is not answered with.
#[test]
fn without_a_file_a_console_that_nobody_reads_gives_no_decision() {
    let process = run_unread("identity: {mode: off}\ndecision_log: {console: json}\n");
    let statuses: Vec<u16> = (0..60).map(|_| ask(&process)).collect();
    let given = statuses.iter().take_while(|status| **status == 200).count();
    assert!(given > 0 && given < 60, "{statuses:?}");
    assert!(statuses[given..].iter().all(|status| *status == 503), "{statuses:?}");
}

#[test]
fn without_a_file_the_console_has_every_record_and_says_what_was_left_out() {
    let mut process = run("identity: {mode: off}\ndecision_log: {console: json, refusals: {rate: 5}}\n", &[]);
    assert_eq!(ask(&process), 200);
    for _ in 0..100 {
        assert_eq!(process.ask("/v1/data/app//allow", &[], "{}").status, 400);
    }
    process.signal("TERM");
    assert_eq!(process.wait(), Some(0), "{}", process.err.text());
    process.out.all();
    let (notices, records): (Vec<Value>, Vec<Value>) =
        process.decisions().into_iter().partition(|line| line.get("notice").is_some());
    let count = |outcome: &str| records.iter().filter(|record| record["outcome"] == outcome).count() as u64;
    assert_eq!(records.len() as u64, count("refused") + 1);
    let left_out: u64 = notices.iter().map(|notice| notice["records"].as_u64().unwrap()).sum();
    assert_eq!(left_out + count("refused"), 100);
    assert!(left_out > 0);
}
