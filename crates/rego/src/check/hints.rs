//! Suggestions for misspelled names.

use super::arities::Arities;
use crate::builtins::{table, versions};
use crate::value::Value;

/// The one of `names` that is nearest to `given`, if one is near.
pub(super) fn near<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (given.chars().count() / 3).min(3);
    let distance = |name: &'a str| (strsim::damerau_levenshtein(given, name), name);
    let near = names.filter(|name| name.len().abs_diff(given.len()) <= most * 4).map(distance);
    near.filter(|(distance, _)| (1..=most).contains(distance)).min().map(|(_, name)| name)
}

/// For a function that is not there: `name` as it was written, `path` as it was understood.
pub(super) fn function(name: &str, path: &str, arities: &Arities) -> Option<String> {
    let meant = |name: String| format!("did you mean `{name}`?");
    if let Some(path) = path.strip_prefix("data.") {
        let parts: Vec<&str> = path.split('.').collect();
        let (last, package) = parts.split_last()?;
        let package: Vec<Value> = package.iter().map(|part| Value::from(*part)).collect();
        let found = near(last, arities.beside(&package))?;
        let before = name.strip_suffix(last).unwrap_or_default();
        return Some(meant(format!("{before}{found}")));
    }
    let builtins = table::all().map(|entry| entry.name).filter(|name| !name.starts_with("internal."));
    near(name, builtins).map(|name| meant(name.to_owned()))
}

/// For a built-in that the capabilities of another OPA do not have.
pub(super) fn beyond(name: &str) -> String {
    let since = versions::since(name).map(|version| format!("; OPA has it since {version}"));
    format!("the given capabilities do not have it{}", since.unwrap_or_default())
}

/// What to write in place of a deprecated built-in.
pub(super) fn instead(name: &str) -> Option<&'static str> {
    Some(match name {
        "all" => "use `every`",
        "any" => "use `true in …`, or `some`",
        "re_match" => "use `regex.match`",
        "net.cidr_overlap" => "use `net.cidr_contains`",
        "set_diff" => "use `-`",
        "cast_array" => "use `is_array`, or a comprehension",
        "cast_set" => "use `is_set`, or a comprehension",
        "cast_string" => "use `is_string`",
        "cast_boolean" => "use `is_boolean`",
        "cast_null" => "use `is_null`",
        "cast_object" => "use `is_object`",
        _ => return None,
    })
}
