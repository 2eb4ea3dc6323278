//! Operations on the bits of whole numbers, in two's complement.

use num_bigint::{BigInt, Sign};

use crate::builtins::context::Context;
use crate::builtins::error::Error;
use crate::builtins::operand::{integer, whole, wrong};
use crate::number::NumberError;
use crate::value::{Number, Value};

pub fn negate(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    result(&!whole(args, 1)?)
}

pub fn binary(args: &[Value], operation: fn(BigInt, BigInt) -> BigInt) -> Result<Option<Value>, Error> {
    result(&operation(whole(args, 1)?, whole(args, 2)?))
}

pub fn left(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let (number, by) = operands(args)?;
    if number.sign() == Sign::NoSign {
        return Ok(Some(Value::from(0)));
    }
    // Longer numbers are refused anyway, but not before they are made.
    if number.bits().saturating_add(by) > MAX_BITS {
        return Err(Error::failed(NumberError::TooLarge));
    }
    result(&(number << by))
}

/// More than any number has.
const MAX_BITS: u64 = 1 << 16;

fn result(number: &BigInt) -> Result<Option<Value>, Error> {
    Number::from_integer(number).map(|number| Some(number.into())).map_err(Error::failed)
}

pub fn right(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let (number, by) = operands(args)?;
    result(&(number >> by))
}

fn operands(args: &[Value]) -> Result<(BigInt, u64), Error> {
    let number = whole(args, 1)?;
    let by = integer(args, 2)?;
    let by = u64::try_from(by)
        .map_err(|_| wrong(2, "must be an unsigned integer number but got a negative integer"))?;
    Ok((number, by))
}
