//! The fence: who may import whom, as ARCHITECTURE.md says.

mod sizes;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use source::{Word, root, shown, sources, words};

/// One row of the table.
#[derive(Debug, Default, PartialEq)]
struct Row {
    imports: BTreeSet<String>,
    crates: BTreeSet<String>,
}

fn table(document: &str) -> BTreeMap<String, Row> {
    let fence = document.split("<!-- fence -->").nth(1).unwrap().split("<!-- /fence -->").next().unwrap();
    let list = |cell: &str| {
        cell.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    };
    fence
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| module"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            (cells[0].to_owned(), Row { imports: list(cells[1]), crates: list(cells[2]) })
        })
        .collect()
}

/// Whether the words from `at` on are these; a blank parts them.
fn reads(words: &[Word], at: usize, expected: &str) -> bool {
    expected.split(' ').enumerate().all(|(n, text)| words.get(at + n).is_some_and(|word| word.text == text))
}

/// Whether the word at `at` goes on with a path that began before it. A path may begin with `::` after a keyword.
fn inside_path(words: &[Word], at: usize) -> bool {
    const KEYWORDS: &[&str] = &[
        "use", "as", "for", "impl", "dyn", "mut", "in", "if", "match", "return", "while", "else", "break",
        "move",
    ];
    let name =
        |text: &str| text.starts_with(|c: char| c.is_alphabetic() || c == '_') && !KEYWORDS.contains(&text);
    at > 2 && reads(words, at - 2, ": :") && name(&words[at - 3].text)
}

/// Every name that follows `crate::`, in paths and in `use crate::{…}`, with its line.
fn crate_uses(words: &[Word]) -> Vec<Word> {
    let mut uses = Vec::new();
    for at in 0..words.len() {
        if !reads(words, at, "crate : :") || (at > 0 && words[at - 1].text == "$") {
            continue;
        }
        if reads(words, at + 3, "{") {
            uses.extend(group_members(&words[at + 4..]));
        } else {
            uses.extend(words.get(at + 3).cloned());
        }
    }
    uses
}

/// The first names of a `{a, b::{c, d}, e}` group, whose opening brace has been read.
fn group_members(group: &[Word]) -> Vec<Word> {
    let mut members = Vec::new();
    let (mut depth, mut start) = (0, true);
    for word in group {
        match word.text.as_str() {
            "{" => depth += 1,
            "}" if depth == 0 => break,
            "}" => depth -= 1,
            "," if depth == 0 => start = true,
            _ if start => {
                members.push(word.clone());
                start = false;
            }
            _ => {}
        }
    }
    members
}

/// The lines on which a third-party crate is named: at the beginning of a path, or alone in a `use`.
fn crate_lines<'a>(words: &'a [Word], name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let named = move |at: usize| {
        let begins = if at > 1 && reads(words, at - 2, ": :") { at - 2 } else { at };
        let alone = begins > 0 && matches!(words[begins - 1].text.as_str(), "use" | "crate");
        words[at].text == name && !inside_path(words, at) && (alone || reads(words, at + 1, ": :"))
    };
    (0..words.len()).filter(move |at| named(*at)).map(|at| words[at].line)
}

/// The module that a file belongs to; `None` for `lib.rs` and `main.rs`, which name them all.
fn module_of(shown: &str) -> Option<String> {
    let first = shown.strip_prefix("src/").unwrap().split('/').next().unwrap().trim_end_matches(".rs");
    (!matches!(first, "lib" | "main")).then(|| first.to_owned())
}

