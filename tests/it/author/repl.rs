//! `verdict repl`: scripts on standard input, and a person at a terminal.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{folder, verdict, verdict_with_input};

mod terminal;

const POLICY: &str = "package app

default allow := false

allow if input.user == \"ann\"

bad := 1 / 0
";

fn files() -> tempfile::TempDir {
    folder(&[
        ("app.rego", POLICY),
        ("users.json", r#"{"users": [{"name": "ann", "age": 20}, {"name": "bob", "age": 10}]}"#),
        ("input.json", r#"{"user": "ann"}"#),
    ])
}

/// Everything that is printed for a script, in its order, and the exit code.
fn script(folder: &Path, args: &[&str], lines: &str) -> (String, i32) {
    use std::io::Write as _;
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
    command.arg("repl").args(args).current_dir(folder).stdin(Stdio::piped());
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    // It has the other ends of the pipe.
    drop(command);
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let mut printed = String::new();
    reader.read_to_string(&mut printed).unwrap();
    (printed, child.wait().unwrap().code().unwrap())
}

/// `=== name`, then what is typed (`> ` and `| `), each with what is printed. A case whose name ends in `(fails)` has exit
/// code 2.
#[test]
fn statements_are_answered_as_the_cases_say() {
    let files = files();
    let mut cases = 0;
    for case in include_str!("repl/cases.txt").split("=== ").skip(1) {
        let (name, lines) = case.trim_end().split_once('\n').unwrap();
        let (mut typed, mut expected) = (String::new(), String::new());
        for line in lines.lines() {
            match line.strip_prefix("> ").or_else(|| line.strip_prefix("| ")) {
                Some(line) => typed.extend([line, "\n"]),
                None if matches!(line, ">" | "|") => typed.push('\n'),
                None => expected.extend([line, "\n"]),
            }
        }
        let (printed, code) = script(files.path(), &["app.rego", "users.json", "-i", "input.json"], &typed);
        assert_eq!(printed, expected, "{name}:\n{printed}");
        assert_eq!(code, if name.ends_with("(fails)") { 2 } else { 0 }, "{name}");
        cases += 1;
    }
    assert!(cases > 20, "{cases} cases");
}

#[test]
fn an_unfinished_statement_ends_with_an_empty_line_or_with_the_input_and_is_an_error() {
    let files = files();
    for (lines, after) in [("p if {\n\n1 + 1\n", "2\n"), ("p if {\n", ""), ("1 +", "")] {
        let (printed, code) = script(files.path(), &[], lines);
        assert!(printed.starts_with("error: 1:") && printed.contains("rego_parse_error"), "{printed}");
        assert!(printed.ends_with(after) && code == 2, "{code} {printed}");
    }
}

#[test]
fn what_it_begins_with_is_read_as_by_eval() {
    let files = files();
    let (folder, allow) = (files.path(), "data.app.allow\ninput\n");
    for (args, expected) in [
        (&["-d", "app.rego", "-i", "input.json"][..], "true\n{\n  \"user\": \"ann\"\n}\n"),
        (&["app.rego", "repl.input:input.json"], "true\n{\n  \"user\": \"ann\"\n}\n"),
        (&["app.rego"], "false\nundefined\n"),
        (&["app.rego", "--action", "read"], "false\n{\n  \"action\": \"read\"\n}\n"),
    ] {
        assert_eq!(script(folder, args, allow), (expected.to_owned(), 0), "{args:?}");
    }
    let bundle = super::folder(&[("b/.manifest", "{}"), ("b/p.rego", "package b\nx := 7\n")]);
    assert_eq!(script(bundle.path(), &["-b", "b"], "data.b.x"), ("7\n".to_owned(), 0));
    let json = verdict_with_input(folder, &["repl", "-f", "json"], "1 + 1").exits(0).out;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json).unwrap()["result"][0]["expressions"][0]["value"],
        2
    );
    for (args, said) in [
        (&["repl", "none.rego"][..], "none.rego"),
        (&["repl", "-i", "none.json"], "none.json"),
        (&["repl", "--subject", "{"], "--subject"),
    ] {
        verdict(folder, args).exits(2).complains(said);
    }
}

#[test]
fn changed_files_are_reloaded_and_broken_ones_are_not() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let files = files();
    let mut child = Command::new(env!("CARGO_BIN_EXE_verdict"))
        .args(["repl", "app.rego", "--watch"])
        .current_dir(files.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut ask = |query: &str| {
        writeln!(input, "{query}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line
    };
    assert_eq!(ask("data.app.allow"), "false\n");
    std::fs::write(files.path().join("app.rego"), "package app\n\nallow := \"changed\"\n").unwrap();
    assert_eq!(ask("data.app.allow"), "\"changed\"\n");
    std::fs::write(files.path().join("app.rego"), "package app\n\nallow := \"chan").unwrap();
    assert_eq!(ask("data.app.allow"), "\"changed\"\n");
    std::fs::write(files.path().join("app.rego"), "package app\n\nallow := \"whole\"\n").unwrap();
    assert_eq!(ask("data.app.allow"), "\"whole\"\n");
    drop(input);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said.matches("`app.rego` changed: reloaded").count(), 2, "{said}");
    assert!(
        said.contains("`app.rego` changed, and what was loaded stays:\napp.rego:3:10: rego_parse_error"),
        "{said}"
    );
    assert_eq!(child.wait().unwrap().code(), Some(2));
}
