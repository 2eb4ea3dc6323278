//! `glob.*`

use std::sync::Arc;

use crate::builtins::context::{Context, Prepared, argument, constant, text};
use crate::builtins::error::Error;
use crate::builtins::operand::{element, one_of, too_large};
use crate::builtins::pattern::glob_program::Glob;
use crate::value::Value;

/// A pattern is read anew each time, which takes no longer than looking it up.
pub fn is_match(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let pattern = text(args, 1)?;
    let delimiters = delimiters(argument(args, 2)?)?;
    let input = text(args, 3)?;
    let glob = Glob::read(pattern, &delimiters).map_err(Error::failed)?;
    Ok(Some(glob.is_match(ctx, input)?.into()))
}

/// A call whose pattern and delimiters are constants.
pub fn prepare(known: &[Option<&Value>]) -> Option<Prepared> {
    let delimiters = delimiters(known.get(1).copied().flatten()?).ok()?;
    let glob = Glob::read(constant(known, 1)?, &delimiters).ok()?;
    Some(Arc::new(move |context, args| Ok(Some(glob.is_match(context, text(args, 3)?)?.into()))))
}

fn delimiters(operand: &Value) -> Result<String, Error> {
    let items = match operand {
        Value::Null => return Ok(String::new()),
        Value::Array(items) if items.is_empty() => return Ok(".".to_owned()),
        Value::Array(items) => items,
        other => return Err(one_of(2, "array, null", other)),
    };
    let mut delimiters = String::new();
    for item in items.iter() {
        let text = item.as_str().ok_or_else(|| element(2, operand, "string", item))?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(c), None) if !delimiters.contains(c) => delimiters.push(c),
            (Some(_), None) => (),
            _ => return Err(element(2, operand, "rune", item)),
        }
    }
    Ok(delimiters)
}

pub fn quote_meta(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let pattern = text(args, 1)?;
    if pattern.len().saturating_mul(2) > ctx.max_bytes {
        return Err(too_large(ctx));
    }
    let mut quoted = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        if matches!(c, '*' | '?' | '\\' | '[' | ']' | '{' | '}') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    Ok(Some(quoted.into()))
}
