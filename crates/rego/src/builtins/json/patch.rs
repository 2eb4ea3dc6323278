//! `json.patch`: RFC 6902, for sets as well.

use std::sync::Arc;

use crate::builtins::context::{Context, argument, array};
use crate::builtins::error::Error;
use crate::builtins::json::paths;
use crate::builtins::operand::{MAX_DEPTH, check_count};
use crate::value::{Object, Value};

/// Undefined when an operation cannot be applied, whatever the reason.
pub fn patch(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let operations = array(args, 2)?;
    let mut document = Some(argument(args, 1)?.clone());
    for operation in operations {
        ctx.check_deadline()?;
        let Value::Object(operation) = operation else { return Ok(None) };
        if apply(ctx, &mut document, operation)?.is_none() {
            return Ok(None);
        }
    }
    Ok(document)
}

/// `None` where the operation does not fit the document.
fn apply(ctx: &Context, document: &mut Option<Value>, operation: &Object) -> Result<Option<()>, Error> {
    let attribute = |name| operation.get_str(name);
    let keys = |name| attribute(name).and_then(|path| paths::path(path).ok());
    let (Some(name), Some(path)) = (attribute("op").and_then(Value::as_str), keys("path")) else {
        return Ok(None);
    };
    let value = match name {
        "remove" => return Ok(take(document, &path).map(drop)),
        "test" => {
            let same =
                attribute("value").is_some_and(|wanted| find(document, &path).as_ref() == Some(wanted));
            return Ok(same.then_some(()));
        }
        "add" => attribute("value").cloned(),
        "replace" => match attribute("value") {
            Some(value) => take(document, &path).map(|_| value.clone()),
            None => None,
        },
        "copy" => keys("from").and_then(|from| find(document, &from)),
        "move" => keys("from").and_then(|from| take(document, &from)),
        _ => None,
    };
    let Some(value) = value else { return Ok(None) };
    put(ctx, document, &path, value)
}

/// The value at a path.
fn find(document: &Option<Value>, path: &[Value]) -> Option<Value> {
    path.iter().try_fold(document.as_ref()?, step).cloned()
}

fn step<'a>(value: &'a Value, key: &Value) -> Option<&'a Value> {
    match value {
        Value::Array(items) => items.get(index(items.len(), key)?),
        other => other.lookup(key),
    }
}

/// The position that a number or its digits name; `-` is the one behind the last element.
fn index(length: usize, key: &Value) -> Option<usize> {
    match key {
        Value::Number(number) => usize::try_from(number.as_plain_i64()?).ok(),
        Value::String(text) if &**text == "-" => Some(length),
        Value::String(text) if text.starts_with('0') && &**text != "0" => None,
        Value::String(text) => text.parse::<i64>().ok().and_then(|at| usize::try_from(at).ok()),
        _ => None,
    }
}

/// Takes the value at a path out of the document.
fn take(document: &mut Option<Value>, path: &[Value]) -> Option<Value> {
    let Some((last, parents)) = path.split_last() else { return document.take() };
    edit(document.as_mut()?, parents, MAX_DEPTH, &mut |parent| match parent {
        Value::Object(members) => members.contains(last).then(|| Arc::make_mut(members).remove(last))?,
        Value::Set(elements) => {
            Arc::make_mut(elements).remove(last)?;
            Some(last.clone())
        }
        Value::Array(items) => {
            let at = index(items.len(), last)?;
            (at < items.len()).then(|| Arc::make_mut(items).remove(at))
        }
        _ => None,
    })
}

/// Puts a value at a path into the document.
fn put(
    ctx: &Context,
    document: &mut Option<Value>,
    path: &[Value],
    value: Value,
) -> Result<Option<()>, Error> {
    let Some((last, parents)) = path.split_last() else {
        *document = Some(value);
        return Ok(Some(()));
    };
    let Some(document) = document else { return Ok(None) };
    let mut large = Ok(());
    let done = edit(document, parents, MAX_DEPTH, &mut |parent| match parent {
        Value::Object(members) => {
            large = check_count(ctx, members.len() + 1);
            Arc::make_mut(members).insert(last.clone(), value.clone());
            Some(())
        }
        Value::Set(elements) if *last == value => {
            large = check_count(ctx, elements.len() + 1);
            Arc::make_mut(elements).add(value.clone());
            Some(())
        }
        Value::Array(items) => {
            let at = index(items.len(), last).filter(|&at| at <= items.len())?;
            large = check_count(ctx, items.len() + 1);
            Arc::make_mut(items).insert(at, value.clone());
            Some(())
        }
        _ => None,
    });
    large.map(|()| done)
}

/// Changes what is at a path, in place where nobody else has it.
fn edit<T>(
    value: &mut Value,
    path: &[Value],
    depth: usize,
    change: &mut dyn FnMut(&mut Value) -> Option<T>,
) -> Option<T> {
    let Some((key, rest)) = path.split_first() else { return change(value) };
    let depth = depth.checked_sub(1)?;
    match value {
        Value::Object(members) => {
            // A look first: nothing is copied for a path that leads nowhere.
            members.get(key)?;
            edit(Arc::make_mut(members).get_mut(key)?, rest, depth, change)
        }
        Value::Array(items) => {
            let at = index(items.len(), key)?;
            edit(Arc::make_mut(items).get_mut(at)?, rest, depth, change)
        }
        // An element of a set that changes is another element.
        Value::Set(elements) => {
            let mut element = elements.get_key(key)?.clone();
            let result = edit(&mut element, rest, depth, change)?;
            let elements = Arc::make_mut(elements);
            elements.remove(key);
            elements.add(element);
            Some(result)
        }
        _ => None,
    }
}
