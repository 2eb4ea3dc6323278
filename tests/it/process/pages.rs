//! The pages for those who come from another system: their files and commands work as they stand.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Process, command, start_child};

/// A block of a page, with the comment before it: `file: NAME`, `env: NAME=VALUE`, `call: STATUS BODY?`.
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

/// Starts a server with the files of a page.
fn started(blocks: &[Block<'_>]) -> Process {
    let dir = tempfile::tempdir().unwrap();
    for block in blocks {
        let Some(name) = block.comment.strip_prefix("file: ") else { continue };
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("{}\n", block.text)).unwrap();
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

/// Runs a command of a page against the server, and compares status and body.
fn check_call(server: &Process, page: &Path, block: &Block<'_>) {
    let expected = block.comment.strip_prefix("call: ").unwrap();
    let (status, body) = expected.split_once(' ').unwrap_or((expected, ""));
    let text = block.text.replace("127.0.0.1:8181", &server.address().to_string());
    let text = text.replace("curl -s ", "curl -s -w '\\n%{http_code}' ");
    let output = Command::new("sh").arg("-c").arg(&text).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let (answer, given) = said.rsplit_once('\n').unwrap();
    assert_eq!(given, status, "{}: {}\n{said}", page.display(), block.text);
    if !body.is_empty() {
        let mut answer: Value = serde_json::from_str(answer).unwrap();
        answer.as_object_mut().unwrap().remove("decision_id");
        assert_eq!(answer, serde_json::from_str::<Value>(body).unwrap(), "{}", block.text);
    }
}

fn check_page(name: &str, calls: usize) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    let text = std::fs::read_to_string(&page).unwrap();
    let blocks = blocks(&text);
    let server = started(&blocks);
    let found: Vec<_> = blocks.iter().filter(|block| block.comment.starts_with("call: ")).collect();
    assert_eq!(found.len(), calls, "{name}");
    for block in found {
        check_call(&server, &page, block);
    }
}

#[test]
fn relay() {
    check_page("from-relay.md", 4);
}

#[test]
fn agentpack() {
    check_page("from-agentpack.md", 6);
}

#[test]
fn dockrion() {
    check_page("from-dockrion.md", 4);
}

#[test]
fn agentvault() {
    check_page("from-agentvault.md", 2);
}

#[test]
fn aip() {
    check_page("from-aip.md", 2);
}
