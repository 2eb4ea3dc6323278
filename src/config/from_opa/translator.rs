//! A translation that is being made.

use super::table::Form;
use crate::config::error::Problem;
use crate::config::variables::environment_name;
use crate::document::problem::SourceFile;
use crate::document::tree::{Data, Node, Part, Path};

pub(super) struct Translator<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) root: &'a Node,
    /// Our configuration. Its nodes keep their places in OPA's file.
    pub(super) tree: Node,
    pub(super) left: Vec<Problem>,
}

impl Translator<'_> {
    pub(super) fn set(&mut self, key: &str, value: Node) {
        // The tree is made of keys of ours alone: nothing is in the way.
        let _ = self.tree.set(&Path::dotted(key), value);
    }

    /// Names a key that has no equivalent.
    pub(super) fn leave(&mut self, path: &Path, message: &str, hint: Option<&str>) {
        let place = self.root.locate(path, Part::Key);
        let problem = self.file.problem(place, &format!("{path}: {message}"), hint);
        self.left.push(Problem { excerpt: None, ..problem });
    }

    /// The value for a key of ours, unless OPA would make something else of it.
    pub(super) fn in_form(&mut self, path: &Path, key: &str, form: Form, value: &Node) -> Option<Node> {
        if let Some(variable) = first_variable(value) {
            let name = environment_name(key);
            let message = format!(
                "`${{{variable}}}` would be a text here; set the environment variable `{name}` instead"
            );
            self.leave(path, &message, None);
            return None;
        }
        let data = match (form, &value.data) {
            (Form::Document, Data::Text(text)) => Data::Text(text.trim_start_matches('/').to_owned()),
            (Form::Console, Data::Bool(on)) => Data::Text(if *on { "json" } else { "off" }.to_owned()),
            (Form::CacheSize, Data::Unsigned(0)) => {
                let message =
                    "no cache is without limit here; `http_send.cache.max_size` is 16MiB by default";
                self.leave(path, message, None);
                return None;
            }
            (_, data) => data.clone(),
        };
        Some(Node { data, ..value.clone() })
    }
}

/// The first `${NAME}` in a value or below it, which OPA replaces by a variable of its environment.
pub(super) fn first_variable(node: &Node) -> Option<&str> {
    match &node.data {
        Data::Text(text) => text.split_once("${")?.1.split_once('}').map(|(name, _)| name),
        Data::List(items) => items.iter().find_map(first_variable),
        Data::Map(entries) => entries.iter().find_map(|(_, value)| first_variable(value)),
        _ => None,
    }
}
