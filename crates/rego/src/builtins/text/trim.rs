//! Cutting texts: trimming, prefixes and suffixes.

use crate::builtins::context::{Error, Function, argument, text};
use crate::builtins::operand::{Elements, element, one_of};
use crate::value::Value;

/// The functions of this family.
pub const FUNCTIONS: &[(&str, Function)] = &[
    ("trim", |_, args| both(args, |text, set| text.trim_matches(|c| set.contains(c)))),
    ("trim_left", |_, args| both(args, |text, set| text.trim_start_matches(|c| set.contains(c)))),
    ("trim_right", |_, args| both(args, |text, set| text.trim_end_matches(|c| set.contains(c)))),
    ("trim_prefix", |_, args| both(args, |text, prefix| text.strip_prefix(prefix).unwrap_or(text))),
    ("trim_suffix", |_, args| both(args, |text, suffix| text.strip_suffix(suffix).unwrap_or(text))),
    ("trim_space", |_, args| Ok(Some(cut(args, text(args, 1)?.trim())?))),
    ("contains", |_, args| test(args, |text, part| text.contains(part))),
    ("startswith", |_, args| test(args, |text, part| text.starts_with(part))),
    ("endswith", |_, args| test(args, |text, part| text.ends_with(part))),
    ("strings.any_prefix_match", |_, args| any(args, str::to_owned)),
    // A suffix is a prefix, read backwards.
    ("strings.any_suffix_match", |_, args| any(args, |text| text.chars().rev().collect())),
];

type Answer = Result<Option<Value>, Error>;

fn both(args: &[Value], operation: for<'a> fn(&'a str, &str) -> &'a str) -> Answer {
    cut(args, operation(text(args, 1)?, text(args, 2)?)).map(Some)
}

/// A part of the first operand: itself, where it is all of it.
fn cut(args: &[Value], part: &str) -> Result<Value, Error> {
    if part.len() == text(args, 1)?.len() { argument(args, 1).cloned() } else { Ok(part.into()) }
}

fn test(args: &[Value], operation: fn(&str, &str) -> bool) -> Answer {
    Ok(Some(operation(text(args, 1)?, text(args, 2)?).into()))
}

/// Whether any of some texts begins with any of some others.
fn any(args: &[Value], key: fn(&str) -> String) -> Answer {
    let mut texts = texts(args, 1, key)?;
    let starts = self::texts(args, 2, key)?;
    texts.sort_unstable();
    let found = starts.iter().any(|start| {
        // The first text that is not less begins with it, if any does.
        let at = texts.partition_point(|text| text < start);
        texts.get(at).is_some_and(|text| text.starts_with(start.as_str()))
    });
    Ok(Some(found.into()))
}

fn texts(args: &[Value], position: usize, key: fn(&str) -> String) -> Result<Vec<String>, Error> {
    let operand = argument(args, position)?;
    if let Value::String(text) = operand {
        return Ok(vec![key(text)]);
    }
    let elements = Elements::of(operand).ok_or_else(|| one_of(position, "string, set, array", operand))?;
    elements
        .map(|item| item.as_str().map(key).ok_or_else(|| element(position, operand, "string", item)))
        .collect()
}
