//! Trimming, prefixes and suffixes.

use crate::builtins::context::{Context, argument, text};
use crate::builtins::error::Error;
use crate::builtins::operand::{Elements, element, one_of};
use crate::value::Value;

type Answer = Result<Option<Value>, Error>;

pub fn trim_space(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(cut(args, text(args, 1)?.trim())?))
}

pub fn both(args: &[Value], operation: for<'a> fn(&'a str, &str) -> &'a str) -> Answer {
    cut(args, operation(text(args, 1)?, text(args, 2)?)).map(Some)
}

/// A part of the first operand: itself, where it is all of it.
fn cut(args: &[Value], part: &str) -> Result<Value, Error> {
    if part.len() == text(args, 1)?.len() { argument(args, 1).cloned() } else { Ok(part.into()) }
}

pub fn test(args: &[Value], operation: fn(&str, &str) -> bool) -> Answer {
    Ok(Some(operation(text(args, 1)?, text(args, 2)?).into()))
}

/// Whether any of some texts begins with any of some others.
pub fn any(args: &[Value], key: fn(&str) -> String) -> Answer {
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
