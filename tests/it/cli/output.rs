//! Where output goes, and what happens when it goes nowhere.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::process::Stdio;

use super::{command, on_terminal, verdict, verdict_in};

/// `verdict config --reference | head -1`
#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["config", "--reference"][..], &["config"], &["token"], &["--help"], &["bench", "--help"]] {
        let mut child =
            command(folder.path(), args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let status = child.wait().unwrap();
        let err: String = err.lines().filter(|line| !line.starts_with("warning: ")).collect();
        assert_eq!((status.code(), err.as_str()), (Some(0), ""), "{args:?}");
    }
}

/// A token or a configuration that is only half there must not look like success.
#[test]
fn a_full_disk_is_an_error() {
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
        crate::harness::skipped("a full disk: there is no /dev/full");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for args in [&["config", "--reference"][..], &["token"]] {
        let output = command(folder.path(), args).stdout(full.try_clone().unwrap()).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.starts_with("error: cannot write to standard output: "), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}

#[test]
fn there_is_no_colour_in_a_pipe_and_none_with_no_color() {
    let folder = tempfile::tempdir().unwrap();
    let rego = "package a\ntest_x if 1 == 2\ny := \n";
    std::fs::write(folder.path().join("bad.rego"), rego).unwrap();
    for args in [
        &["--help"][..],
        &["token", "--bad"],
        &["check", "bad.rego"],
        &["test", "bad.rego"],
        &["config", "--config", "x"],
    ] {
        let piped = verdict(folder.path(), args);
        let asked = verdict_in(folder.path(), &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], args);
        for ran in [piped, asked] {
            assert!(
                !ran.out.contains('\x1b') && !ran.err.contains('\x1b'),
                "{args:?}\n{}\n{}",
                ran.out,
                ran.err
            );
        }
    }
}

/// On a terminal, which util-linux's `script` pretends to be.
#[test]
fn a_terminal_has_colour_unless_no_color_says_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.rego"), "package a\ntest_x if 1 == 2\n").unwrap();
    let on_terminal = |no_color: &[(&str, &str)]| {
        let mut script = on_terminal(folder.path(), 80, no_color, &["test", "bad.rego"])?;
        script.output().ok().map(|output| String::from_utf8(output.stdout).unwrap())
    };
    let Some(coloured) = on_terminal(&[]).filter(|text| text.contains("test_x")) else {
        crate::harness::skipped("colour on a terminal: there is no `script` that runs a command");
        return;
    };
    assert!(coloured.contains("\x1b["), "{coloured}");
    let plain = on_terminal(&[("NO_COLOR", "1")]).unwrap();
    assert!(plain.contains("test_x") && !plain.contains("\x1b["), "{plain:?}");
}
