//! Arrays.

use crate::builtins::context::{Context, array};
use crate::builtins::error::Error;
use crate::builtins::operand::{check_count, integer};
use crate::value::Value;

pub fn reverse(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(array(args, 1)?.iter().rev().cloned().collect::<Vec<_>>().into()))
}

pub fn concat(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let (first, second) = (array(args, 1)?, array(args, 2)?);
    check_count(ctx, first.len() + second.len())?;
    Ok(Some([first, second].concat().into()))
}

/// Arrays in the array are replaced by their elements; arrays in those stay.
pub fn flatten(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let outer = array(args, 1)?;
    let lengths = outer.iter().map(|item| if let Value::Array(inner) = item { inner.len() } else { 1 });
    let count = lengths.fold(0_usize, usize::saturating_add);
    check_count(ctx, count)?;
    let mut items = Vec::with_capacity(count);
    for item in outer {
        match item {
            Value::Array(inner) => items.extend(inner.iter().cloned()),
            other => items.push(other.clone()),
        }
    }
    Ok(Some(items.into()))
}

pub fn slice(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let items = array(args, 1)?;
    let (start, stop) = (integer(args, 2)?, integer(args, 3)?);
    let clamp = |at: i64, most: usize| usize::try_from(at.max(0)).map_or(most, |at| at.min(most));
    let stop = clamp(stop, items.len());
    let start = clamp(start, stop);
    Ok(Some(items.get(start..stop).unwrap_or_default().to_vec().into()))
}
