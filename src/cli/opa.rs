//! What users of OPA write that is written in another way here, or has no counterpart: they are told what to write.
//!
//! Commands and flags that Verdict has under the same name are none of this.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Commands of OPA, or names that others have for ours, and what to write.
const COMMANDS: &[(&str, &str)] = &[
    ("shell", "`verdict repl`"),
    (
        "refactor",
        "there is no `refactor`; rename packages in your editor, and let `verdict check` and `verdict test` find what is left",
    ),
    ("oracle", "there is no server for editors; `verdict deps` lists the documents a query depends on"),
    (
        "compile",
        "`verdict check` for errors, `verdict build` for a bundle; partial evaluation is not supported",
    ),
    ("server", "`verdict run`, or `verdict dev` to try things out"),
    ("serve", "`verdict run`, or `verdict dev` to try things out"),
    ("start", "`verdict run`, or `verdict dev` to try things out"),
    ("format", "`verdict fmt`"),
    ("lint", "`verdict check --strict`"),
    ("validate", "`verdict check`"),
    ("verify", "`verdict test` runs tests; `verdict inspect --verification-key KEY` verifies a signature"),
    ("query", "`verdict eval`"),
    ("benchmark", "`verdict bench`"),
    ("env", "`verdict config` prints the configuration, `verdict version` the build"),
];

/// Flags of OPA's commands, and what to write: command, long name, short name, advice.
const FLAGS: &[(&str, &str, &str, &str)] = &[
    ("eval", "--target", "-t", ONLY_REGO),
    ("test", "--target", "-t", ONLY_REGO),
    ("bench", "--target", "-t", ONLY_REGO),
    ("eval", "--optimize", "-O", NO_LEVELS),
    (
        "eval",
        "--entrypoint",
        "-e",
        "leave it out, and write the document as the query, e.g. `verdict eval data.app.allow`",
    ),
    ("eval", "--disable-early-exit", "", ALWAYS_SAME),
    ("eval", "--disable-indexing", "", ALWAYS_SAME),
    ("eval", "--disable-inlining", "", NO_PARTIAL),
    ("eval", "--shallow-inlining", "", NO_PARTIAL),
    ("eval", "--nondeterministic-builtins", "", NO_PARTIAL),
    ("eval", "--read-ast-values-from-store", "", ALWAYS_SAME),
    ("eval", "--var-values", "", "`--explain` shows the values found at the condition that failed"),
    (
        "test",
        "--benchmem",
        "",
        "`verdict bench` reports bytes for each evaluation; `verdict test --bench` reports times",
    ),
    ("test", "--max-errors", "-m", "`verdict check --max-errors N` lists more errors"),
    (
        "fmt",
        "--capabilities",
        "",
        "leave it out; `verdict check --capabilities VERSION` checks for an older OPA",
    ),
    ("build", "--debug", "", "leave it out; `verdict check` reports errors"),
    ("build", "--follow-symlinks", "", "leave it out; links are followed"),
    ("build", "--partial-namespace", "", NO_PARTIAL),
    ("build", "--wasm-include-print", "", "leave it out; bundles are built for the target `rego` alone"),
    ("build", "--signing-plugin", "", NO_PLUGINS),
    ("sign", "--signing-plugin", "", NO_PLUGINS),
    ("exec", "--log-level", "-l", NO_LOG),
    ("exec", "--log-format", "", NO_LOG),
    ("exec", "--log-timestamp-format", "", NO_LOG),
    ("eval", "--log-level", "-l", NO_LOG),
    ("test", "--log-level", "-l", NO_LOG),
    ("exec", "--config-file", "-c", NO_CONFIGURATION),
    ("exec", "--set", "", NO_CONFIGURATION),
    ("exec", "--set-file", "", NO_CONFIGURATION),
    ("bench", "--config-file", "-c", "start the server with `verdict run --config FILE`, and give `--url`"),
    ("bench", "--e2e", "", "start the server with `verdict run` or `verdict dev`, and give `--url`"),
    ("bench", "--partial", "-p", NO_PARTIAL),
    ("bench", "--unknowns", "-u", NO_PARTIAL),
    ("bench", "--stdin", "", "give the query as the argument"),
    ("bench", "--shutdown-grace-period", "", "start the server yourself, and give `--url`"),
    ("bench", "--shutdown-wait-period", "", "start the server yourself, and give `--url`"),
    ("version", "--check", "-c", "nothing asks the network for newer versions"),
    ("repl", "--max-errors", "-m", "leave it out; the first ten errors are shown"),
    ("repl", "--server", "-s", "`verdict run` is the server, `verdict dev` one to try things out"),
];