#[test]
fn nobody_imports_what_the_table_does_not_allow() {
    let table = table(&fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap());
    let mut trespasses = Vec::new();
    let mut seen = BTreeSet::new();
    for source in sources("src") {
        let file = shown(&source.path);
        let Some(module) = module_of(&file) else { continue };
        let Some(row) = table.get(&module) else { panic!("`{module}` has no row in ARCHITECTURE.md") };
        seen.insert(module.clone());
        let words = words(&source.code);
        let mut trespass = |line: usize, what: String| trespasses.push(format!("{file}:{line}: {what}"));
        for used in crate_uses(&words) {
            if used.text != module && table.contains_key(&used.text) && !row.imports.contains(&used.text) {
                trespass(used.line, format!("{module} -> {}", used.text));
            }
        }
        for (owner, other) in table.iter().filter(|(owner, _)| **owner != module) {
            for name in other.crates.difference(&row.crates) {
                crate_lines(&words, name)
                    .for_each(|line| trespass(line, format!("{name} belongs to {owner}")));
            }
        }
        if matches!(module.as_str(), "model" | "pdp") {
            crate_lines(&words, "tokio").for_each(|line| trespass(line, format!("tokio in {module}")));
        }
        for (at, word) in words.iter().enumerate() {
            if reads(&words, at, "Recorded : : accepted (") && module != "decision_log" {
                trespass(word.line, "only decision_log makes a Recorded".to_owned());
            }
            let declares = at > 0 && matches!(words[at - 1].text.as_str(), "struct" | "impl" | "for" | ">");
            if reads(&words, at, "Principal {") && !declares && module != "identity" {
                trespass(word.line, "only identity makes a Principal".to_owned());
            }
            if reads(&words, at, "stated : :") && !matches!(module.as_str(), "identity" | "testing") {
                trespass(word.line, "only tests of policy state a subject".to_owned());
            }
        }
    }
    assert!(trespasses.is_empty(), "\n{}", trespasses.join("\n"));
    assert_eq!(seen, table.keys().cloned().collect(), "rows and modules differ");
}

/// Files whose circles are still to be undone; each is gone from here with the last circle through it.
const CIRCLES_LEFT: &[&str] = &[
    "bundle.rs",
    "bundle/build.rs",
    "cli/bench.rs",
    "cli/bench/load.rs",
    "cli/build.rs",
    "cli/eval.rs",
    "cli/exec.rs",
    "cli/inspect.rs",
    "decision_log/notice.rs",
    "pdp.rs",
    "testing.rs",
    "testing/fixture.rs",
];

#[test]
fn files_form_no_circle() {
    let found = crate::circles::circles(&root().join("src"), CIRCLES_LEFT);
    let shown: Vec<String> = found.iter().map(|circle| circle.join(" -> ")).collect();
    assert!(found.is_empty(), "files depend on each other in circles:\n{}", shown.join("\n"));
}

#[test]
fn imports_form_no_cycle() {
    let table = table(&fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap());
    let mut left: BTreeMap<&String, BTreeSet<&String>> =
        table.iter().map(|(module, row)| (module, row.imports.iter().collect())).collect();
    while let Some(leaf) = left.iter().find(|(_, imports)| imports.is_empty()).map(|(module, _)| *module) {
        left.remove(leaf);
        for imports in left.values_mut() {
            imports.remove(leaf);
        }
    }
    assert!(left.is_empty(), "a cycle among {:?}", left.keys());
}

/// With `serde_json/arbitrary_precision`, which any dependency could turn on, numbers reach policy as something else.
#[test]
fn numbers_are_read_as_numbers() {
    let number: serde_json::Value = serde_json::from_str("18446744073709551616").unwrap();
    assert!(number.is_f64(), "arbitrary_precision is on");
}

#[test]
fn the_fence_sees_what_it_is_to_keep_out() {
    let text = "#[cfg(test)]\nmod tests {\n    use crate::app;\n}\nuse crate::{model::{a, b}, rego};\n// crate::http\n\
                fn f() { \"crate::cli\"; x::crate_::y; crate::pdp::z(); vec![crate::net::g()]; $crate::macros::m; '\"'; crate::listen::h }\n\
                #[cfg(test)]\nmod samples;\nuse crate::doors;\n";
    let words_of = |text: &str| words(&source::code(text).unwrap().0);
    let names: Vec<(usize, String)> =
        crate_uses(&words_of(text)).into_iter().map(|word| (word.line, word.text)).collect();
    let expected = [(5, "model"), (5, "rego"), (7, "pdp"), (7, "net"), (7, "listen"), (10, "doors")];
    assert_eq!(names, expected.map(|(line, name)| (line, name.to_owned())));
    for (text, found) in [
        ("use regorus::Value;", true),
        ("use regorus;", true),
        ("use ::regorus as engine;", true),
        ("extern crate regorus;", true),
        ("fn f() -> Result<::regorus::Value> {}", true),
        ("my_regorus::x", false),
        ("crate::regorus::x", false),
        ("let regorus = 1;", false),
    ] {
        assert_eq!(crate_lines(&words_of(text), "regorus").next().is_some(), found, "{text}");
    }
    let rows = table(
        "<!-- fence -->\n| module | x | y |\n|---|---|---|\n| a | b, c | d |\n| b | | |\n<!-- /fence -->",
    );
    assert_eq!(rows["a"].imports, BTreeSet::from(["b".to_owned(), "c".to_owned()]));
    assert_eq!(rows["b"], Row::default());
}
