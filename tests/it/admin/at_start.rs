//! The beginning of a registry at the start of the server.

use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

#[test]
fn a_server_begins_its_registry_at_the_start_once() {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join("bundles")).unwrap();
    let config = "registry: {enabled: true}\nmanagement: {listen: '127.0.0.1:0'}\nserver: {listen: '127.0.0.1:0'}\n\
                  identity: {mode: required}\ndecision_log: {console: off, file: {path: decisions.jsonl}}\n";
    std::fs::write(dir.path().join("verdict.yaml"), config).unwrap();
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
        command.args(["run", "--config", "verdict.yaml", "--bootstrap-org", "acme"]).current_dir(dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut child = command().spawn().unwrap();
    let mut line = String::new();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    child.kill().unwrap();
    let ended = child.wait_with_output().unwrap();
    let keys: Value = serde_json::from_str(&line)
        .unwrap_or_else(|error| panic!("{error}: {line:?}\n{}", String::from_utf8_lossy(&ended.stderr)));
    assert_eq!(keys["organisation"], "acme");
    for key in ["operator_key", "admin_key"] {
        assert!(keys[key].as_str().unwrap().starts_with("sk_admin_"), "{key}");
        assert!(!String::from_utf8_lossy(&ended.stderr).contains(keys[key].as_str().unwrap()));
    }
    assert!(!dir.path().join(".verdict/bootstrap-token").exists());
    let again = command().output().unwrap();
    let said = String::from_utf8_lossy(&again.stderr);
    assert_eq!((again.status.code(), again.stdout.len()), (Some(2), 0), "{said}");
    assert!(said.contains("has an operator key already"), "{said}");
}