const ONLY_REGO: &str = "leave it out; policy is evaluated as Rego, and there is no other target";
const NO_LEVELS: &str = "leave it out; policy is always compiled in the same way";
const ALWAYS_SAME: &str = "leave it out; results are the same, and there is nothing to turn off";
const NO_PARTIAL: &str = "leave it out; partial evaluation is not supported";
const NO_PLUGINS: &str = "there are no plugins; `--signing-key` takes a file with the private key";
const NO_LOG: &str = "leave it out; this command writes no log, and messages go to standard error";
const NO_CONFIGURATION: &str =
    "leave it out, and name the bundles with `--bundle`; nothing is downloaded here";

/// Arguments as clap takes them: `--explain full` is `--explain=full`, because the query may stand there.
pub(super) fn spelled(mut args: Vec<std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    const HOW: [&str; 5] = ["off", "full", "notes", "fails", "debug"];
    if args.get(1).is_none_or(|command| command != "eval") {
        return args;
    }
    let is_how = |word: Option<&std::ffi::OsString>| {
        word.and_then(|word| word.to_str()).is_some_and(|word| HOW.contains(&word))
    };
    let flag = (2..args.len()).find(|n| args.get(*n).is_some_and(|word| word == "--explain"));
    if let Some(flag) = flag.filter(|flag| is_how(args.get(flag + 1))) {
        let how = args.remove(flag + 1);
        if let Some(word) = args.get_mut(flag) {
            word.push("=");
            word.push(how);
        }
    }
    args
}

/// Adds to an error what to write instead, where that is known; `command` is the first word of the arguments.
pub(super) fn explain(error: &mut clap::Error, command: &str) {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let advice = match error.kind() {
        ErrorKind::UnknownArgument => text(ContextKind::InvalidArg).and_then(|flag| for_flag(command, &flag)),
        ErrorKind::InvalidSubcommand => {
            let name = text(ContextKind::InvalidSubcommand);
            name.and_then(|name| COMMANDS.iter().find(|(other, _)| *other == name)).map(|(_, advice)| *advice)
        }
        _ => None,
    };
    let Some(advice) = advice else { return };
    // What is only spelled alike would mislead.
    for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::TrailingArg] {
        error.remove(kind);
    }
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![advice.into()]));
}

fn for_flag(command: &str, flag: &str) -> Option<&'static str> {
    let name = flag.split('=').next().unwrap_or(flag);
    let known = FLAGS.iter().find(|(of, long, short, _)| *of == command && (*long == name || *short == name));
    known.map(|(.., advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    #[test]
    fn how_results_are_explained_is_a_word_of_its_own_or_not() {
        for (given, expected) in [
            ("verdict eval --explain notes data.a", "verdict eval --explain=notes data.a"),
            ("verdict eval --explain data.a", "verdict eval --explain data.a"),
            ("verdict eval data.a --explain", "verdict eval data.a --explain"),
            ("verdict eval --explain=full data.a", "verdict eval --explain=full data.a"),
            ("verdict test --explain full", "verdict test --explain full"),
        ] {
            let args = given.split(' ').map(OsString::from).collect();
            let words: Vec<String> = spelled(args).iter().map(|word| word.to_string_lossy().into()).collect();
            assert_eq!(words.join(" "), expected);
        }
    }
}
