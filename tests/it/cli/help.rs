//! Help, and what is refused before anything is tried.

use super::verdict;

const VERBS: [&str; 19] = [
    "routes test",
    "dev",
    "run",
    "token",
    "capability mint",
    "capability keygen",
    "credential inspect",
    "config",
    "check-tls",
    "eval",
    "check",
    "fmt",
    "test",
    "bench",
    "exec",
    "build",
    "sign",
    "repl",
    "health",
];

/// The words of a verb, with more arguments.
fn args<'a>(verb: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    verb.split(' ').chain(more.iter().copied()).collect()
}

#[test]
fn without_arguments_the_help_is_printed_and_the_exit_code_is_2() {
    let folder = tempfile::tempdir().unwrap();
    let ran = verdict(folder.path(), &[]).exits(2);
    let asked = verdict(folder.path(), &["--help"]).exits(0);
    for verb in VERBS {
        let verb = verb.split(' ').next().unwrap();
        for text in [&ran.err, &asked.out] {
            assert!(
                text.lines().any(|line| line.trim_start().starts_with(&format!("{verb} "))),
                "{verb}: {text}"
            );
        }
    }
    assert_eq!(asked.err, "");
    let version = verdict(folder.path(), &["--version"]).exits(0).out;
    assert_eq!(version, format!("verdict {}\n", env!("CARGO_PKG_VERSION")));
}

/// Every line that introduces a flag or an argument: either its meaning stands behind it, or on the next line.
#[test]
fn help_says_what_every_flag_means() {
    let folder = tempfile::tempdir().unwrap();
    for verb in VERBS {
        let help = verdict(folder.path(), &args(verb, &["--help"])).exits(0).out;
        let lines: Vec<&str> = help.lines().collect();
        let mut flags = 0;
        for (n, line) in lines.iter().enumerate() {
            let text = line.trim_start();
            let indented = line.starts_with("  ") && line.len() - text.len() <= 6;
            if !indented || !text.starts_with(['-', '<', '[']) {
                continue;
            }
            flags += 1;
            let behind = text.split("  ").skip(1).any(|words| words.contains(char::is_alphabetic));
            let below = lines.get(n + 1).is_some_and(|below| below.starts_with("          "));
            assert!(behind || below, "`verdict {verb}` does not say what `{text}` means:\n{help}");
            assert!(!text.contains("As for"), "{text}");
        }
        assert!(flags >= 4, "`verdict {verb}` has {flags} flags?\n{help}");
        let short = verdict(folder.path(), &[&["help"], args(verb, &[]).as_slice()].concat()).exits(0).out;
        assert_eq!(short, help);
    }
}

#[test]
fn what_is_not_understood_ends_with_exit_code_2_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for verb in VERBS {
        verdict(folder.path(), &args(verb, &["--no-such-flag"])).exits(2).only_complains("--no-such-flag");
    }
    for (args, said) in [
        (&["servee"][..], "unrecognized subcommand 'servee'"),
        (&["tokn"], "a similar subcommand exists: 'token'"),
        (&["capability"], "Usage: verdict capability <COMMAND>"),
        (&["capability", "mint", "--agent", "a"], "--key <FILE>"),
        (&["capability", "mint", "--key", "k"], "--agent <ID>"),
        (&["capability", "keygen"], "--out <FILE>"),
        (&["credential", "inspect", "--header", "a b"], "invalid value 'a b'"),
        (&["token", "extra"], "unexpected argument 'extra'"),
        (&["token", "--ttl"], "a value is required for '--ttl"),
        (&["token", "--rol", "x"], "a similar argument exists: '--role'"),
        (&["config", "--listen", "here"], "flag `--listen`: server.listen: `here` has no port"),
        (&["dev", "--listen", "localhost"], "`localhost` has no port; write e.g. `127.0.0.1:8181`"),
        (&["run", "--insecure-everything"], "unexpected argument '--insecure-everything'"),
        (&["run", "--config", "a", "--config", "b"], "cannot be used multiple times"),
        (&["eval"], "required"),
        (&["eval", "data.a", "--format", "xml"], "invalid value 'xml'"),
        (&["eval", "data.a", "--input", "none.json"], "none.json"),
        (&["eval", "data.a", "--data", "none.rego"], "none.rego"),
        (&["eval", "data.a", "--now", "noon"], "noon"),
        (&["eval", "data.a", "--subject", "{"], "subject"),
        (&["check", "--format", "xml"], "invalid value 'xml'"),
        (&["test", "--run", "("], "("),
        (&["bench"], ""),
        (&["bench", "data.a", "--benchtime", "long"], "long"),
        (&["bench", "--url", "not a url"], "url"),
    ] {
        let ran = verdict(folder.path(), args).exits(2);
        // `eval` says it in its answer, where a program looks for it.
        assert!(
            ran.err.contains(said) || (args[0] == "eval" && ran.out.contains(said)),
            "{}{}",
            ran.out,
            ran.err
        );
    }
}

/// As OPA has them.
#[test]
fn no_and_yes_have_their_own_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("good.rego", "package a\nx := 1\ntest_x if x == 1\n");
    write("bad.rego", "package a\nx := \n");
    write("failing.rego", "package a\ntest_x if 1 == 2\n");
    for (args, code) in [
        (&["check", "good.rego"][..], 0),
        (&["check", "bad.rego"], 1),
        (&["test", "good.rego"], 0),
        (&["test", "failing.rego"], 2),
        (&["test", "bad.rego"], 1),
        (&["test", "none"], 1),
        (&["check", "none"], 1),
        (&["fmt", "bad.rego"], 2),
        (&["fmt", "none"], 1),
        (&["build", "none"], 1),
        (&["deps", "-d", "none", "data.a.x"], 1),
        (&["parse", "bad.rego"], 1),
        (&["inspect", "none"], 1),
        (&["exec", "-b", "none", "good.rego"], 1),
        (&["bench", "-d", "none", "data.a.x"], 1),
        (&["eval", "data.a.x", "--data", "bad.rego"], 2),
        (&["eval", "data.a.x", "--data", "good.rego"], 0),
        (&["eval", "data.a.x", "--data", "good.rego", "--fail"], 0),
        (&["eval", "data.a.x", "--data", "good.rego", "--fail-defined"], 1),
        (&["eval", "data.a.none", "--data", "good.rego", "--fail"], 1),
    ] {
        verdict(folder.path(), args).exits(code);
    }
}
