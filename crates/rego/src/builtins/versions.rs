//! What came to OPA when, since 1.9: built-ins, features, keywords, and types that have become narrower.

use super::signature::Type;

/// The oldest minor version of OPA 1 that is known.
const OLDEST: u32 = 9;
/// The version that all of this is.
pub const NEWEST: u32 = 23;

/// The built-ins that 1.9 does not have, with the minor version that brought them.
const BUILTINS: [(&str, u32); 6] = [
    ("internal.template_string", 12),
    ("array.flatten", 13),
    ("uri.is_valid", 16),
    ("uri.parse", 16),
    ("strings.split_n", 19),
    ("json.pointer_escape", 23),
];

/// Features, with the minor version that brought them.
const FEATURES: [(&str, u32); 4] =
    [("keywords_in_refs", 0), ("rego_v1", 0), ("rego_v2_import", 22), ("template_strings", 12)];

/// Keywords that are imported in every version, with the minor version that brought them.
const KEYWORDS: [(&str, u32); 3] = [("and", 20), ("not", 17), ("or", 20)];

/// Built-ins whose result was of any type before this minor version.
const NARROWER: ([&str; 7], u32) = (
    [
        "json.filter",
        "json.remove",
        "object.filter",
        "object.remove",
        "object.subset",
        "object.union",
        "object.union_n",
    ],
    19,
);

/// The minor version that a text names: `v1.9.0`, `1.9`. `None` where it names no version at all.
///
/// # Errors
/// A version that is not known, and which are.
pub fn minor(text: &str) -> Option<Result<u32, String>> {
    let digits = text.strip_prefix('v').unwrap_or(text);
    let mut parts = digits.split('.').map(|part| part.parse::<u32>().ok());
    let (major, minor) = (parts.next()??, parts.next()??);
    let rest: Vec<_> = parts.collect();
    if rest.len() > 1 || rest.contains(&None) {
        return None;
    }
    let known = major == 1 && (OLDEST..=NEWEST).contains(&minor);
    let unknown = || format!("OPA `{text}` is not known; there are v1.{OLDEST}.0 to v1.{NEWEST}.0");
    Some(if known { Ok(minor) } else { Err(unknown()) })
}

/// Since when a built-in is there, where that is not since ever.
pub fn since(builtin: &str) -> Option<String> {
    let found = BUILTINS.iter().find(|(name, _)| *name == builtin);
    found.map(|(_, minor)| format!("v1.{minor}.0"))
}

/// Whether a version has a built-in.
pub fn has_builtin(name: &str, minor: u32) -> bool {
    BUILTINS.iter().all(|(other, since)| *other != name || *since <= minor)
}

/// The type of a built-in's result in a version.
pub fn result<'t>(name: &str, minor: u32, now: &'t Type) -> &'t Type {
    let (names, since) = NARROWER;
    if minor < since && names.contains(&name) { &Type::Any } else { now }
}

/// The features of a version.
pub fn features(minor: u32) -> Vec<&'static str> {
    of(&FEATURES, minor)
}

/// What a version has in `future.keywords` beyond what Rego v1 has anyway.
pub fn keywords(minor: u32) -> Vec<&'static str> {
    of(&KEYWORDS, minor)
}

fn of(all: &[(&'static str, u32)], minor: u32) -> Vec<&'static str> {
    all.iter().filter(|(_, since)| *since <= minor).map(|(name, _)| *name).collect()
}
