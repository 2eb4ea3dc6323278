//! Rust sources as the architecture tests see them: tokens with their lines, without comments and without code that is
//! compiled for tests only.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below a folder of the repository, in order.
pub fn rust_files(below: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "no Rust file below {below}");
    files
}

/// The folders below `crates/`, each a package.
pub fn packages() -> Vec<String> {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let mut names: Vec<String> =
        crates.map(|entry| format!("crates/{}", entry.unwrap().file_name().to_str().unwrap())).collect();
    names.sort();
    assert!(names.contains(&"crates/rego".to_owned()), "{names:?}");
    names
}

/// A path as it is shown: relative to the repository.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// A file's code outside of tests.
pub struct Source {
    pub path: PathBuf,
    pub code: Vec<TokenTree>,
}

/// The sources below `folder` that are compiled outside of tests.
pub fn sources(folder: &str) -> Vec<Source> {
    let (mut read, mut for_tests) = (Vec::new(), BTreeSet::new());
    for path in rust_files(folder) {
        let text = fs::read_to_string(&path).unwrap();
        let (code, modules) = code(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for module in modules {
            for_tests.extend(module.places(&path));
        }
        read.push(Source { path, code });
    }
    // A module for tests has its submodules in a folder of the same name.
    read.retain(|source| {
        !for_tests
            .iter()
            .any(|place| source.path == *place || source.path.starts_with(place.with_extension("")))
    });
    read
}

/// A module that is declared for tests only, in a file of its own.
#[derive(Debug, PartialEq)]
pub struct TestModule {
    name: String,
    /// Its `#[path]`.
    path: Option<String>,
}

impl TestModule {
    /// Where the file may be, given the file that declares it.
    fn places(&self, declared_in: &Path) -> Vec<PathBuf> {
        let folder = declared_in.parent().unwrap();
        if let Some(path) = &self.path {
            return vec![folder.join(path)];
        }
        let stem = declared_in.file_stem().unwrap().to_str().unwrap();
        let inside = if matches!(stem, "lib" | "main" | "mod") { folder.into() } else { folder.join(stem) };
        vec![inside.join(format!("{}.rs", self.name)), inside.join(&self.name).join("mod.rs")]
    }
}

/// The tokens of a source that are compiled outside of tests, and the modules that it declares for tests only.
pub fn code(text: &str) -> Result<(Vec<TokenTree>, Vec<TestModule>), proc_macro2::LexError> {
    let mut modules = Vec::new();
    let code = without_tests(text.parse()?, &mut modules);
    Ok((code, modules))
}

fn without_tests(stream: TokenStream, modules: &mut Vec<TestModule>) -> Vec<TokenTree> {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_test_only(&tokens[at..]) {
            let length = item_length(&tokens[at..]);
            modules.extend(declared_module(&tokens[at..at + length]));
            at += length;
            continue;
        }
        kept.push(match &tokens[at] {
            TokenTree::Group(group) => {
                let inner = without_tests(group.stream(), modules).into_iter().collect();
                let mut filtered = Group::new(group.delimiter(), inner);
                filtered.set_span(group.span());
                TokenTree::Group(filtered)
            }
            other => other.clone(),
        });
        at += 1;
    }
    kept
}

/// Whether these tokens begin with `#[cfg(test)]` or `#[cfg(all(test, …))]`.
fn is_test_only(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] = tokens else { return false };
    let text: String = attribute.stream().to_string().chars().filter(|c| !c.is_whitespace()).collect();
    hash.as_char() == '#'
        && attribute.delimiter() == Delimiter::Bracket
        && (text == "cfg(test)" || text.starts_with("cfg(all(test,"))
}

/// How many tokens belong to the item, statement, field or arm that begins with attributes.
fn item_length(tokens: &[TokenTree]) -> usize {
    let mut at = 0;
    while let [TokenTree::Punct(hash), TokenTree::Group(_), ..] = &tokens[at..] {
        if hash.as_char() != '#' {
            break;
        }
        at += 2;
    }
    let keyword = tokens[at..].iter().find_map(|token| match token {
        TokenTree::Ident(word) => Some(word.to_string()).filter(|word| !is_qualifier(word)),
        _ => None,
    });
    // Until a semicolon; or until a block, too; or until a comma, too.
    let (block, comma) = match keyword.as_deref() {
        Some("use" | "static" | "type" | "let") => (false, false),
        Some("fn" | "mod" | "impl" | "struct" | "enum" | "trait" | "union") => (true, false),
        _ => (true, true),
    };
    let last = tokens[at..].iter().position(|token| match token {
        TokenTree::Punct(punct) => punct.as_char() == ';' || (comma && punct.as_char() == ','),
        TokenTree::Group(group) => block && group.delimiter() == Delimiter::Brace,
        _ => false,
    });
    last.map_or(tokens.len(), |last| at + last + 1)
}

fn is_qualifier(word: &str) -> bool {
    matches!(word, "pub" | "const" | "async" | "unsafe" | "extern")
}

/// `mod name;`, with its attributes.
fn declared_module(item: &[TokenTree]) -> Option<TestModule> {
    let [.., TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Punct(end)] = item else {
        return None;
    };
    if word != "mod" || end.as_char() != ';' {
        return None;
    }
    let path = item.iter().find_map(|token| match token {
        TokenTree::Group(group) => {
            Some(group.stream().to_string().strip_prefix("path = \"")?.strip_suffix('"')?.to_owned())
        }
        _ => None,
    });
    Some(TestModule { name: name.to_string(), path })
}

