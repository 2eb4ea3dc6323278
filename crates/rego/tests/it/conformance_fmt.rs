//! `opa fmt`: texts, and what OPA 1.9 makes of them; and that the layout of a policy never changes what it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::conformance::{check_known, conformance};
use crate::conformance_opa::{Got, agrees, cases, run};
use serde_json::Value as Json;
use verdict_rego::syntax::Source;
use verdict_rego::syntax::ast::{Module, Version};
use verdict_rego::syntax::format::{Options, format};
use verdict_rego::syntax::parser::{self, parse_module};

/// The texts, on one line, that OPA lays out otherwise.
const DIFFERENT: [&str; 1] = [
    // OPA drops the parentheses, and so changes what is asked.
    r#"package test p if { "foo", (2 in {"bar": 2}) in {"foo": true} }"#,
];

fn parsed(text: &str) -> Option<Module> {
    parse_module(&Source::new("a.rego", text), Version::V1, parser::Options::default()).ok()
}

fn formatted(text: &str) -> Option<String> {
    format(&parsed(text)?, Options::default()).ok()
}

/// How often each comment stands in a text.
fn comments(text: &str) -> BTreeMap<String, usize> {
    let module = parsed(text).unwrap();
    let mut all = BTreeMap::new();
    for comment in &module.comments {
        *all.entry(module.source.slice(comment.span).trim_end().to_owned()).or_default() += 1;
    }
    all
}

#[test]
fn opa_and_the_layout_agree() {
    let Some(file) = conformance("opa-fmt.json") else { return };
    let file: Json = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    let (mut all, mut differ) = (BTreeSet::new(), BTreeSet::new());
    for case in cases {
        let (source, wanted) = (case["source"].as_str().unwrap(), case["formatted"].as_str().unwrap());
        let got = formatted(source).unwrap_or_else(|| panic!("no layout of {source}"));
        assert_eq!(formatted(&got).as_deref(), Some(&*got), "changes again: {source}");
        assert_eq!(comments(&got), comments(source), "{source}");
        let name = source.split_whitespace().collect::<Vec<_>>().join(" ");
        if got != wanted {
            println!("differs: {source}\n  got\n{got}\n  want\n{wanted}");
            differ.insert(name.clone());
        }
        all.insert(name);
    }
    println!("opa fmt: {} of {}", cases.len() - differ.len(), cases.len());
    assert!(!all.is_empty(), "no cases");
    check_known(&DIFFERENT, &all, &differ);
}

#[test]
fn policies_answer_the_same_in_another_layout() {
    let Some(cases) = cases() else { return };
    let text = |got: Result<Got, String>| match got {
        Ok(Got::Rows(rows)) => format!("{rows:?}"),
        Ok(Got::Error(why)) => why,
        Ok(Got::Refused(why)) | Err(why) => format!("refused: {why}"),
    };
    let (mut compared, mut laid_out) = (0, 0);
    for (file, case) in cases {
        let before = run(&case, &|module: &str| module.to_owned());
        let count = std::cell::Cell::new(0);
        let after = run(&case, &|module: &str| {
            // What does not parse has no layout; both refuse it.
            let Some(out) = formatted(module) else {
                assert!(parsed(module).is_none(), "{file}: no layout of {module}");
                return module.to_owned();
            };
            count.set(count.get() + 1);
            out
        });
        compared += 1;
        laid_out += count.get();
        // Answers that are random differ, but are then right or wrong alike.
        let agree = |got: &Result<Got, String>| got.as_ref().is_ok_and(|got| agrees(&case, got));
        if agree(&before) && agree(&after) {
            continue;
        }
        assert_eq!(text(after), text(before), "{file}: {}", case["note"]);
    }
    println!("opa compliance in another layout: {compared} cases, {laid_out} modules");
    assert!(compared > 1_000 && laid_out > 1_000, "{compared} cases, {laid_out} modules");
}
