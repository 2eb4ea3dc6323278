//! Names that are nearly those that were meant.

use std::sync::Arc;

/// `did you mean …?`
pub(super) fn meant(name: &str) -> String {
    format!("did you mean `{name}`?")
}

/// A path as it is written.
pub(super) fn dotted<'p>(parts: impl IntoIterator<Item = &'p Arc<str>>) -> String {
    let parts: Vec<&str> = parts.into_iter().map(|part| &**part).collect();
    parts.join(".")
}

/// The one of `names` that is nearest to `given`, if one is near.
pub(in crate::check) fn near<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (given.chars().count() / 3).min(3);
    let distance = |name: &'a str| (strsim::damerau_levenshtein(given, name), name);
    let near = names.filter(|name| name.len().abs_diff(given.len()) <= most * 4).map(distance);
    near.filter(|(distance, _)| (1..=most).contains(distance)).min().map(|(_, name)| name)
}
