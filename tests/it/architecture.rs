//! The fence: who may import whom, as ARCHITECTURE.md says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 600;

/// One row of the table.
#[derive(Debug, Default, PartialEq)]
struct Row {
    imports: BTreeSet<String>,
    crates: BTreeSet<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
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

fn rust_files(below: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(files.len() > 10, "found only {} files below {below}", files.len());
    files
}

/// The code of a file: comments, texts and what is compiled for tests alone are blanked, line by line.
fn code(source: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut for_tests, mut inside_tests) = (false, false);
    for line in source.lines() {
        // A module for tests is a line (`mod tests;`), or ends with the next brace at the beginning of a line.
        if inside_tests || (for_tests && line.starts_with("mod ")) {
            inside_tests = if inside_tests { !line.starts_with('}') } else { line.ends_with('{') };
            for_tests = false;
            lines.push(String::new());
            continue;
        }
        for_tests = line == "#[cfg(test)]";
        let mut kept = String::new();
        let mut in_text = false;
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' if in_text => {
                    chars.next();
                }
                '"' => in_text = !in_text,
                '/' if !in_text && chars.peek() == Some(&'/') => break,
                c if !in_text => kept.push(c),
                _ => {}
            }
        }
        lines.push(kept);
    }
    lines
}

/// Every name that follows `crate::`, in paths and in `use crate::{…}`, with its line.
fn crate_uses(lines: &[String]) -> Vec<(usize, String)> {
    let text = lines.join("\n");
    let mut uses = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let line = text[..at].matches('\n').count() + 1;
        let rest = &text[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            uses.extend(group_members(group).into_iter().map(|name| (line, name)));
        } else {
            uses.push((line, name_at(rest)));
        }
    }
    uses
}

/// The first names of a `{a, b::{c, d}, e}` group, whose opening brace has been read.
fn group_members(group: &str) -> Vec<String> {
    let mut members = Vec::new();
    let (mut depth, mut start) = (0, true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                members.push(name_at(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    members
}

fn name_at(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Whether code uses a third-party crate by a path.
fn uses_crate(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::")).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

/// The module that a file belongs to; `None` for `lib.rs` and `main.rs`, which name them all.
fn module_of(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
    (!matches!(first.as_str(), "lib" | "main")).then_some(first)
}

#[test]
fn nobody_imports_what_the_table_does_not_allow() {
    let table = table(&fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap());
    let mut trespasses = Vec::new();
    let mut seen = BTreeSet::new();
    for path in rust_files("src") {
        let Some(module) = module_of(&path) else { continue };
        // The unit tests of a module may lie beside it.
        if path.to_str().unwrap().ends_with("_tests.rs") {
            continue;
        }
        let Some(row) = table.get(&module) else { panic!("`{module}` has no row in ARCHITECTURE.md") };
        seen.insert(module.clone());
        let lines = code(&fs::read_to_string(&path).unwrap());
        let shown = path.strip_prefix(root()).unwrap().display();
        for (line, name) in crate_uses(&lines) {
            if name != module && table.contains_key(&name) && !row.imports.contains(&name) {
                trespasses.push(format!("{shown}:{line}: {module} -> {name}"));
            }
        }
        for (number, line) in lines.iter().enumerate() {
            for (owner, other) in table.iter().filter(|(owner, _)| **owner != module) {
                for name in
                    other.crates.iter().filter(|name| !row.crates.contains(*name) && uses_crate(line, name))
                {
                    trespasses.push(format!("{shown}:{}: {name} belongs to {owner}", number + 1));
                }
            }
            if matches!(module.as_str(), "model" | "pdp") && uses_crate(line, "tokio") {
                trespasses.push(format!("{shown}:{}: tokio in {module}", number + 1));
            }
            if line.contains("Recorded::accepted(") && module != "decision_log" {
                trespasses.push(format!("{shown}:{}: only decision_log makes a Recorded", number + 1));
            }
            let constructs =
                line.contains("Principal {") && !line.contains("struct") && !line.contains("impl");
            if constructs && module != "identity" {
                trespasses.push(format!("{shown}:{}: only identity makes a Principal", number + 1));
            }
        }
    }
    assert!(trespasses.is_empty(), "\n{}", trespasses.join("\n"));
    assert_eq!(seen, table.keys().cloned().collect(), "rows and modules differ");
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

#[test]
fn files_fit_the_head() {
    let long: Vec<String> = rust_files("src")
        .into_iter()
        .chain(rust_files("tests"))
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// With `serde_json/arbitrary_precision`, which any dependency could turn on, numbers reach policy as something else.
#[test]
fn numbers_are_read_as_numbers() {
    let number: serde_json::Value = serde_json::from_str("18446744073709551616").unwrap();
    assert!(number.is_f64(), "arbitrary_precision is on");
}

#[test]
fn the_fence_sees_what_it_is_to_keep_out() {
    let source = "use crate::{model::{a, b}, rego};\n// crate::http\nfn f() { \"crate::cli\"; x::crate_::y; crate::pdp::z() }\n\
                  use regorus::Value;\n#[cfg(test)]\nmod tests {\n    use crate::app;\n}\n\
                  #[cfg(test)]\nmod samples;\nuse crate::net;\n";
    let lines = code(source);
    let names: Vec<(usize, String)> = crate_uses(&lines);
    let expected =
        [(1, "model"), (1, "rego"), (3, "pdp"), (11, "net")].map(|(line, name)| (line, name.to_owned()));
    assert_eq!(names, expected);
    assert!(uses_crate("use regorus::Value;", "regorus") && !uses_crate("my_regorus::x", "regorus"));
    let rows = table(
        "<!-- fence -->\n| module | x | y |\n|---|---|---|\n| a | b, c | d |\n| b | | |\n<!-- /fence -->",
    );
    assert_eq!(rows["a"].imports, BTreeSet::from(["b".to_owned(), "c".to_owned()]));
    assert_eq!(rows["b"], Row::default());
}
