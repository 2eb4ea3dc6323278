//! Whatever the text: a configuration or an error, never a panic, never an end that does not come.

use proptest::prelude::*;

use super::{File, json, load};
use verdict::config::{Environment, Sources, reference};

/// One change somewhere in a text.
#[derive(Debug, Clone)]
enum Edit {
    Delete(prop::sample::Index),
    Insert(prop::sample::Index, String),
    SwapLines(prop::sample::Index, prop::sample::Index),
    Indent(prop::sample::Index),
    Value(prop::sample::Index, String),
}

fn piece() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "null",
        "~",
        "[]",
        "{}",
        "[1, 2]",
        "{a: b}",
        "-1",
        "1e999",
        "true",
        "''",
        "\"",
        "'",
        "|",
        ">",
        "&a",
        "*a",
        "<<: *a",
        "!t",
        "---",
        "...",
        "%",
        "@",
        "`",
        "#",
        ":",
        "- ",
        "? ",
        "\t",
        "\u{feff}",
        "\u{2028}",
        "\0",
        "é",
        "https://u:p@h/",
        "0",
        "1MiB",
        "50ms",
        "\r",
        "99999999999999999999",
    ])
    .prop_map(str::to_owned)
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        at().prop_map(Edit::Delete),
        (at(), piece()).prop_map(|(at, text)| Edit::Insert(at, text)),
        (at(), at()).prop_map(|(one, other)| Edit::SwapLines(one, other)),
        at().prop_map(Edit::Indent),
        (at(), piece()).prop_map(|(at, text)| Edit::Value(at, text)),
    ]
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut text = text.to_owned();
    for edit in edits {
        let mut chars: Vec<char> = text.chars().collect();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if chars.is_empty() || lines.is_empty() {
            break;
        }
        text = match edit {
            Edit::Delete(at) => {
                chars.remove(at.index(chars.len()));
                chars.into_iter().collect()
            }
            Edit::Insert(at, piece) => {
                let at = at.index(chars.len());
                chars[..at].iter().chain(&piece.chars().collect::<Vec<_>>()).chain(&chars[at..]).collect()
            }
            Edit::SwapLines(one, other) => {
                let count = lines.len();
                lines.swap(one.index(count), other.index(count));
                lines.join("\n")
            }
            Edit::Indent(at) => {
                let at = at.index(lines.len());
                lines[at].insert_str(0, "  ");
                lines.join("\n")
            }
            Edit::Value(at, piece) => {
                let at = at.index(lines.len());
                let key = lines[at].split(": ").next().unwrap().to_owned();
                lines[at] = format!("{key}: {piece}");
                lines.join("\n")
            }
        };
    }
    text
}

/// It loads, and then prints as what loads the same; or it says what is wrong.
fn check(text: &str) -> Result<(), TestCaseError> {
    match File::new(text).load() {
        Ok(loaded) => {
            let printed = loaded.config.to_yaml().unwrap();
            let again = File::new(&printed).load();
            let again = again.map_err(|error| TestCaseError::fail(format!("{printed}\n{error}")))?;
            // Masking changes what it prints, and only that.
            if !text.contains("://") {
                prop_assert_eq!(json(&loaded), json(&again));
            }
            prop_assert_eq!(printed, again.config.to_yaml().unwrap());
        }
        Err(error) => {
            prop_assert!(!error.problems.is_empty());
            for problem in &error.problems {
                prop_assert!(!problem.message.is_empty());
                prop_assert!(!problem.message.contains('\n'), "{}", problem.message);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_pieces_of_yaml(pieces in prop::collection::vec(
        prop_oneof![piece(), Just("\n".to_owned()), Just("server: ".to_owned()), Just("identity:\n  ".to_owned()),
            Just("issuers: ".to_owned()), Just("mode".to_owned()), Just(" ".to_owned())], 0..20)) {
        check(&pieces.concat())?;
    }

    #[test]
    fn a_valid_file_with_mistakes(edits in prop::collection::vec(edit(), 1..5)) {
        check(&edited(reference::EXAMPLE, &edits))?;
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = File::new(bytes).load() {
            prop_assert!(!error.problems.is_empty());
        }
    }

    #[test]
    fn any_environment(variables in prop::collection::vec(
        ("VERDICT_[A-Z_]{0,12}|VERDICT_(SERVER|IDENTITY|BUNDLES|DECISION_LOG)__[A-Z_]{0,20}|VERDICT_IDENTITY__(MODE|ISSUERS|ENTRYPOINTS)",
            prop_oneof![any::<String>(), piece()]), 0..4)) {
        let env: Environment = variables.into_iter().filter(|(name, _)| name != "VERDICT_CONFIG").collect();
        if let Err(error) = load(Sources { env, ..Sources::default() }) {
            prop_assert!(!error.problems.is_empty());
        }
    }
}
