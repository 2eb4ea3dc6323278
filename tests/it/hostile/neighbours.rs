//! A policy that burns its time beside one that does not, in a real process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::harness::wait_until;
use crate::harness::wire::{Wire, request};

const POLICY: &str = "package app

default allow := false

allow if input.n % 2 == 0

burn if {
	list := numbers.range(1, input.n)
	some i in list
	some j in list
	some k in list
	i + j + k == -1
}

sometimes if not input.burns

sometimes if {
	input.burns
	some i in numbers.range(1, 1000000)
	some j in numbers.range(1, 1000000)
	i + j == -1
}
";

struct Process {
    child: Child,
    address: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Process {
    fn start(deadline: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("bundles/app")).unwrap();
        std::fs::write(dir.path().join("bundles/app/policy.rego"), POLICY).unwrap();
        let config = format!(
            "identity: {{mode: off}}\nbundles: {{dir: bundles}}\ndecision_log: {{console: off}}\n\
             decision: {{deadline: {deadline}}}\n"
        );
        std::fs::write(dir.path().join("verdict.yaml"), config).unwrap();
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

fn connections(wire: &mut Wire) -> usize {
    wire.send(&request("GET", "/metrics", &[], b""));
    let text = String::from_utf8(wire.reply().unwrap().body).unwrap();
    text.lines().find_map(|line| line.strip_prefix("verdict_connections ")).unwrap().parse().unwrap()
}

/// More evaluations than there are threads burn for ten minutes, and the others are answered meanwhile.
#[test]
fn those_who_burn_their_time_do_not_burn_that_of_others() {
    let process = Process::start("10m");
    let mut wire = Wire::open(process.address);
    // The server learns which documents are long from evaluations that end.
    for _ in 0..16 {
        let (status, answer) = ask(&mut wire, "/v1/data/app/burn", "{\"input\":{\"n\":70}}");
        assert_eq!((status, answer.get("result")), (200, None), "{answer}");
    }
    let threads = std::thread::available_parallelism().unwrap().get();
    let mut burning: Vec<Wire> = (0..threads + 2).map(|_| Wire::open(process.address)).collect();
    for burns in &mut burning {
        burns.send(&request("POST", "/v1/data/app/burn", &[], b"{\"input\":{\"n\":10000}}"));
    }
    wait_until("the connections", || connections(&mut wire) > burning.len());
    for n in 0..1000 {
        let (status, answer) = ask(&mut wire, "/v1/data/app/allow", &format!("{{\"input\":{{\"n\":{n}}}}}"));
        assert_eq!((status, answer["result"].as_bool()), (200, Some(n % 2 == 0)), "{answer}");
    }
    for burns in &burning {
        assert!(!burns.is_answered(), "nothing burnt meanwhile");
    }
}

/// A document that burned is answered as ever once it does not.
#[test]
fn a_document_that_burns_sometimes_is_answered_in_between() {
    let process = Process::start("2s");
    let mut wire = Wire::open(process.address);
    for round in 0..200 {
        let burns = round % 100 == 0;
        let body = if burns { "{\"input\":{\"burns\":true}}" } else { "{\"input\":{}}" };
        let (status, answer) = ask(&mut wire, "/v1/data/app/sometimes", body);
        assert_eq!(status, if burns { 500 } else { 200 }, "{answer}");
        assert!(burns || answer["result"] == true, "{answer}");
        assert!(!burns || answer.to_string().contains("did not finish within 2"), "{answer}");
    }
}