/// A word or a sign of the code, and its line; texts and numbers are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    pub text: String,
    pub line: usize,
}

/// All words and signs in order, those inside macros as well.
pub fn words(code: &[TokenTree]) -> Vec<Word> {
    let mut words = Vec::new();
    for token in code {
        let line = token.span().start().line;
        let mut push = |text: String, line| words.push(Word { text, line });
        match token {
            TokenTree::Ident(name) => push(name.to_string(), line),
            TokenTree::Punct(punct) => push(punct.as_char().to_string(), line),
            TokenTree::Literal(_) => {}
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::None => ("", ""),
                };
                push(open.to_owned(), line);
                words.extend(self::words(&inner));
                words.push(Word { text: close.to_owned(), line: group.span_close().start().line });
            }
        }
    }
    words
}

/// A function: where it begins, how long it is, how many parameters it has (`self` included).
#[derive(Debug, PartialEq)]
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
    pub parameters: usize,
}

/// Every function that has a body, also inside of others.
pub fn functions(code: &[TokenTree]) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, token) in code.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                found.extend(functions(&inner));
            }
            TokenTree::Ident(word) if word == "fn" => found.extend(function(&code[at..])),
            _ => {}
        }
    }
    found
}

/// The function that begins with these tokens: `fn name<…>(…) -> … where … {…}`.
fn function(tokens: &[TokenTree]) -> Option<Function> {
    let [keyword, TokenTree::Ident(name), rest @ ..] = tokens else { return None };
    let mut angles = Angles::default();
    let mut parameters = None;
    for token in rest {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis && angles.depth == 0 => {
                parameters.get_or_insert_with(|| count_parameters(group));
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && angles.depth == 0 => {
                let line = keyword.span().start().line;
                let lines = group.span_close().end().line - line + 1;
                return Some(Function { name: name.to_string(), line, lines, parameters: parameters? });
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => return None,
            TokenTree::Punct(punct) => angles.read(punct.as_char()),
            _ => {}
        }
    }
    None
}

fn count_parameters(list: &Group) -> usize {
    let (mut count, mut angles, mut begun) = (0, Angles::default(), false);
    for token in list.stream() {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ',' && angles.depth == 0 => begun = false,
            other => {
                count += usize::from(!begun);
                begun = true;
                if let TokenTree::Punct(punct) = other {
                    angles.read(punct.as_char());
                }
            }
        }
    }
    count
}

/// How deep inside `<…>` a token is; the `>` of an arrow closes nothing.
#[derive(Default)]
struct Angles {
    depth: usize,
    dash: bool,
}

impl Angles {
    fn read(&mut self, sign: char) {
        match sign {
            '<' => self.depth += 1,
            '>' if !self.dash => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.dash = matches!(sign, '-' | '=');
    }
}

#[test]
fn only_code_for_tests_is_left_out() {
    let text = "#[cfg(test)]\nmod early { use crate::a; }\nuse crate::b; // crate::c\n#[cfg(test)]\n#[path = \"x_tests.rs\"]\nmod x;\n\
                #[cfg(test)]\nuse crate::{d, e};\nfn f() {\n    #[cfg(test)]\n    g();\n    h('\"', r#\"crate::i\"#, \"\n crate::j\");\n}\n\
                #[cfg(not(test))]\nfn k() {}\n#[cfg(test)]\npub(super) const fn l<A, B>(a: A) -> B { m() }\nfn n() {}\n";
    let (code, modules) = code(text).unwrap();
    let kept: Vec<(String, usize)> = words(&code)
        .into_iter()
        .filter(|word| word.text.len() == 1 && word.text.starts_with(char::is_alphabetic))
        .map(|word| (word.text, word.line))
        .collect();
    let expected = [("b", 3), ("f", 9), ("h", 12), ("k", 16), ("n", 19)];
    assert_eq!(kept, expected.map(|(name, line)| (name.to_owned(), line)));
    assert_eq!(modules, [TestModule { name: "x".into(), path: Some("x_tests.rs".into()) }]);
    assert_eq!(modules[0].places(Path::new("src/a/b.rs")), [PathBuf::from("src/a/x_tests.rs")]);
    let plain = TestModule { name: "tests".into(), path: None };
    assert_eq!(plain.places(Path::new("src/a/b.rs"))[0], PathBuf::from("src/a/b/tests.rs"));
    assert_eq!(plain.places(Path::new("src/lib.rs"))[0], PathBuf::from("src/tests.rs"));
}

#[test]
fn functions_are_measured() {
    let text = "trait T {\n    fn declared(&self);\n    fn given(&self, a: u8) -> u8 {\n        a\n    }\n}\n\
                fn f<F: Fn(u8, u8) -> u8>(f: F, m: Map<A, B>, (x, y): (u8, u8),) -> Vec<fn(u8) -> u8>\nwhere\n    F: Send,\n{\n    \
                fn inner() {}\n}\n";
    let (code, _) = code(text).unwrap();
    let measured: Vec<_> =
        functions(&code).into_iter().map(|f| (f.name, f.line, f.lines, f.parameters)).collect();
    let expected = [("given", 3, 3, 2), ("f", 7, 6, 3), ("inner", 11, 1, 0)];
    assert_eq!(measured, expected.map(|(name, line, lines, count)| (name.to_owned(), line, lines, count)));
}
