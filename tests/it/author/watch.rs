//! `verdict test --watch`: a change is tested, without being asked.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::folder;

/// Ends the command when the test is over, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_change_is_tested_at_once() {
    let folder = folder(&[
        ("policy.rego", "package app\n\nallow := true\n"),
        ("policy_test.rego", "package app_test\n\ntest_it if data.app.allow\n"),
    ]);
    let child = Command::new(env!("CARGO_BIN_EXE_verdict"))
        .args(["test", ".", "--watch"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    // Waits for as long as the command runs; a command that ends makes the line missing.
    let mut wait_for = |text: &str| lines.find(|line| line.contains(text)).unwrap();
    let first = wait_for("app_test");
    assert!(first.starts_with("PASS"), "neither a clear screen nor a time in a pipe: {first:?}");
    wait_for("1/1 passed");
    wait_for("watching for changes");
    std::fs::write(folder.path().join("policy.rego"), "package app\n\nallow := false\n").unwrap();
    assert_eq!(wait_for("policy.rego` changed"), "--- `./policy.rego` changed, testing again");
    wait_for("0/1 passed, 1 failed");
    wait_for("watching for changes");
    std::fs::write(folder.path().join("policy.rego"), "package app\n\nallow := \n").unwrap();
    wait_for("policy.rego` changed");
    wait_for("watching for changes");
    std::fs::write(folder.path().join("policy.rego"), "package app\n\nallow := true\n\n").unwrap();
    wait_for("1/1 passed");
}
