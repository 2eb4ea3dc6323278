//! What a built-in function is, and what an evaluation gives it.

use std::sync::Arc;

use super::error::{Error, Kind};
use crate::effects::{CLOCK, Effects};
use crate::value::{Number, Object, Set, Value};

/// A built-in: arguments in, a value out; `None` is undefined.
pub type Function = fn(&mut Context, &[Value]) -> Result<Option<Value>, Error>;

/// A built-in for one call, whose constant operands have been made ready: a compiled expression instead of its text.
pub type Prepared = Arc<dyn Fn(&mut Context, &[Value]) -> Result<Option<Value>, Error> + Send + Sync>;

/// Makes ready the constant operands of a call, at load; `None` where there is nothing to make ready, and where they are
/// wrong: then the call says so.
pub type Prepare = fn(&[Option<&Value>]) -> Option<Prepared>;

/// Operand `position`, from 1, where it is a constant text.
pub fn constant<'a>(known: &[Option<&'a Value>], position: usize) -> Option<&'a str> {
    known.get(position.wrapping_sub(1)).copied().flatten()?.as_str()
}

/// What one evaluation gives the built-ins.
#[derive(Debug, Clone)]
pub struct Context {
    /// The time of the decision, in nanoseconds since 1970.
    pub now_ns: i64,
    /// When the evaluation must have ended. What may take long looks at it.
    pub deadline: std::time::Instant,
    /// The most bytes that one built-in may make.
    pub max_bytes: usize,
    /// What is around the evaluation, and what it learned there.
    pub effects: Effects,
}

impl Context {
    /// With nothing around it.
    pub fn new(now_ns: i64, deadline: std::time::Instant, max_bytes: usize) -> Self {
        Self { now_ns, deadline, max_bytes, effects: Effects::default() }
    }

    /// The time of the decision, for a built-in that decides by it: what was decided by is recorded.
    pub fn now(&mut self) -> i64 {
        if self.effects.known(CLOCK, &[]).is_none() {
            self.effects.learn(CLOCK, &[], Ok(Some(Value::from(self.now_ns))));
        }
        self.now_ns
    }

    /// Looked at now and then by what runs long.
    ///
    /// # Errors
    /// When the deadline has passed.
    pub fn check_deadline(&self) -> Result<(), Error> {
        if std::time::Instant::now() > self.deadline {
            Err(Error::new(Kind::Cancelled, "caller cancelled query execution"))
        } else {
            Ok(())
        }
    }
}

/// Argument `position`, from 1.
///
/// # Errors
/// When there is none; the compiler checks the number of arguments, so that is a defect.
pub fn argument(args: &[Value], position: usize) -> Result<&Value, Error> {
    args.get(position.wrapping_sub(1))
        .ok_or_else(|| Error::new(Kind::Type, format!("operand {position} is missing")))
}

/// Argument `position` as text.
///
/// # Errors
/// When it is of another type, as in all of these.
pub fn text(args: &[Value], position: usize) -> Result<&str, Error> {
    match argument(args, position)? {
        Value::String(text) => Ok(text),
        other => Err(Error::operand(position, "string", other)),
    }
}

/// Argument `position` as a number.
pub fn number(args: &[Value], position: usize) -> Result<&Number, Error> {
    match argument(args, position)? {
        Value::Number(number) => Ok(number),
        other => Err(Error::operand(position, "number", other)),
    }
}

/// Argument `position` as a whole number that fits into 64 bits.
pub fn integer(args: &[Value], position: usize) -> Result<i64, Error> {
    let wrong = || {
        Error::new(
            Kind::Type,
            format!("operand {position} must be integer number but got floating-point number"),
        )
    };
    number(args, position)?.as_plain_i64().ok_or_else(wrong)
}

/// Argument `position` as an array.
pub fn array(args: &[Value], position: usize) -> Result<&[Value], Error> {
    match argument(args, position)? {
        Value::Array(items) => Ok(items),
        other => Err(Error::operand(position, "array", other)),
    }
}

/// Argument `position` as an object.
pub fn object(args: &[Value], position: usize) -> Result<&Object, Error> {
    match argument(args, position)? {
        Value::Object(members) => Ok(members),
        other => Err(Error::operand(position, "object", other)),
    }
}

/// Argument `position` as a set.
pub fn set(args: &[Value], position: usize) -> Result<&Set, Error> {
    match argument(args, position)? {
        Value::Set(elements) => Ok(elements),
        other => Err(Error::operand(position, "set", other)),
    }
}
