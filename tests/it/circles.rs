//! Circles among the source files of a crate.
//!
//! What a file depends on, by a rule that needs no types:
//!
//! - A path that starts at `crate`, `self`, `super`, a child module or an imported name is followed through modules and
//!   imports to the file that defines what it names. The file that the path stands in depends on that file.
//! - `mod child;` and `pub use child::…` are no dependence: a facade that only declares and re-exports its children does
//!   not depend on them. Whoever names something through the facade depends on the file behind it.
//! - What is compiled for tests alone does not count.
//!
//! Sound for paths: every name that a file writes is followed. Methods are not seen, as only types tell where they are
//! defined; an `impl` block for a type of a lower file may therefore stand in a higher one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path;

type Names = Vec<String>;

/// Where a file stands in the tree of modules, and what it says about names.
#[derive(Debug, Default)]
struct Module {
    file: String,
    children: BTreeSet<String>,
    /// Imported names (`*` for globs, whose targets may be several), what they stand for, and whether they are public.
    imports: Vec<(String, Names, bool)>,
    /// Paths in code.
    paths: BTreeSet<Names>,
}

/// The circles among the files below `root` (with its `lib.rs`), each as one shortest way around; those through files that
/// are left for later do not count.
pub fn circles(root: &Path, left: &[&str]) -> Vec<Vec<String>> {
    let mut modules = BTreeMap::new();
    read(&root.join("lib.rs"), "lib.rs".to_owned(), Vec::new(), &mut modules);
    let mut edges = dependences(&modules);
    edges.retain(|file, _| !left.contains(&file.as_str()));
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for file in edges.keys() {
        if seen.contains(file) {
            continue;
        }
        if let Some(circle) = shortest_circle(file, &edges) {
            seen.extend(circle.iter().cloned());
            found.push(circle);
        }
    }
    found
}

/// Whether one file depends on another, if only through others.
#[allow(dead_code, reason = "not every crate asks")]
pub fn reaches(root: &Path, from: &str, to: &str) -> bool {
    let mut modules = BTreeMap::new();
    read(&root.join("lib.rs"), "lib.rs".to_owned(), Vec::new(), &mut modules);
    let edges = dependences(&modules);
    let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(file) = left.pop() {
        let next = edges.get(file).unwrap_or_else(|| panic!("there is no {file}"));
        if next.contains(to) {
            return true;
        }
        left.extend(next.iter().map(String::as_str).filter(|next| seen.insert(*next)));
    }
    false
}

fn shortest_circle(start: &String, edges: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut before: BTreeMap<&String, &String> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for next in edges.get(file).into_iter().flatten() {
            if next == start {
                let mut circle = vec![file.clone()];
                let mut at = file;
                while at != start {
                    at = before[at];
                    circle.push(at.clone());
                }
                circle.reverse();
                return Some(circle);
            }
            if !before.contains_key(next) {
                before.insert(next, file);
                queue.push_back(next);
            }
        }
    }
    None
}

/// Reads a module and those that it declares.
fn read(path: &Path, file: String, at: Names, modules: &mut BTreeMap<Names, Module>) {
    let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut module = parse(&without_tests(&tokens(&source)));
    module.file = file;
    let folder = match at.last() {
        None => path.parent().unwrap().to_owned(),
        Some(name) if path.file_name().unwrap() != "mod.rs" => path.with_file_name(name),
        Some(_) => path.parent().unwrap().to_owned(),
    };
    for child in module.children.clone() {
        let mut below = at.clone();
        below.push(child.clone());
        let name = |module: &str| {
            if at.is_empty() { module.to_owned() } else { format!("{}/{module}", at.join("/")) }
        };
        let (plain, inner) = (folder.join(format!("{child}.rs")), folder.join(&child).join("mod.rs"));
        if plain.exists() {
            read(&plain, name(&format!("{child}.rs")), below, modules);
        } else if inner.exists() {
            read(&inner, name(&format!("{child}/mod.rs")), below, modules);
        } else {
            panic!("{} declares `{child}`, for which there is no file", path.display());
        }
    }
    modules.insert(at, module);
}

/// Each file with those that it depends on.
fn dependences(modules: &BTreeMap<Names, Module>) -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (at, module) in modules {
        let mut targets = BTreeSet::new();
        for (name, path, public) in &module.imports {
            for target in resolve(modules, at, path, name == "*") {
                if !(*public && target.len() > at.len() && target.starts_with(at)) {
                    targets.insert(target);
                }
            }
        }
        // A name by itself is never that of a module.
        for path in module.paths.iter().filter(|path| path.len() > 1 || !module.children.contains(&path[0])) {
            targets.extend(resolve(modules, at, path, false));
        }
        let files =
            targets.iter().map(|target| modules[target].file.clone()).filter(|file| *file != module.file);
        edges.entry(module.file.clone()).or_default().extend(files);
    }
    edges
}

