//! From a tree to YAML text that reads as the same tree.

use crate::document::tree::{Data, Node};
use crate::document::yaml;

/// Shorter than the 1024 characters that YAML allows.
const LONGEST_SIMPLE_KEY: usize = 512;

/// A block of YAML, two blanks a level.
pub(super) fn emit(root: &Node) -> String {
    let mut out = String::new();
    block(root, 0, &mut out);
    out
}

fn block(node: &Node, level: usize, out: &mut String) {
    let indent = "  ".repeat(level);
    match &node.data {
        Data::Map(entries) => {
            for (key, value) in entries {
                let key = scalar(key);
                // A longer key needs its own indicator (YAML 1.2.2 section 7.4.3).
                match key.len() > LONGEST_SIMPLE_KEY {
                    true => out.push_str(&format!("{indent}? {key}\n{indent}:")),
                    false => out.push_str(&format!("{indent}{key}:")),
                }
                below(value, level + 1, out);
            }
        }
        Data::List(items) => {
            for item in items {
                out.push_str(&format!("{indent}-"));
                match &item.data {
                    // The first key stands behind the dash.
                    Data::Map(entries) if !entries.is_empty() => {
                        let mut text = String::new();
                        block(item, level + 1, &mut text);
                        out.push(' ');
                        out.push_str(text.trim_start_matches(' '));
                    }
                    _ => below(item, level + 1, out),
                }
            }
        }
        _ => below(node, level, out),
    }
}

/// What stands behind a key or a dash.
fn below(node: &Node, level: usize, out: &mut String) {
    match &node.data {
        Data::Null => out.push_str(" null\n"),
        Data::Bool(value) => out.push_str(&format!(" {value}\n")),
        Data::Unsigned(value) => out.push_str(&format!(" {value}\n")),
        Data::Signed(value) => out.push_str(&format!(" {value}\n")),
        Data::Float(value) => out.push_str(&format!(" {value:?}\n")),
        Data::Text(text) => out.push_str(&format!(" {}\n", scalar(text))),
        Data::List(items) if items.is_empty() => out.push_str(" []\n"),
        Data::Map(entries) if entries.is_empty() => out.push_str(" {}\n"),
        Data::List(_) | Data::Map(_) => {
            out.push('\n');
            block(node, level, out);
        }
    }
}

/// A text as it is, where that reads as the same text, else in double quotes.
fn scalar(text: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || "_-./+@*".contains(c);
    let word = text.starts_with(|c: char| c.is_alphanumeric() || "_./".contains(c))
        && text.chars().all(|c| safe(c) || c == ':')
        && !text.ends_with(':')
        && !matches!(text, "." | ".." | "...");
    // YAML 1.1 has more words for true and false; another reader may still know them.
    let old = ["y", "n", "yes", "no", "on"].contains(&text.to_lowercase().as_str());
    if word && !old && matches!(yaml::resolve(text), Data::Text(_)) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            // Line breaks and marks that a reader could take for something else.
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::tree::Origin;

    fn tree() -> impl Strategy<Value = Node> {
        let node = |data| Node::new(data, Origin::File);
        let text = || prop_oneof!["[a-z0-9.:/~ -]{0,6}", any::<String>()];
        let leaf = prop_oneof![
            Just(Data::Null),
            any::<bool>().prop_map(Data::Bool),
            any::<u64>().prop_map(Data::Unsigned),
            (i64::MIN..0).prop_map(Data::Signed),
            text().prop_map(Data::Text),
        ];
        leaf.prop_map(node).prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Data::List),
                prop::collection::btree_map(text(), inner, 0..4)
                    .prop_map(|map| Data::Map(map.into_iter().collect())),
            ]
            .prop_map(node)
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_the_same_tree(tree in tree()) {
            let root = Node::new(Data::Map(vec![("root".to_owned(), tree)]), Origin::File);
            let text = emit(&root);
            let read = yaml::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}\n{error:?}")))?;
            prop_assert!(read == root, "{text}");
        }
    }
}
