//! Helpers for built-ins: errors for operands, and bounds on the size of results.

use num_bigint::BigInt;

use crate::budget;
use crate::builtins::context::{Context, argument, number};
use crate::builtins::error::{Error, Kind};
use crate::value::Value;

/// The maximum depth of a value for recursive built-ins.
pub const MAX_DEPTH: usize = 1000;

/// An error for an operand, with a message of its own.
pub fn wrong(position: usize, what: &str) -> Error {
    Error::new(Kind::Type, format!("operand {position} {what}"))
}

/// The error for an operand that is of none of the wanted types, as in `one_of(2, "set, array", value)`.
pub fn one_of(position: usize, wanted: &str, got: &Value) -> Error {
    Error::operand(position, &format!("one of {{{wanted}}}"), got)
}

/// The error for an element of the wrong type.
pub fn element(position: usize, composite: &Value, wanted: &str, got: &Value) -> Error {
    let (kind, got) = (composite.type_name(), got.type_name());
    wrong(position, &format!("must be {kind} of {wanted}s but got {kind} containing {got}"))
}

/// The error for a result that would be too large.
pub fn too_large(ctx: &Context) -> Error {
    larger_than(ctx.max_bytes)
}

fn larger_than(bytes: usize) -> Error {
    Error::new(Kind::TooLarge, format!("the result would be larger than {bytes} bytes"))
}

/// Checks that an array or set of `count` elements stays within the limit.
///
/// # Errors
/// When it may not.
pub fn check_count(ctx: &Context, count: usize) -> Result<(), Error> {
    match count.checked_mul(size_of::<Value>()) {
        Some(bytes) if bytes <= ctx.max_bytes => Ok(()),
        _ => Err(too_large(ctx)),
    }
}

/// The elements of an array or a set, in order.
pub enum Elements<'a> {
    /// Of an array.
    Array(std::slice::Iter<'a, Value>),
    /// Of a set.
    Set(std::slice::Iter<'a, (Value, ())>),
}

impl<'a> Elements<'a> {
    /// `None` for what is neither an array nor a set.
    pub fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Array(items) => Some(Self::Array(items.iter())),
            Value::Set(elements) => Some(Self::Set(elements.entries().iter())),
            _ => None,
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a Value;

    fn next(&mut self) -> Option<&'a Value> {
        match self {
            Self::Array(items) => items.next(),
            Self::Set(elements) => elements.next().map(|(element, ())| element),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Array(items) => items.size_hint(),
            Self::Set(elements) => elements.size_hint(),
        }
    }
}

impl ExactSizeIterator for Elements<'_> {}

/// Operand `position` as an integer of 64 bits that is written as one: `1.0` is not.
///
/// # Errors
/// When it is something else.
pub fn integer(args: &[Value], position: usize) -> Result<i64, Error> {
    number(args, position)?.as_plain_i64().ok_or_else(|| floating(position))
}

/// Operand `position` as a whole number of any size, `1.0` included.
///
/// # Errors
/// When it is something else.
pub fn whole(args: &[Value], position: usize) -> Result<BigInt, Error> {
    match argument(args, position)? {
        Value::Number(number) => number.as_integer().ok_or_else(|| floating(position)),
        other => Err(Error::operand(position, "integer", other)),
    }
}

fn floating(position: usize) -> Error {
    wrong(position, "must be integer number but got floating-point number")
}

/// To the nearest number with at most 64 significant bits, ties to even.
pub fn round_to_64_bits(number: BigInt) -> BigInt {
    let bits = number.bits();
    if bits <= 64 {
        return number;
    }
    let shift = bits - 64;
    let magnitude = BigInt::from(number.magnitude().clone());
    let mut kept: BigInt = &magnitude >> shift;
    let rest: BigInt = &magnitude - (&kept << shift);
    let half = BigInt::from(1) << (shift - 1);
    if rest > half || (rest == half && kept.bit(0)) {
        kept += 1;
    }
    let rounded = kept << shift;
    if number.sign() == num_bigint::Sign::Minus { -rounded } else { rounded }
}

/// A string builder with an upper bound.
pub struct Output {
    text: String,
    limit: usize,
}

impl Output {
    /// An empty one, limited as the context says.
    pub const fn new(ctx: &Context) -> Self {
        Self { text: String::new(), limit: ctx.max_bytes }
    }

    /// Appends a text.
    ///
    /// # Errors
    /// When it would become too large, as in all of these.
    pub fn push(&mut self, text: &str) -> Result<(), Error> {
        self.reserve(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    /// Appends a character.
    pub fn push_char(&mut self, c: char) -> Result<(), Error> {
        self.reserve(c.len_utf8())?;
        self.text.push(c);
        Ok(())
    }

    /// Appends a character `count` times.
    pub fn fill(&mut self, c: char, count: usize) -> Result<(), Error> {
        self.reserve(count.saturating_mul(c.len_utf8()))?;
        self.text.extend(std::iter::repeat_n(c, count));
        Ok(())
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.text
    }

    fn reserve(&self, more: usize) -> Result<(), Error> {
        budget::work(more / 64);
        if self.text.len().saturating_add(more) > self.limit {
            return Err(larger_than(self.limit));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_integers_lose_their_last_bits() {
        let one = BigInt::from(1);
        let long: BigInt = (&one << 70) + 1;
        let short: BigInt = &one << 70;
        assert_eq!(round_to_64_bits(long.clone()), short);
        assert_eq!(round_to_64_bits(-long), -short);
        // Half way: to the even one.
        let even: BigInt = &one << 65;
        assert_eq!(round_to_64_bits(&even + 1), even);
        assert_eq!(round_to_64_bits(&even + 3), even + 4);
        assert_eq!(round_to_64_bits(BigInt::from(u64::MAX)), BigInt::from(u64::MAX));
    }
}
