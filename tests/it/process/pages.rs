//! The pages for those who come from another system: their files and commands work as they stand.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Process, command, start_child};

/// A block of a page, with the comment before it: `file: NAME`, `env: NAME=VALUE`, `call: STATUS BODY? keep NAME=MEMBER…?`. What is
/// kept of an answer is a variable in the commands and bodies after it.
struct Block<'p> {
    comment: &'p str,
    text: &'p str,
}

/// The blocks of a page that have a comment; one without text is a comment alone.
fn blocks(page: &str) -> Vec<Block<'_>> {
    let comments = page.split("<!-- ").skip(1);
    comments
        .filter_map(|rest| {
            let (comment, after) = rest.split_once(" -->\n")?;
            let fenced = after.strip_prefix("```").and_then(|block| block.split_once('\n'));
            let text = fenced.and_then(|(_, block)| block.split_once("\n```")).map_or("", |(text, _)| text);
            Some(Block { comment, text })
        })
        .collect()
}

/// A page that is tried.
struct Trial<'p> {
    page: &'p Path,
    server: Process,
    /// Where the server is managed.
    management: SocketAddr,
    /// What was kept of answers.
    kept: BTreeMap<String, String>,
}

/// Where the pages manage their servers.
const MANAGEMENT: &str = "127.0.0.1:8282";

/// An address that nobody listens on.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Starts a server with the files of a page.
fn started(blocks: &[Block<'_>], management: SocketAddr) -> Process {
    let dir = tempfile::tempdir().unwrap();
    for block in blocks {
        let Some(name) = block.comment.strip_prefix("file: ") else { continue };
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = block.text.replace(MANAGEMENT, &management.to_string());
        std::fs::write(path, format!("{text}\n")).unwrap();
    }
    let mut command = command(&dir, &["run", "--config", "verdict.yaml", "--listen", "127.0.0.1:0"]);
    for block in blocks {
        if let Some((name, value)) = block.comment.strip_prefix("env: ").and_then(|text| text.split_once('='))
        {
            command.env(name, value);
        }
    }
    start_child(dir, command)
}

impl Trial<'_> {
    /// Runs a command of the page against the server, and compares status and members of the body.
    fn call(&mut self, block: &Block<'_>) {
        let expected = block.comment.strip_prefix("call: ").unwrap();
        let (expected, keep) = expected.split_once(" keep ").unwrap_or((expected, ""));
        let (status, body) = expected.split_once(' ').unwrap_or((expected, ""));
        let text = block.text.replace("127.0.0.1:8181", &self.server.address().to_string());
        let text = text.replace(MANAGEMENT, &self.management.to_string());
        let text = text.replace("curl -s ", "curl -s -w '\\n%{http_code}' ");
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(&text).current_dir(self.server.dir.path()).envs(&self.kept);
        let said = String::from_utf8(shell.output().unwrap().stdout).unwrap();
        let (answer, given) = said.rsplit_once('\n').unwrap();
        assert_eq!(given, status, "{}: {}\n{said}", self.page.display(), block.text);
        if body.is_empty() && keep.is_empty() {
            return;
        }
        let answer: Value = serde_json::from_str(answer).unwrap();
        let body = self
            .kept
            .iter()
            .fold(body.to_owned(), |body, (name, value)| body.replace(&format!("${name}"), value));
        let expected: Value = serde_json::from_str(if body.is_empty() { "{}" } else { &body }).unwrap();
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&answer[name], value, "{name} in {answer}: {}", block.text);
        }
        for pair in keep.split_whitespace() {
            let (name, member) = pair.split_once('=').unwrap();
            self.kept.insert(name.to_owned(), answer[member].as_str().unwrap().to_owned());
        }
    }
}

fn check_page(name: &str, calls: usize) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    let text = std::fs::read_to_string(&page).unwrap();
    let blocks = blocks(&text);
    let management = free();
    let server = started(&blocks, management);
    let mut trial = Trial { page: &page, server, management, kept: BTreeMap::new() };
    let found: Vec<_> = blocks.iter().filter(|block| block.comment.starts_with("call: ")).collect();
    assert_eq!(found.len(), calls, "{name}");
    for block in found {
        trial.call(block);
    }
}

#[test]
fn relay() {
    check_page("from-relay.md", 11);
}

#[test]
fn agentpack() {
    check_page("from-agentpack.md", 17);
}

#[test]
fn dockrion() {
    check_page("from-dockrion.md", 4);
}

#[test]
fn agentvault() {
    check_page("from-agentvault.md", 4);
}

#[test]
fn aip() {
    check_page("from-aip.md", 2);
}

#[test]
fn aip_in_full() {
    check_page("aip.md", 7);
}
