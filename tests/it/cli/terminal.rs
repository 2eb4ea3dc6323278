//! What commands show on a terminal: colour, no line wider than it is, and a clear screen for each run of `--watch`.

use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;

use super::{on_terminal, verdict};

const POLICY: &str = r#"package app

default allow := false

# METADATA
# title: Owners may do with what is theirs whatever they want to, at any time
allow if {
	input.a_user_with_a_long_name == input.a_resource_with_a_long_name.an_owner_with_a_long_name
}

allow if granted

granted if some role in data.roles_of_users[input.a_user_with_a_long_name]

users := [
	{"name": "alice", "mail": "alice@example.com", "roles": ["admin", "editor", "viewer"], "manager": "bob the builder"},
	{"name": "bob", "mail": "bob@example.com", "roles": [], "manager": "nobody"},
]
"#;
const TESTS: &str = r#"package app_test

import data.app

test_owner if app.allow with input as {"a_user_with_a_long_name": "alice", "a_resource_with_a_long_name": {"an_owner_with_a_long_name": "bob"}}
"#;
const FIXTURES: &str = "entrypoint: app/allow
identity: \"off\"
cases:
  - name: somebody with a name that is quite long asks for a resource that has a long name, too
    request: {a_user_with_a_long_name: alice, a_resource_with_a_long_name: {an_owner_with_a_long_name: bob}}
    expect: allow
";
const BAD: &str = r#"package bad

allow if startwith(input.a_user_with_a_long_name, "a prefix that is rather long as well", input.action)

b if { "a very long line of text before the mistake that goes on and on and on and on and on and on"; x == ownr }
"#;

fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("app")).unwrap();
    let input = r#"{"a_user_with_a_long_name": "alice"}"#;
    for (name, text) in [
        ("app/app.rego", POLICY),
        ("app/app_test.rego", TESTS),
        ("app/a.fixtures.yaml", FIXTURES),
        ("bad.rego", BAD),
        ("input.json", input),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// What is shown; `None`, and said to be skipped, where no terminal can be had.
fn shown(folder: &Path, columns: u16, env: &[(&str, &str)], args: &[&str]) -> Option<String> {
    let Some(mut command) = on_terminal(folder, columns, env, args) else {
        crate::harness::skipped("output on a terminal: there is no `script` that runs a command");
        return None;
    };
    let output = command.output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap().replace('\r', ""))
}

/// Without the colours.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        out.push_str(before);
        rest = after.split_once(|end: char| end.is_ascii_alphabetic()).map_or("", |(_, after)| after);
    }
    out + rest
}

const EVAL: [&str; 7] = ["eval", "-d", "app", "-i", "input.json", "-f", "pretty"];
const ALL_USERS: &str = "some i; u := data.app.users[i]; n := u.name";

fn commands() -> Vec<Vec<&'static str>> {
    let eval = |more: &[&'static str]| [&EVAL, more].concat();
    vec![
        vec!["check", "bad.rego"],
        vec!["check", "nowhere/at/all/is/there/a/folder/with/such/a/long/name/as/this/one.rego"],
        vec!["test", "app", "-v", "--coverage", "--var-values"],
        vec!["test", "app", "--explain", "full"],
        eval(&[ALL_USERS]),
        eval(&["--explain", "data.app.allow"]),
        eval(&["--profile", "data.app.allow"]),
        eval(&["--profile", "--count", "3", "data.app.allow"]),
        eval(&["--instrument", "--coverage", "data.app.allow"]),
        vec!["deps", "-d", "app", "data.app.allow"],
        vec!["inspect", "-a", "app"],
        vec!["bench", "-d", "app", "-i", "input.json", "--benchtime", "5ms", "data.app.allow"],
    ]
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let folder = project();
    for columns in [80, 60, 45] {
        for args in commands() {
            let Some(text) = shown(folder.path(), columns, &[], &args) else { return };
            // Progress is drawn over and over, and gone at the end.
            let lines: Vec<String> = plain(&text).lines().map(str::to_owned).collect();
            let lines = lines.iter().filter(|line| !line.contains("ctrl-c"));
            let wide: Vec<&String> =
                lines.filter(|line| line.chars().count() > usize::from(columns)).collect();
            assert!(wide.is_empty(), "{args:?} at {columns}: {wide:#?}\nin\n{text}");
        }
    }
}