/// The modules that define what a path means that stands in the module `at`: several only for a glob.
fn resolve(modules: &BTreeMap<Names, Module>, at: &Names, path: &[String], glob: bool) -> BTreeSet<Names> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut left = vec![(at.clone(), path.to_vec(), true)];
    while let Some((mut here, rest, relative)) = left.pop() {
        if !seen.insert((here.clone(), rest.clone(), relative)) {
            continue;
        }
        let Some((first, after)) = rest.split_first() else {
            if glob {
                let public = modules[&here].imports.iter().filter(|(_, _, public)| *public);
                left.extend(public.map(|(_, path, _)| (here.clone(), path.clone(), true)));
            }
            found.insert(here);
            continue;
        };
        match first.as_str() {
            "crate" if relative => left.push((Vec::new(), after.to_vec(), false)),
            "self" => left.push((here, after.to_vec(), relative)),
            "super" => {
                here.pop();
                // What follows may be another `super`.
                left.push((here, after.to_vec(), after.first().is_some_and(|next| next == "super")));
            }
            name => {
                let module = &modules[&here];
                let imported: Vec<&Names> = module
                    .imports
                    .iter()
                    .filter(|(known, _, _)| known == name)
                    .map(|(_, path, _)| path)
                    .collect();
                if module.children.contains(name) {
                    here.push(name.to_owned());
                    left.push((here, after.to_vec(), false));
                } else if !imported.is_empty() {
                    for path in imported {
                        // An import of a name by itself (`use regex;`) is of another crate.
                        if path.first().is_some_and(|first| first == name) && !module.children.contains(name)
                        {
                            continue;
                        }
                        left.push((here.clone(), path.iter().chain(after).cloned().collect(), true));
                    }
                } else if !relative {
                    // Defined here, unless a glob brings it: then it may be there, too.
                    let globs = module.imports.iter().filter(|(known, _, public)| known == "*" && *public);
                    for (_, path, _) in globs {
                        left.push((
                            here.clone(),
                            path.iter().chain([first]).chain(after).cloned().collect(),
                            true,
                        ));
                    }
                    found.insert(here);
                }
                // Otherwise another crate's, or a name of the file itself.
            }
        }
    }
    found
}

/// Names, and each other sign by itself; `::` is one. Comments, texts, characters and lifetimes are left out.
fn tokens(source: &str) -> Vec<String> {
    let chars: Vec<char> = source.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let c = at(i);
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 || i >= chars.len() {
                    break;
                }
            }
        } else if c == '"' {
            i = after_text(&chars, i);
        } else if c == '\'' {
            // A character, or a lifetime.
            if at(i + 1) == '\\' {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            } else if at(i + 2) == '\'' {
                i += 3;
            } else {
                i += 1;
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1;
                }
            }
        } else if c.is_alphabetic() || c == '_' {
            let start = i;
            while at(i).is_alphanumeric() || at(i) == '_' {
                i += 1;
            }
            let word: String = chars[start..i].iter().collect();
            let raw = matches!(word.as_str(), "r" | "br" | "b" | "c" | "cr");
            let mut hashes = 0;
            while raw && word.ends_with('r') && at(i + hashes) == '#' {
                hashes += 1;
            }
            if raw && at(i + hashes) == '"' {
                i = if word.ends_with('r') {
                    after_raw_text(&chars, i + hashes, hashes)
                } else {
                    after_text(&chars, i)
                };
            } else if word == "r" && hashes == 1 {
                // A raw name.
                i += 1;
            } else {
                tokens.push(word);
            }
        } else if c.is_ascii_digit() {
            while at(i).is_alphanumeric() || at(i) == '_' {
                i += 1;
            }
        } else if c == ':' && at(i + 1) == ':' {
            tokens.push("::".to_owned());
            i += 2;
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            i += 1;
        }
    }
    tokens
}

fn after_text(chars: &[char], quote: usize) -> usize {
    let mut i = quote + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

fn after_raw_text(chars: &[char], quote: usize, hashes: usize) -> usize {
    let mut i = quote + 1;
    while i < chars.len() {
        if chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return i + 1 + hashes;
        }
        i += 1;
    }
    i
}

/// Without the items that `#[cfg(test)]` stands before.
fn without_tests(tokens: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let rest = &tokens[i..];
        if !rest.iter().map(String::as_str).take(7).eq(["#", "[", "cfg", "(", "test", ")", "]"]) {
            kept.push(tokens[i].clone());
            i += 1;
            continue;
        }
        // An item ends with a semicolon, or with the brace that closes its body.
        i += 7;
        let mut depth = 0;
        while i < tokens.len() {
            match tokens[i].as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" => depth -= 1,
                "}" => depth -= 1,
                _ => {}
            }
            i += 1;
            let last = tokens[i - 1].as_str();
            if depth < 0 || (depth == 0 && matches!(last, ";" | "}" | ",")) {
                break;
            }
        }
        if depth < 0 {
            i -= 1;
        }
    }
    kept
}

