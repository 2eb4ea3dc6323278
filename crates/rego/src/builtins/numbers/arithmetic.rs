//! Arithmetic and comparison.

use crate::builtins::collections::sets;
use crate::builtins::context::{Context, argument, number};
use crate::builtins::error::Error;
use crate::builtins::operand::one_of;
use crate::number::NumberError;
use crate::value::{Number, Value};

type Answer = Result<Option<Value>, Error>;

pub fn compare(args: &[Value], test: fn(&Value, &Value) -> bool) -> Answer {
    Ok(Some(test(argument(args, 1)?, argument(args, 2)?).into()))
}

type Outcome = Result<Number, NumberError>;

pub fn binary(args: &[Value], operation: fn(&Number, &Number) -> Outcome) -> Answer {
    operation(number(args, 1)?, number(args, 2)?).map(|number| Some(number.into())).map_err(Error::failed)
}

pub fn unary(args: &[Value], operation: fn(&Number) -> Outcome) -> Answer {
    operation(number(args, 1)?).map(|number| Some(number.into())).map_err(Error::failed)
}

pub fn remainder(args: &[Value]) -> Answer {
    match number(args, 1)?.rem(number(args, 2)?) {
        Ok(number) => Ok(Some(number.into())),
        Err(NumberError::DivideByZero) => Err(Error::failed("modulo by zero")),
        Err(error) => Err(Error::failed(error)),
    }
}

/// The difference of numbers or of sets.
pub fn minus(_: &mut Context, args: &[Value]) -> Answer {
    match (argument(args, 1)?, argument(args, 2)?) {
        (Value::Number(_), Value::Number(_)) => binary(args, Number::sub),
        (Value::Set(a), Value::Set(b)) => Ok(Some(sets::difference(a, b).into())),
        (Value::Set(_), other @ Value::Number(_)) => Err(Error::operand(2, "set", other)),
        (Value::Number(_) | Value::Set(_), other) => Err(Error::operand(2, "number", other)),
        (other, _) => Err(one_of(1, "number, set", other)),
    }
}
