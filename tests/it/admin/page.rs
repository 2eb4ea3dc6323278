//! The commands of the page about the admin API, as they stand there; and the same beginning at the start of the server.

use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::support::{CONFIG, new_server};
use crate::harness::skipped;

#[test]
fn the_commands_of_the_page_work() {
    for program in ["bash", "curl", "jq"] {
        if Command::new(program).arg("--version").output().is_err() {
            return skipped(&format!("the commands of docs/admin-api.md: no {program}"));
        }
    }
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/admin-api.md")).unwrap();
    let blocks = page.split("<!-- run -->\n```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    let script: Vec<&str> = blocks.collect();
    assert!(script.len() >= 4);
    let server = new_server(CONFIG);
    std::os::unix::fs::symlink("state", server.dir.path().join(".verdict")).unwrap();
    let ran = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script.join("\n")])
        .current_dir(server.dir.path())
        .env("API", format!("http://{}", server.app.management.unwrap()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("rk_live_1") && said.contains("\"problems\":[]"), "{said}");
}

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
