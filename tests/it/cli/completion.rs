//! Completion scripts and manual pages, as shells and `man` take them.

use std::process::{Command, Stdio};

use super::verdict;

/// Runs a program that may not be there, with a text on its standard input.
fn piped(program: &str, args: &[&str], text: &str) -> Option<(bool, String)> {
    use std::io::Write as _;
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[test]
fn every_shell_has_a_script_that_knows_verbs_and_flags() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = verdict(folder.path(), &["completion", shell]).exits(0).out;
        for word in ["eval", "bench", "strict-builtin-errors", "threshold"] {
            assert!(script.contains(word), "{shell}: no `{word}`");
        }
    }
    verdict(folder.path(), &["completion", "tcsh"]).exits(2).only_complains("invalid value 'tcsh'");
}

#[test]
fn bash_takes_its_script_and_completes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let script = verdict(folder.path(), &["completion", "bash"]).exits(0).out;
    let Some((well_formed, said)) = piped("bash", &["-n"], &script) else {
        crate::harness::skipped("completion in bash: there is no bash");
        return;
    };
    assert!(well_formed, "{said}");
    for (words, expected) in [
        ("verdict ev", "eval"),
        ("verdict eval --format val", "values"),
        ("verdict test --thr", "--threshold"),
        ("verdict capability mi", "mint"),
        ("verdict credential inspect --format js", "json"),
    ] {
        let (last, before) = (words.rsplit(' ').next().unwrap(), words.rsplit(' ').nth(1).unwrap());
        let ask = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _verdict verdict {last} {before}; echo \"${{COMPREPLY[@]}}\"\n"
        );
        assert_eq!(piped("bash", &[], &ask).unwrap(), (true, format!("{expected}\n")), "{words}");
    }
}

/// Each line of a page that begins with a dot is a request that `man` knows; groff, where it is there, finds nothing to
/// say about it.
#[test]
fn manual_pages_are_well_formed_and_complete() {
    let folder = tempfile::tempdir().unwrap();
    for (args, title, words) in [
        (&["man"][..], ".TH VERDICT 1", &["verdict\\-eval(1)", "verdict\\-test(1)"][..]),
        (&["man", "eval"], ".TH VERDICT-EVAL 1", &["\\-\\-profile\\-sort", "\\-\\-subject"]),
        (&["man", "capability"], ".TH VERDICT-CAPABILITY 1", &["verdict\\-capability\\-mint(1)"]),
        (&["man", "capability", "mint"], ".TH VERDICT-CAPABILITY-MINT 1", &["\\-\\-bound\\-to", "\\-\\-ttl"]),
        (
            &["man", "credential", "inspect"],
            ".TH VERDICT-CREDENTIAL-INSPECT 1",
            &["\\-\\-config", "\\-\\-dev"],
        ),
        (&["man", "test"], ".TH VERDICT-TEST 1", &["\\-\\-threshold", "\\-\\-var\\-values"]),
    ] {
        let page = verdict(folder.path(), args).exits(0).out;
        assert!(page.lines().any(|line| line.starts_with(title)), "{page}");
        for section in [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH OPTIONS"] {
            assert_eq!(page.lines().filter(|line| *line == section).count(), 1, "{section}");
        }
        for word in words {
            assert!(page.contains(word), "{args:?}: no `{word}`");
        }
        for line in page.lines().filter(|line| line.starts_with('.')) {
            let request = line.split_whitespace().next().unwrap();
            let known = [".ie", ".el", ".TH", ".SH", ".TP", ".RS", ".RE", ".IP", ".br"];
            assert!(known.contains(&request), "{line}");
        }
        match piped("groff", &["-man", "-ww", "-z", "-Tutf8", "-K", "utf8"], &page) {
            Some((_, said)) => assert_eq!(said, "", "{args:?}"),
            None => crate::harness::not_tested("the layout of manual pages: there is no groff"),
        }
    }
    let below = "no verb `nope`; there are keygen, mint";
    verdict(folder.path(), &["man", "capability", "nope"]).exits(2).only_complains(below);
    verdict(folder.path(), &["man", "nope"]).exits(2).only_complains("no verb `nope`; there are dev, run");
}
