//! A document in a file: read, made a tree, and typed.

use std::fs::File;
use std::io::Read;
use std::path::Path as FsPath;

use serde::de::DeserializeOwned;

use super::flaw::Flaw;
use super::problem::{Problem, SourceFile};
use super::tree::{Data, Node, Part, Path};
use super::{typed, yaml};

/// Larger than any document that a person or a script writes for a sidecar, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// What a file is called in errors, and what is to be said of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sort {
    /// With its article, e.g. `the configuration`.
    pub(crate) called: &'static str,
    /// In bytes.
    pub(crate) largest: u64,
    /// What helps where the file is not there.
    pub(crate) if_missing: Option<&'static str>,
    /// What the file begins with, e.g. `server: {listen: 127.0.0.1:8181}`.
    pub(crate) example: &'static str,
}

/// A document of which nothing is known.
const PLAIN: Sort =
    Sort { called: "the file", largest: LARGEST_FILE, if_missing: None, example: "key: value" };

/// A document as it stands in its file.
#[derive(Debug, Clone)]
pub struct Tree {
    root: Node,
    file: SourceFile,
}

impl Tree {
    /// What is wrong with the value at a dotted path, e.g. `agents[2].organisation`; with file, line and column. The line
    /// itself is shown, unless it may hold a secret.
    pub fn problem(&self, at: &str, message: &str, hint: Option<&str>) -> Problem {
        let path = Path::dotted(at);
        let flaw = Flaw {
            origin: super::tree::Origin::File,
            path,
            part: Part::Value,
            message: message.to_owned(),
            hint: hint.map(str::to_owned),
            known: None,
        };
        flaw.into_problem(&self.root, Some(&self.file))
    }
}

/// Reads a document and what it says.
///
/// # Errors
/// What is wrong with it, with file, line and column: it cannot be read; it is larger than 16 MiB; it is not UTF-8, not YAML or
/// not one map; the first key that `T` does not know or misses, or the first value of another type.
pub fn read_file<T: DeserializeOwned>(path: &FsPath) -> Result<(T, Tree), Problem> {
    typed_tree(SourceFile::read(path, &PLAIN)?)
}

/// Reads the text of a document, and calls it `path` in errors.
#[cfg(test)]
pub(crate) fn read_text<T: DeserializeOwned>(path: &FsPath, text: String) -> Result<(T, Tree), Problem> {
    typed_tree(SourceFile { path: path.to_owned(), text })
}

fn typed_tree<T: DeserializeOwned>(file: SourceFile) -> Result<(T, Tree), Problem> {
    let root = file.tree(&PLAIN)?;
    match typed::read(&root) {
        Ok(value) => Ok((value, Tree { root, file })),
        Err(flaw) => Err(flaw.into_problem(&root, Some(&file))),
    }
}

impl SourceFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is too large, or is not UTF-8.
    pub(crate) fn read(path: &FsPath, sort: &Sort) -> Result<Self, Problem> {
        let Sort { called, largest, if_missing, .. } = sort;
        let name = path.display();
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(largest + 1).read_to_end(&mut bytes));
        if let Err(error) = read {
            let hint = match error.kind() {
                std::io::ErrorKind::NotFound => *if_missing,
                std::io::ErrorKind::IsADirectory => Some("name a file in it"),
                _ => None,
            };
            return Err(Problem::new(&format!("{name}: cannot read {called}: {error}"), hint));
        }
        if bytes.len() as u64 > *largest {
            let message =
                format!("{name}: larger than {} MiB, which is too large for {called}", largest >> 20);
            return Err(Problem::new(&message, None));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Problem::new(&format!("{name}: not UTF-8 at byte {at}"), Some("save the file as UTF-8"))
        })?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// The tree of this file, which is a map.
    ///
    /// # Errors
    /// What is wrong with the text, with its place.
    pub(crate) fn tree(&self, sort: &Sort) -> Result<Node, Problem> {
        let tree = yaml::parse(&self.text).map_err(|malformed| {
            let tab = malformed.place.is_some_and(|place| self.has_tab_before(place));
            let hint = tab.then_some("indent with spaces; YAML does not allow tabs there");
            self.problem(malformed.place, &malformed.message, hint)
        })?;
        if !matches!(tree.data, Data::Map(_)) {
            let message = format!("the file must be a map of keys, e.g. `{}`", sort.example);
            return Err(self.problem(tree.place, &message, None));
        }
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shop {
        name: String,
        #[serde(default)]
        shelves: Vec<Shelf>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shelf {
        width: u64,
    }

    fn read(text: &str) -> Result<(Shop, Tree), String> {
        read_text(FsPath::new("shop.yaml"), text.to_owned()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_document_is_typed_or_says_where_it_is_not() {
        let (shop, tree) = read("name: corner\nshelves:\n  - width: 3\n").unwrap();
        assert_eq!((shop.name.as_str(), shop.shelves[0].width), ("corner", 3));
        let problem = tree.problem("shelves[0].width", "too narrow", Some("take a wider one")).to_string();
        assert!(problem.starts_with("shop.yaml:3:12: shelves[0].width: too narrow\n"), "{problem}");
        assert!(problem.ends_with("hint: take a wider one"), "{problem}");
        let (shop, _) = read("{\"name\": \"corner\", \"shelves\": [{\"width\": 7}]}").unwrap();
        assert_eq!(shop.shelves[0].width, 7);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, begins, holds) in [
            (
                "name: a\nshelfs: []\n",
                "shop.yaml:2:1: shelfs: unknown key `shelfs`",
                "did you mean `shelves`?",
            ),
            ("name: a\nshelves: [{width: x}]\n", "shop.yaml:2:19: shelves[0].width: expected a number", ""),
            ("shelves: []\n", "shop.yaml:1:1: name: `name` is missing", ""),
            ("name: a\nname: b\n", "shop.yaml:2:1: duplicate key `name`", ""),
            ("- a\n", "shop.yaml:1:1: the file must be a map of keys, e.g. `key: value`", ""),
            ("name: a\nsecret: rosebud\n", "shop.yaml:2:1: secret: unknown key `secret`", ""),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(begins) && error.contains(holds), "{text}: {error}");
            assert!(!error.contains("rosebud"), "{error}");
        }
    }
}
