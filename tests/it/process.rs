//! The real binary: what it prints, how it ends, and what it refuses.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::wire::{Wire, request};
use crate::harness::{Reply, copy, wait_until};

mod attacks;
mod canaries;
mod console;
mod flags;
mod keys;
mod lifecycle;
mod paths;
mod refusals;
mod signed;
mod terminal;
mod writes;

/// A running `verdict`, in a directory of its own with the repository's `bundles/`. It is killed when dropped.
struct Process {
    dir: TempDir,
    child: Child,
    out: Output,
    err: Output,
}

/// What a stream has said so far.
struct Output {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    /// Of a stream that nobody reads.
    fn unread() -> Self {
        Self { text: Arc::default(), reader: None }
    }

    fn of(stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                let line = line.unwrap() + "\n";
                shared.lock().unwrap().push_str(&line);
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// Everything, once the process has ended.
    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.text()
    }
}

/// The keys of some issuer, for whom nobody can sign.
const KEYS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "alg": "EdDSA",
  "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fn directory() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("bundles"), &dir.path().join("bundles"));
    std::fs::write(dir.path().join("keys.json"), KEYS).unwrap();
    dir
}

fn command(dir: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
    command.args(args).current_dir(dir.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts `verdict` and waits until it serves.
fn start(dir: TempDir, args: &[&str]) -> Process {
    let command = command(&dir, args);
    start_child(dir, command)
}

/// Starts this command, and waits until it serves.
fn start_child(dir: TempDir, mut command: Command) -> Process {
    let mut child = command.spawn().unwrap();
    let out = Output::of(child.stdout.take().unwrap());
    wait_started(dir, child, out)
}

fn wait_started(dir: TempDir, mut child: Child, out: Output) -> Process {
    let err = Output::of(child.stderr.take().unwrap());
    let mut process = Process { dir, child, out, err };
    wait_until("the server", || {
        let ended = process.child.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?}\n{}", process.err.text());
        process.find_address().is_some()
    });
    process
}

/// Starts `verdict run` with this configuration.
fn run(config: &str, flags: &[&str]) -> Process {
    let dir = directory();
    std::fs::write(dir.path().join("verdict.yaml"), config).unwrap();
    let args = [&["run", "--config", "verdict.yaml", "--listen", "127.0.0.1:0"], flags].concat();
    start(dir, &args)
}

impl Process {
    fn find_address(&self) -> Option<SocketAddr> {
        let said = self.err.text();
        let line = said.lines().find(|line| line.contains("\"message\":\"serving\""))?;
        let line: Value = serde_json::from_str(line).unwrap();
        Some(line["address"].as_str().unwrap().parse().unwrap())
    }

    fn address(&self) -> SocketAddr {
        self.find_address().unwrap()
    }

    fn ask(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut wire = Wire::open(self.address());
        wire.send(&request("POST", path, headers, body.as_bytes()));
        wire.reply().unwrap()
    }

    fn ask_with(&self, method: &str, path: &str) -> Reply {
        let mut wire = Wire::open(self.address());
        wire.send(&request(method, path, &[], b""));
        wire.reply().unwrap()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end of the process, and gives its exit code.
    fn wait(&mut self) -> Option<i32> {
        let mut ended = None;
        wait_until("the end of the process", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap().code()
    }

    /// The decisions that appeared on standard output.
    fn decisions(&self) -> Vec<Value> {
        self.out.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