fn parse(tokens: &[String]) -> Module {
    let mut module = Module::default();
    let is_name = |token: &str| token.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let mut i = 0;
    let mut public = false;
    while i < tokens.len() {
        let token = tokens[i].as_str();
        let before = i.checked_sub(1).map_or("", |before| tokens[before].as_str());
        match token {
            "pub" => {
                public = true;
                i += 1;
                if tokens.get(i).is_some_and(|next| next == "(") {
                    while tokens[i] != ")" {
                        i += 1;
                    }
                    i += 1;
                }
                continue;
            }
            "mod" if tokens.get(i + 2).is_some_and(|end| end == ";") => {
                module.children.insert(tokens[i + 1].clone());
                i += 2;
            }
            // `use<'a>` is no import.
            "use" if tokens.get(i + 1).is_some_and(|next| next != "<") => {
                let end = i + tokens[i..].iter().position(|token| token == ";").unwrap();
                let mut at = i + 1;
                tree(tokens, &mut at, &Vec::new(), public, &mut module.imports);
                i = end;
            }
            name if is_name(name) && before != "::" && before != "." => {
                let mut path = vec![name.to_owned()];
                while tokens.get(i + 1).is_some_and(|next| next == "::")
                    && tokens.get(i + 2).is_some_and(|next| is_name(next))
                {
                    path.push(tokens[i + 2].clone());
                    i += 2;
                }
                module.paths.insert(path);
            }
            _ => {}
        }
        public = false;
        i += 1;
    }
    module
}

/// One tree of a `use`.
fn tree(
    tokens: &[String],
    at: &mut usize,
    before: &Names,
    public: bool,
    imports: &mut Vec<(String, Names, bool)>,
) {
    let mut path = before.clone();
    loop {
        match tokens[*at].as_str() {
            "::" => *at += 1,
            "{" => {
                *at += 1;
                while tokens[*at] != "}" {
                    tree(tokens, at, &path, public, imports);
                    if tokens[*at] == "," {
                        *at += 1;
                    }
                }
                *at += 1;
                return;
            }
            "*" => {
                *at += 1;
                imports.push(("*".to_owned(), path, public));
                return;
            }
            "as" => {
                imports.push((tokens[*at + 1].clone(), path, public));
                *at += 2;
                return;
            }
            "," | ";" | "}" => {
                if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                    path.pop();
                }
                imports.push((path.last().unwrap().clone(), path, public));
                return;
            }
            name => {
                path.push(name.to_owned());
                *at += 1;
            }
        }
    }
}

/// The rule, on a crate that is written down here.
#[test]
fn circles_are_found_and_facades_are_none() {
    let folder = std::env::temp_dir().join(format!("circles-{}", std::process::id()));
    let write = |files: &[(&str, &str)]| {
        let _ = fs::remove_dir_all(&folder);
        for (name, text) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        circles(&folder, &[])
    };
    let circle = |files: &[&str]| vec![files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>()];
    let lib = ("lib.rs", "pub mod a;\nmod b;\npub use a::x::X;\n");
    let facade = ("a.rs", "mod x;\npub mod y;\npub use x::X;\n");
    // A facade is no link, and neither is what is said in comments, texts and tests.
    let x = "// crate::b::B\nconst T: &str = \"crate::b\"; const C: char = '\"';\npub struct X;\n\
             #[cfg(test)]\nmod tests { use crate::b::B; }\n";
    let b = ("b.rs", "use crate::a::{X, y};\npub struct B(X);\nfn f() { y::f() }\n");
    assert!(write(&[lib, facade, ("a/x.rs", x), ("a/y.rs", "use super::X;\npub fn f() {}\n"), b]).is_empty());
    // Through the facade, by a path in code.
    let y = ("a/y.rs", "pub fn f() -> Option<crate::b::B> { None }\n");
    assert_eq!(write(&[lib, facade, ("a/x.rs", x), y, b]), circle(&["a/y.rs", "b.rs"]));
    // Through a name that the crate's root re-exports.
    let z = ("b.rs", "pub struct B(crate::X);\n");
    let x = ("a/x.rs", "use crate::b as other;\npub struct X(Box<other::B>);\n");
    assert_eq!(write(&[lib, facade, x, ("a/y.rs", ""), z]), circle(&["a/x.rs", "b.rs"]));
    // A parent that uses its child, which uses the parent.
    let parent = ("a.rs", "mod x;\npub mod y;\npub use x::X;\npub const N: u8 = y::M;\n");
    let child = ("a/y.rs", "pub const M: u8 = 1;\npub const O: u8 = super::N;\n");
    assert_eq!(
        write(&[lib, parent, ("a/x.rs", "pub struct X;"), child, ("b.rs", "")]),
        circle(&["a.rs", "a/y.rs"])
    );
    fs::remove_dir_all(&folder).unwrap();
}
