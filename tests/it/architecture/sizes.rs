//! Files and functions fit the head: how long they may be, and which do not keep to it yet.

use std::collections::BTreeMap;

use super::source::{functions, packages, rust_files, shown, sources};

const LONGEST_FILE: usize = 600;
const LONGEST_FUNCTION: usize = 60;
const MOST_PARAMETERS: usize = 6;

/// Functions that are longer than they should be: file, name, lines. The list may only shrink.
const LONG_FUNCTIONS: &[(&str, &str, usize)] = &[];

/// Functions that have more parameters than they should: file, name, count. The list may only shrink.
const MANY_PARAMETERS: &[(&str, &str, usize)] = &[
    ("crates/rego/src/program.rs", "evaluate_watched", 7),
    ("crates/rego/src/program/explain.rs", "explain", 7),
    ("src/pdp/explain.rs", "explain", 7),
];

#[test]
fn files_are_short() {
    let mut folders = vec!["src".to_owned(), "tests".to_owned(), "benches".to_owned()];
    folders.extend(packages());
    let long: Vec<String> = folders
        .iter()
        .flat_map(|folder| rust_files(folder))
        .map(|path| (std::fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, path)| format!("{}: {lines} lines", shown(&path)))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// A measure of every function that is over its limit, against the exceptions; each finding is a line.
fn compare(
    limit: usize,
    measured: &[(String, String, usize)],
    exceptions: &[(&str, &str, usize)],
) -> Vec<String> {
    let mut over: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (file, name, size) in measured.iter().filter(|(.., size)| *size > limit) {
        let most = over.entry((file, name)).or_default();
        *most = (*most).max(*size);
    }
    let mut findings = Vec::new();
    for (file, name, allowed) in exceptions {
        match over.remove(&(file, name)) {
            None => findings.push(format!("{file}: {name} keeps to {limit} now: take it off the list")),
            Some(size) if size > *allowed => {
                findings.push(format!("{file}: {name} has {size}, and had {allowed}"))
            }
            Some(_) => {}
        }
    }
    findings.extend(over.iter().map(|((file, name), size)| format!("{file}: {name} has {size} of {limit}")));
    findings
}

#[test]
fn functions_are_short_and_have_few_parameters() {
    let (mut lengths, mut parameters) = (Vec::new(), Vec::new());
    let folders = packages().into_iter().map(|package| format!("{package}/src")).chain(["src".to_owned()]);
    for source in folders.flat_map(|folder| sources(&folder)) {
        for function in functions(&source.code) {
            let file = shown(&source.path);
            lengths.push((file.clone(), function.name.clone(), function.lines));
            parameters.push((file, function.name, function.parameters));
        }
    }
    assert!(lengths.len() > 1000, "found only {} functions", lengths.len());
    let mut findings = compare(LONGEST_FUNCTION, &lengths, LONG_FUNCTIONS);
    findings.extend(compare(MOST_PARAMETERS, &parameters, MANY_PARAMETERS));
    assert!(findings.is_empty(), "lines or parameters:\n{}", findings.join("\n"));
}

#[test]
fn exceptions_hold_for_what_they_name_and_only_while_it_is_needed() {
    let measured = |size| vec![("a.rs".to_owned(), "f".to_owned(), size)];
    assert!(compare(60, &measured(60), &[]).is_empty());
    assert_eq!(compare(60, &measured(61), &[]).len(), 1);
    assert!(compare(60, &measured(61), &[("a.rs", "f", 61)]).is_empty());
    assert_eq!(compare(60, &measured(62), &[("a.rs", "f", 61)]).len(), 1);
    assert_eq!(compare(60, &measured(60), &[("a.rs", "f", 61)]).len(), 1);
    assert_eq!(compare(60, &measured(61), &[("b.rs", "f", 61)]).len(), 2);
}
