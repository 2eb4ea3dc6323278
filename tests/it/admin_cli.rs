//! The commands of administration: the real binary, against a real server with a registry, and against a stub where the
//! answers are to be known to the letter.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::wire::{Wire, request};
use crate::harness::{Reply, wait_until};

mod begin;
mod files;
mod help;
mod refusals;
mod story;
mod tables;
mod values;

/// What a command did.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    /// Checks the exit code, with everything that was printed in the message.
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    /// A member of the JSON that was printed.
    #[track_caller]
    fn member(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.out)).to_owned()
    }
}

/// The command, in `folder`, with this environment alone, and with this on standard input.
fn ran(folder: &Path, env: &[(&str, &str)], args: &[&str], input: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
    command.args(args).current_dir(folder).env_clear();
    command.envs(env.iter().copied().collect::<BTreeMap<_, _>>());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that wants no input may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// A running server with a registry, in a directory of its own. It is killed when dropped.
struct World {
    dir: TempDir,
    child: Child,
    calls: SocketAddr,
}

/// Who may pay, by the permissions of the registry.
const POLICY: &str = "package app\n\ndefault allow := false\n\nallow if \"stripe:create_payment\" in input.subject.permissions\n";

impl World {
    /// A server that nobody has taken into possession.
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("bundles/app")).unwrap();
        std::fs::write(dir.path().join("bundles/app/policy.rego"), POLICY).unwrap();
        // Both are held until both are known, so that they differ.
        let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [calls, management] = free.each_ref().map(|listener| listener.local_addr().unwrap());
        drop(free);
        let config = format!(
            "server: {{listen: '{calls}'}}\nmanagement: {{listen: '{management}'}}\n\
             registry: {{enabled: true, poll: 50ms, settings: [theme]}}\n\
             decision: {{default_path: app/allow}}\n\
             decision_log: {{console: off, file: {{path: decisions.jsonl}}}}\n"
        );
        std::fs::write(dir.path().join("verdict.yaml"), config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
        command.args(["run", "--config", "verdict.yaml"]).current_dir(dir.path()).env_clear();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (lines, shared) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                shared.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let mut world = Self { dir, child, calls };
        wait_until("the server", || {
            let ended = world.child.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}\n{}", said.lock().unwrap());
            said.lock().unwrap().contains("\"message\":\"serving\"")
        });
        world
    }

    /// A server with the organisation `acme-corp`.
    fn begun() -> Self {
        let world = Self::start();
        world.run(&["init", "--org", "acme-corp", "--org-name", "Acme Corp", "--no-agent", "--yes"]).exits(0);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a command where the server's configuration and the credentials are found.
    fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    fn run_with(&self, args: &[&str], input: &str) -> Ran {
        ran(self.dir.path(), &[("VERDICT_CONFIG", "verdict.yaml")], args, input)
    }

    /// The JSON that a command prints.
    #[track_caller]
    fn json(&self, args: &[&str]) -> Ran {
        let ran = self.run(&[args, &["--output", "json"]].concat()).exits(0);
        ran.json();
        ran
    }

    /// Asks for a decision with an API key.
    fn decide(&self, key: &str) -> Reply {
        let mut wire = Wire::open(self.calls);
        wire.send(&request("POST", "/v1/data/app/allow", &[("X-API-Key", key)], b"{\"input\": {}}"));
        wire.reply().unwrap()
    }

    /// Whether a key is accepted, once that is settled: what is asked for waits for it.
    #[track_caller]
    fn becomes(&self, key: &str, status: u16) {
        wait_until(&format!("the status {status}"), || self.decide(key).status == status);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that gives known answers, and keeps what it was asked.
struct Stub {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// Gives these answers (status, body), one after the other, and then the last one for good.
    fn of(answers: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&asked);
        let answers: Vec<(u16, String)> =
            answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut text = String::new();
                let mut buffer = [0; 4096];
                while !is_whole(&text) {
                    match stream.read(&mut buffer) {
                        Ok(n) if n > 0 => text.push_str(&String::from_utf8_lossy(&buffer[..n])),
                        _ => break,
                    }
                }
                let mut asked = shared.lock().unwrap();
                let (status, body) = answers.get(asked.len()).or(answers.last()).unwrap();
                asked.push(text);
                let head = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            }
        });
        Self { url, asked }
    }

    /// Runs a command against it.
    fn run(&self, args: &[&str]) -> Ran {
        let folder = tempfile::tempdir().unwrap();
        let args = [args, &["--server", &self.url]].concat();
        ran(folder.path(), &[("VERDICT_API_KEY", "sk_test")], &args, "")
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Whether a request has all that it announces.
fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}
