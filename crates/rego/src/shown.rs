//! Paths of documents, as OPA writes them: `data.app["b-c"].allow`.

use std::sync::Arc;

use crate::value::Value;

/// One part: `.name` or `["other"]`.
pub fn part(part: &Value) -> String {
    let plain = |text: &str| {
        !text.starts_with(|c: char| c.is_ascii_digit())
            && !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match part {
        Value::String(text) if plain(text) => format!(".{text}"),
        _ => format!("[{part}]"),
    }
}

/// The path of a document, from `data`, which is left out in it.
pub fn path<'p>(parts: impl IntoIterator<Item = &'p Value>) -> String {
    parts.into_iter().fold("data".to_owned(), |text, one| text + &part(one))
}

/// The same, where all parts are names.
pub fn names(parts: &[Arc<str>]) -> String {
    parts.iter().fold("data".to_owned(), |text, name| text + &part(&Value::String(Arc::clone(name))))
}
