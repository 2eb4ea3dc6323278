//! Objects.

use crate::budget;
use crate::builtins::context::{Context, argument, array, object};
use crate::builtins::error::{Error, Kind};
use crate::builtins::operand::{Elements, MAX_DEPTH, element, one_of};
use crate::value::{Object, Set, Value};

type Answer = Result<Option<Value>, Error>;

pub fn keys(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(object(args, 1)?.keys().cloned().collect::<Set>().into()))
}

/// The member at a key or, where the key is an array, at a path; otherwise the third operand.
pub fn get(_: &mut Context, args: &[Value]) -> Answer {
    let (members, key, default) = (object(args, 1)?, argument(args, 2)?, argument(args, 3)?);
    let found = match key {
        Value::Array(path) => path.iter().try_fold(argument(args, 1)?, Value::lookup),
        key => members.get(key),
    };
    Ok(Some(found.unwrap_or(default).clone()))
}

/// The members whose keys are named, or those whose are not.
pub fn select(args: &[Value], named: bool) -> Answer {
    let members = object(args, 1)?;
    let keys = argument(args, 2)?;
    let array: Set;
    let is_named: &dyn Fn(&Value) -> bool = match keys {
        Value::Object(keys) => &|key| keys.contains(key),
        Value::Set(keys) => &|key| keys.contains(key),
        Value::Array(items) => {
            array = items.iter().cloned().collect();
            &|key| array.contains(key)
        }
        other => return Err(one_of(2, "object, set, array", other)),
    };
    let kept = members.iter().filter(|(key, _)| is_named(key) == named);
    Ok(Some(kept.map(|(key, value)| (key.clone(), value.clone())).collect::<Object>().into()))
}

pub fn union(_: &mut Context, args: &[Value]) -> Answer {
    let (a, b) = (object(args, 1)?, object(args, 2)?);
    if a.is_empty() {
        return Ok(Some(argument(args, 2)?.clone()));
    }
    Ok(Some(merge(&[a, b], MAX_DEPTH)?.into()))
}

pub fn union_n(_: &mut Context, args: &[Value]) -> Answer {
    let mut objects = Vec::new();
    // From the end, as OPA finds faults.
    for item in array(args, 1)?.iter().rev() {
        match item {
            Value::Object(members) => objects.push(&**members),
            other => return Err(element(1, argument(args, 1)?, "object", other)),
        }
    }
    objects.reverse();
    Ok(Some(merge(&objects, MAX_DEPTH)?.into()))
}

/// All members of all; of several with one key the last, unless it is an object: that is merged with the objects right
/// before it.
fn merge(objects: &[&Object], depth: usize) -> Result<Object, Error> {
    let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
    let mut all: Vec<&(Value, Value)> = objects.iter().flat_map(|object| object.entries()).collect();
    all.sort_by(|a, b| {
        budget::work(1);
        a.0.cmp(&b.0)
    });
    let mut entries = Vec::with_capacity(all.len());
    for same in all.chunk_by(|a, b| a.0 == b.0) {
        let as_object = |entry: &&(Value, Value)| match entry {
            (_, Value::Object(members)) => Some(members.clone()),
            _ => None,
        };
        let inner: Vec<_> = same.iter().rev().map_while(as_object).collect();
        match (same, inner.as_slice()) {
            ([(key, _), ..], [_, _, ..]) => {
                let inner: Vec<&Object> = inner.iter().rev().map(|members| &**members).collect();
                entries.push((key.clone(), merge(&inner, depth)?.into()));
            }
            ([(key, _), .., (_, value)], _) => entries.push((key.clone(), value.clone())),
            ([entry], _) => entries.push((*entry).clone()),
            ([], _) => (),
        }
    }
    Ok(Object::from_entries(entries))
}

fn too_deep() -> Error {
    Error::failed("the value is too deep")
}

pub fn subset(ctx: &mut Context, args: &[Value]) -> Answer {
    let (more, less) = (argument(args, 1)?, argument(args, 2)?);
    let answer = match (more, less) {
        (Value::Array(items), Value::Set(wanted)) => {
            // An element that is in the array twice counts twice, as in OPA.
            let found = Elements::Array(items.iter()).filter(|item| wanted.contains(item)).take(wanted.len());
            !items.is_empty() && found.count() == wanted.len()
        }
        (Value::Object(_), Value::Object(_))
        | (Value::Set(_), Value::Set(_))
        | (Value::Array(_), Value::Array(_)) => includes(ctx, more, less, MAX_DEPTH)?,
        _ => {
            let message = "both arguments object.subset must be of the same type or array and set";
            return Err(Error::new(Kind::Type, message));
        }
    };
    Ok(Some(answer.into()))
}

/// Members of objects are compared in the same way; elements of sets and arrays must be equal.
fn includes(ctx: &Context, more: &Value, less: &Value, depth: usize) -> Result<bool, Error> {
    let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
    Ok(match (more, less) {
        (Value::Object(more), Value::Object(less)) => {
            for (key, value) in less.iter() {
                match more.get(key) {
                    Some(there) if includes(ctx, there, value, depth)? => (),
                    _ => return Ok(false),
                }
            }
            true
        }
        (Value::Set(more), Value::Set(less)) => less.keys().all(|element| more.contains(element)),
        (Value::Array(more), Value::Array(less)) => {
            let Some(length) = std::num::NonZero::new(less.len()) else { return Ok(true) };
            for (at, row) in more.windows(length.get()).enumerate() {
                if at % 256 == 255 {
                    ctx.check_deadline()?;
                }
                if row == less.as_slice() {
                    return Ok(true);
                }
            }
            false
        }
        _ => more == less,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_between_objects_parts_them() {
        let object = |key: &str, value: Value| Object::from_entries(vec![(key.into(), value)]);
        let (one, two) =
            (object("a", object("x", 1.into()).into()), object("a", object("y", 2.into()).into()));
        let both =
            object("a", Object::from_entries(vec![("x".into(), 1.into()), ("y".into(), 2.into())]).into());
        let between = object("a", Value::Null);
        assert_eq!(merge(&[&one, &two], MAX_DEPTH).unwrap(), both);
        assert_eq!(merge(&[&one, &between, &two], MAX_DEPTH).unwrap(), two);
        assert_eq!(merge(&[&one, &two, &between], MAX_DEPTH).unwrap(), between);
        assert_eq!(merge(&[&between, &one, &two], MAX_DEPTH).unwrap(), both);
    }
}
