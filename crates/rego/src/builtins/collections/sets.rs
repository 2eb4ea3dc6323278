//! Sets.

use crate::builtins::context::{Context, set};
use crate::builtins::error::Error;
use crate::builtins::operand::check_count;
use crate::value::{Set, Value};

pub fn and(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(common(set(args, 1)?, set(args, 2)?).into()))
}

pub fn set_diff(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(difference(set(args, 1)?, set(args, 2)?).into()))
}

/// The elements of one set that are not in another.
pub fn difference(a: &Set, b: &Set) -> Set {
    a.keys().filter(|element| !b.contains(element)).cloned().collect()
}

/// The elements that are in both sets.
fn common(a: &Set, b: &Set) -> Set {
    let (less, more) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    less.keys().filter(|element| more.contains(element)).cloned().collect()
}

pub fn or(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let (a, b) = (set(args, 1)?, set(args, 2)?);
    check_count(ctx, a.len() + b.len())?;
    Ok(Some(a.keys().chain(b.keys()).cloned().collect::<Set>().into()))
}

pub fn intersection(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let mut all = members(args)?.into_iter();
    let Some(first) = all.next() else {
        return Ok(Some(Set::new().into()));
    };
    Ok(Some(all.fold(first.clone(), |rest, next| common(&rest, next)).into()))
}

pub fn union(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let all = members(args)?;
    check_count(ctx, all.iter().map(|set| set.len()).fold(0, usize::saturating_add))?;
    Ok(Some(all.into_iter().flat_map(Set::keys).cloned().collect::<Set>().into()))
}

/// The sets in a set of sets.
fn members(args: &[Value]) -> Result<Vec<&Set>, Error> {
    set(args, 1)?.keys().map(inner).collect()
}

fn inner(value: &Value) -> Result<&Set, Error> {
    match value {
        Value::Set(set) => Ok(set),
        other => Err(Error::operand(1, "set", other)),
    }
}