#[test]
fn what_the_variable_says_is_the_width() {
    let folder = project();
    let args = [&EVAL[..], &[ALL_USERS]].concat();
    let Some(text) = shown(folder.path(), 60, &[("COLUMNS", "200")], &args) else { return };
    assert!(text.contains(r#""manager":"bob the builder","name":"alice","roles":[... │"#), "{text}");
    for nonsense in ["x", "0", "3"] {
        let text = shown(folder.path(), 60, &[("COLUMNS", nonsense)], &args).unwrap();
        assert!(plain(&text).lines().all(|line| line.chars().count() <= 80), "{nonsense}: {text}");
    }
}

#[test]
fn in_a_pipe_lines_are_as_long_as_they_are_and_without_colour() {
    let folder = project();
    for args in commands() {
        let ran = verdict(folder.path(), &args);
        assert!(!ran.out.contains('\x1b') && !ran.err.contains('\x1b'), "{args:?}\n{}\n{}", ran.out, ran.err);
    }
    let ran = verdict(folder.path(), &[&EVAL[..], &[ALL_USERS]].concat());
    assert!(ran.out.contains(r#""manager":"bob the builder","name":"alice","roles":[... │"#), "{}", ran.out);
    let ran = verdict(folder.path(), &["check", "bad.rego"]);
    assert!(ran.err.contains(" 3 | allow if startwith(input.a_user_with_a_long_name, \"a prefix that is rather long as well\", input.action)\n"));
}

#[test]
fn errors_explanations_and_reports_have_colour() {
    let folder = project();
    let eval = [&EVAL[..], &["--explain", "data.app.allow"]].concat();
    let bench = ["bench", "-d", "app", "-i", "input.json", "--benchtime", "5ms", "data.app.allow"];
    for (args, parts) in [
        (
            &["check", "bad.rego"][..],
            &[
                "\x1b[1m\x1b[31merror:\x1b[0m ",
                "\x1b[1mbad.rego:3:10:\x1b[0m \x1b[1m\x1b[31mrego_type_error:\x1b[0m ",
                "\x1b[1m\x1b[34m 3 |\x1b[0m ",
                "\x1b[1m\x1b[31m         ^^^",
                "\x1b[1m\x1b[36mhint:\x1b[0m did you mean `startswith`?",
            ][..],
        ),
        (&eval, &["\x1b[1mdata.app.allow\x1b[0m is false", "\x1b[31mfails\x1b[0m  app/app.rego:7"]),
        (&bench, &["\x1b[1mapp/allow: deny\x1b[0m\n"]),
        (&["test", "app"], &["\x1b[31mFAIL\x1b[0m", "\x1b[31mfails\x1b[0m"]),
    ] {
        let Some(text) = shown(folder.path(), 80, &[], args) else { return };
        for part in parts {
            assert!(text.contains(part), "no {part:?} in {text:?}");
        }
        let text = shown(folder.path(), 80, &[("NO_COLOR", "1")], args).unwrap();
        // What remains moves the cursor for the progress of a benchmark.
        assert!(!text.is_empty() && !text.contains("\x1b[1m") && !text.contains("\x1b[3"), "{text:?}");
    }
}

/// Ends the command when the test is over, however it ends.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn each_run_of_watch_begins_on_a_clear_screen_with_the_time_and_what_changed() {
    let folder = project();
    let Some(mut command) = on_terminal(folder.path(), 80, &[("NO_COLOR", "1")], &["test", "app", "--watch"])
    else {
        crate::harness::skipped("`--watch` on a terminal: there is no `script` that runs a command");
        return;
    };
    let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut out = running.0.stdout.take().unwrap();
    // Reads for as long as the command runs; a command that ends makes the text missing.
    let mut read_until = |end: &str| {
        let mut text = Vec::new();
        while !String::from_utf8_lossy(&text).contains(end) {
            let mut some = [0; 4096];
            let count = out.read(&mut some).unwrap();
            assert!(count > 0, "no {end:?} in {:?}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&some[..count]);
        }
        String::from_utf8(text).unwrap()
    };
    let is_time = |line: &str| line.split(':').filter(|part| part.parse::<u8>().is_ok()).count() == 3;
    let first = read_until("Ctrl-C ends");
    let (_, head) = first.split_once("\x1b[2J\x1b[H").expect(&first);
    assert!(is_time(head.lines().next().unwrap()), "{first:?}");
    std::fs::write(folder.path().join("app/app.rego"), format!("{POLICY}\n# changed\n")).unwrap();
    let second = read_until("Ctrl-C ends");
    let (_, head) = second.split_once("\x1b[2J\x1b[H").expect(&second);
    let (time, what) = head.lines().next().unwrap().split_once("  ").expect(head);
    assert!(is_time(time) && what == "`app/app.rego` changed", "{second:?}");
}
