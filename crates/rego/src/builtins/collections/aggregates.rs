//! Aggregates (`count`, `sum`, `max` and others) and membership (`in`).

use num_bigint::BigInt;

use crate::budget;
use crate::builtins::context::{Context, argument};
use crate::builtins::error::Error;
use crate::builtins::operand::{Elements, element, one_of};
use crate::number::NumberError;
use crate::value::{Number, Value};

type Answer = Result<Option<Value>, Error>;

pub fn sum(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    compute(args, |numbers| Number::sum(numbers.iter().copied()))
}

pub fn max(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(elements(args)?.max().cloned())
}

/// Of equal numbers the last, as written.
pub fn min(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(elements(args)?.reduce(|least, next| if next <= least { next } else { least }).cloned())
}

pub fn all(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(truths(args)?.all(is_true).into()))
}

pub fn any(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(truths(args)?.any(is_true).into()))
}

pub fn count(_: &mut Context, args: &[Value]) -> Answer {
    let count = match argument(args, 1)? {
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        Value::Set(elements) => elements.len(),
        Value::String(text) => text.chars().count(),
        other => return Err(one_of(1, "array, object, set, string", other)),
    };
    Ok(Some(Value::from(count as i64)))
}

fn elements(args: &[Value]) -> Result<Elements<'_>, Error> {
    let value = argument(args, 1)?;
    Elements::of(value).ok_or_else(|| one_of(1, "set, array", value))
}

/// The same with the types in another order, for `all` and `any`.
fn truths(args: &[Value]) -> Result<Elements<'_>, Error> {
    let value = argument(args, 1)?;
    Elements::of(value).ok_or_else(|| one_of(1, "array, set", value))
}

const fn is_true(value: &Value) -> bool {
    matches!(value, Value::Bool(true))
}

/// All numbers of an array or set, computed into one.
pub fn compute(args: &[Value], operation: fn(&[&Number]) -> Result<Number, NumberError>) -> Answer {
    let mut numbers = Vec::new();
    for item in elements(args)? {
        match item {
            Value::Number(number) => numbers.push(number),
            other => return Err(element(1, argument(args, 1)?, "number", other)),
        }
    }
    operation(&numbers).map(|number| Some(number.into())).map_err(Error::failed)
}

pub fn product(numbers: &[&Number]) -> Result<Number, NumberError> {
    let Some(plain) = numbers.iter().map(|number| number.as_plain_i64()).collect::<Option<Vec<_>>>() else {
        return Number::product(numbers.iter().copied());
    };
    if plain.contains(&0) {
        return Ok(Number::from(0));
    }
    let mut product = BigInt::from(1);
    for number in plain {
        product *= number;
        if product.bits() > MAX_BITS {
            return Err(NumberError::TooLarge);
        }
    }
    Number::from_integer(&product)
}

/// More than any number has.
const MAX_BITS: u64 = 1 << 16;

pub fn sort(_: &mut Context, args: &[Value]) -> Answer {
    let value = argument(args, 1)?;
    let mut items: Vec<Value> = match value {
        Value::Array(items) if items.is_sorted() => return Ok(Some(value.clone())),
        _ => elements(args)?.cloned().collect(),
    };
    if !matches!(value, Value::Set(_)) {
        items.sort_by(|a, b| {
            budget::work(1);
            a.cmp(b)
        });
    }
    Ok(Some(items.into()))
}

pub fn member(_: &mut Context, args: &[Value]) -> Answer {
    let (wanted, collection) = (argument(args, 1)?, argument(args, 2)?);
    let found = match collection {
        Value::Set(elements) => elements.contains(wanted),
        Value::Array(items) => items.contains(wanted),
        Value::Object(members) => members.values().any(|value| value == wanted),
        _ => false,
    };
    Ok(Some(found.into()))
}

pub fn member_with_key(_: &mut Context, args: &[Value]) -> Answer {
    let (key, wanted, collection) = (argument(args, 1)?, argument(args, 2)?, argument(args, 3)?);
    Ok(Some((collection.lookup(key) == Some(wanted)).into()))
}
