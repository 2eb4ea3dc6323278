//! The commands of the prompt: those of OPA.

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Help,
    Exit,
    Show,
    Unset,
    UnsetPackage,
    Json,
    Pretty,
    PrettyLimit,
    Trace,
    Metrics,
    Instrument,
    Profile,
    Strict,
    Dump,
    Target,
    Unsupported(&'static str),
}

/// What a command takes besides its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// Something that may be left out.
    Maybe(&'static str),
    Something(&'static str),
}

/// Name, what it takes, what it does, and what it does in words; none for another name of one that was told of.
const COMMANDS: &[(&str, Takes, Verb, &str)] = &[
    (
        "show",
        Takes::Maybe("debug"),
        Verb::Show,
        "show the current package as defined here; with debug, the settings",
    ),
    ("unset", Takes::Something("NAME"), Verb::Unset, "take back a rule that was defined here, or input"),
    (
        "unset-package",
        Takes::Something("PATH"),
        Verb::UnsetPackage,
        "take back everything defined here in a package",
    ),
    ("dump", Takes::Maybe("FILE"), Verb::Dump, "print all data, or write it to a file"),
    ("json", Takes::Nothing, Verb::Json, "print results as JSON"),
    ("pretty", Takes::Nothing, Verb::Pretty, "print results as values and tables"),
    (
        "pretty-limit",
        Takes::Something("N"),
        Verb::PrettyLimit,
        "cut values in tables after N characters; 0 shows all",
    ),
    ("trace", Takes::Maybe("off|full"), Verb::Trace, "explain the results of documents, on or off"),
    ("notes", Takes::Nothing, Verb::Trace, ""),
    ("metrics", Takes::Nothing, Verb::Metrics, "report the time of each stage, on or off"),
    ("instrument", Takes::Nothing, Verb::Instrument, "report what evaluations did, on or off"),
    ("profile", Takes::Nothing, Verb::Profile, "profile by line, on or off"),
    (
        "strict-builtin-errors",
        Takes::Nothing,
        Verb::Strict,
        "treat type errors of operators as errors, too, on or off",
    ),
    ("strict", Takes::Nothing, Verb::Strict, ""),
    ("target", Takes::Maybe("rego"), Verb::Target, ""),
    (
        "types",
        Takes::Nothing,
        Verb::Unsupported("types of results are not shown; `verdict check` reports type errors"),
        "",
    ),
    ("unknown", Takes::Maybe("REF"), Verb::Unsupported(PARTIAL), ""),
    ("partial", Takes::Maybe("REF"), Verb::Unsupported(PARTIAL), ""),
    ("help", Takes::Nothing, Verb::Help, "show this"),
    ("exit", Takes::Nothing, Verb::Exit, "end; so does Ctrl-D"),
    ("quit", Takes::Nothing, Verb::Exit, ""),
];

const PARTIAL: &str = "partial evaluation is not supported; give the whole input and evaluate the query";

/// The names of all commands.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|(name, ..)| *name)
}

/// The command that a line is, with what stands behind it; `None` for a line of Rego.
///
/// # Errors
/// A command that lacks something, or has too much.
pub(super) fn read(line: &str) -> Option<Result<(Verb, &str), String>> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let (name, takes, verb, _) = COMMANDS.iter().find(|(name, ..)| *name == word)?;
    let rest = rest.trim();
    // A rule may have the name of a command.
    let is_rego = rest.starts_with([':', '=', '!', '<', '>', '+', '-', '*', '|', '&', '%'])
        || ["if ", "contains ", "in ", "with "].iter().any(|keyword| rest.starts_with(keyword));
    match takes {
        _ if is_rego => None,
        Takes::Nothing if !rest.is_empty() => Some(Err(format!("`{name}` takes nothing; write it alone"))),
        Takes::Something(what) if rest.is_empty() => Some(Err(format!("write `{name} {what}`"))),
        _ => Some(Ok((*verb, rest))),
    }
}

/// What `help` prints.
pub(super) fn help() -> String {
    let mut text = String::from(
        "A query is evaluated; a rule is defined. A statement goes on over lines until its brackets are closed; an empty\n\
         line ends it.\n\n  data.app.allow              evaluate a document\n  \
         some x in data.users        every solution, as a table\n  x := 1                      define a rule\n  \
         p if { input.n > 1 }        define another\n  input := {\"n\": 2}           set the input\n  \
         package app                 go on in another package\n  import data.lib             import for the current package\n\n",
    );
    for (name, takes, _, about) in COMMANDS.iter().filter(|(.., about)| !about.is_empty()) {
        let takes = match takes {
            Takes::Nothing => String::new(),
            Takes::Maybe(what) => format!(" [{what}]"),
            Takes::Something(what) => format!(" {what}"),
        };
        text.push_str(&format!("  {:26}  {about}\n", format!("{name}{takes}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_rego() {
        for (line, expected) in [
            ("help", Some(Ok((Verb::Help, "")))),
            (" show  debug ", Some(Ok((Verb::Show, "debug")))),
            ("unset x", Some(Ok((Verb::Unset, "x")))),
            ("unset", Some(Err("write `unset NAME`".to_owned()))),
            ("json", Some(Ok((Verb::Json, "")))),
            ("json := 1", None),
            ("json.marshal(1)", None),
            ("metrics == 1", None),
            ("target if true", None),
            ("notes contains 1", None),
            ("help me", Some(Err("`help` takes nothing; write it alone".to_owned()))),
            ("types with input as 1", None),
            ("helper", None),
            ("", None),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }
}
