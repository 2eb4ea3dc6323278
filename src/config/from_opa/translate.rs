//! From OPA's file to ours.

use std::path::Path as FsPath;

use super::bundles;
use super::table::{Here, ROWS, Row, steps};
use super::translator::Translator;
use crate::config::emit;
use crate::config::error::{ConfigError, Problem};
use crate::config::load::readable;
use crate::document::file::Sort;
use crate::document::problem::SourceFile;
use crate::document::suggest::{closest, did_you_mean};
use crate::document::tree::{Data, Node, Origin, Path};

/// OPA's configuration file.
const OPA: Sort = Sort {
    called: "OPA's configuration",
    largest: 1 << 20,
    if_missing: None,
    example: "services: {acme: {url: https://acme.example}}",
};

/// A configuration of OPA's in Verdict's keys.
#[derive(Debug)]
pub struct Translation {
    /// A configuration file (YAML, with comments).
    pub text: String,
    /// What has no equivalent, with its place in OPA's file, in its order.
    pub left: Vec<Problem>,
}

/// Translates a configuration file of OPA's (YAML or JSON).
///
/// # Errors
/// The file cannot be read or is not a map; a value has a type that our key does not take.
pub fn translate(path: &FsPath) -> Result<Translation, ConfigError> {
    let file = SourceFile::read(path, &OPA)?;
    let root = file.tree(&OPA)?;
    let mut translator =
        Translator { file: &file, root: &root, tree: Node::empty_map(Origin::File), left: Vec::new() };
    // What OPA does without being told.
    translator.set("identity.mode", word("off"));
    translator.set("decision.builtin_errors", word("undefined"));
    below(&mut translator, &Path::default(), &root);
    bundles::translate(&mut translator);
    let Translator { mut tree, left, .. } = translator;
    readable(&tree).map_err(|flaws| ConfigError {
        problems: flaws.into_iter().map(|flaw| flaw.into_problem(&tree, Some(&file))).collect(),
    })?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(Translation { text: written(&name, &mut tree), left })
}

fn word(text: &str) -> Node {
    Node::new(Data::Text(text.to_owned()), Origin::File)
}

/// What a section is there for, where a reader of OPA's file would wonder.
fn about(section: &str) -> Option<&'static str> {
    Some(match section {
        "identity" => {
            "OPA verifies no credentials. `mode: required` and `issuers` make Verdict do so (docs/identity.md)."
        }
        "decision" => {
            "As in OPA, an error of a built-in is undefined, which `not` makes true. Without this key it is an error, and denies."
        }
        _ => return None,
    })
}

fn written(name: &str, tree: &mut Node) -> String {
    let mut text = format!("# Made from {name} by `verdict config --from-opa`.\n");
    let Data::Map(sections) = std::mem::replace(&mut tree.data, Data::Null) else { return text };
    for section in sections {
        if let Some(about) = about(&section.0) {
            text.push_str(&format!("# {about}\n"));
        }
        text.push_str(&emit::emit(&Node::new(Data::Map(vec![section]), Origin::File)));
    }
    text
}

fn below(translator: &mut Translator<'_>, path: &Path, node: &Node) {
    // Services may be a list.
    if let Data::List(items) = &node.data
        && ROWS.iter().any(|row| row.next_after(&steps(path)) == Some("*"))
    {
        items.iter().enumerate().for_each(|(n, item)| below(translator, &path.index(n), item));
        return;
    }
    let Data::Map(entries) = &node.data else {
        return translator.leave(path, "OPA has a map here", None);
    };
    for (key, value) in entries {
        let path = path.key(key);
        let steps = steps(&path);
        match ROWS.iter().find(|row| row.is_of(&steps)) {
            Some(row) => take(translator, row, &path, value),
            None if ROWS.iter().any(|row| row.next_after(&steps).is_some()) => {
                if value.data != Data::Null {
                    below(translator, &path, value);
                }
            }
            None => translator.leave(&path, "OPA has no such key", unknown(&steps).as_deref()),
        }
    }
}

fn take(translator: &mut Translator<'_>, row: &Row, path: &Path, value: &Node) {
    match row.here {
        Here::Part(_) | Here::Unneeded(_) => {}
        Here::Missing(instead) => translator.leave(path, instead, None),
        Here::Key(key, form) => {
            if let Some(value) = translator.in_form(path, key, form, value) {
                translator.set(key, value);
            }
        }
    }
}

/// What was probably meant by a key that OPA does not have.
fn unknown(steps: &[&str]) -> Option<String> {
    let (last, above) = steps.split_last()?;
    let known = ROWS.iter().filter_map(|row| row.next_after(above));
    closest(last, known).map(|guess| did_you_mean(Some(guess), "").trim_end().to_owned())
}
