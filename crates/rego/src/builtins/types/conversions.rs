//! Type tests and conversions.

use crate::builtins::context::{Context, argument};
use crate::builtins::error::Error;
use crate::builtins::operand::{Elements, one_of};
use crate::builtins::text::print::quote;
use crate::value::{Number, Set, Value};

type Answer = Result<Option<Value>, Error>;

pub fn type_name(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(argument(args, 1)?.type_name().into()))
}

pub fn is(args: &[Value], name: &str) -> Answer {
    Ok(Some((argument(args, 1)?.type_name() == name).into()))
}

/// The value itself, if it is of the type.
pub fn cast(args: &[Value], name: &str) -> Answer {
    let value = argument(args, 1)?;
    if value.type_name() == name { Ok(Some(value.clone())) } else { Err(Error::operand(1, name, value)) }
}

pub fn cast_array(_: &mut Context, args: &[Value]) -> Answer {
    match argument(args, 1)? {
        value @ Value::Array(_) => Ok(Some(value.clone())),
        Value::Set(elements) => Ok(Some(elements.keys().cloned().collect::<Vec<_>>().into())),
        other => Err(one_of(1, "array, set", other)),
    }
}

pub fn cast_set(_: &mut Context, args: &[Value]) -> Answer {
    match argument(args, 1)? {
        value @ Value::Set(_) => Ok(Some(value.clone())),
        value => match Elements::of(value) {
            Some(elements) => Ok(Some(elements.cloned().collect::<Set>().into())),
            None => Err(one_of(1, "array, set", value)),
        },
    }
}

pub fn to_number(_: &mut Context, args: &[Value]) -> Answer {
    match argument(args, 1)? {
        Value::Null => Ok(Some(Value::from(0))),
        Value::Bool(value) => Ok(Some(Value::from(i64::from(*value)))),
        value @ Value::Number(_) => Ok(Some(value.clone())),
        value @ Value::String(text) => {
            let unsigned = text.trim_start_matches(['+', '-']);
            if ["inf", "infinity", "nan"].iter().any(|name| unsigned.eq_ignore_ascii_case(name)) {
                return Err(Error::operand(1, "valid number string", value));
            }
            parse(text).map(|number| Some(number.into()))
        }
        other => Err(one_of(1, "null, boolean, number, string", other)),
    }
}

/// A number as Go reads it: more liberal than JSON about signs and points.
fn parse(text: &str) -> Result<Number, Error> {
    let fault = |what: &str| Error::failed(format!("strconv.ParseFloat: parsing {}: {what}", quote(text)));
    let invalid = || fault("invalid syntax");
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, exponent) = match rest.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, Some(exponent)),
        None => (rest, None),
    };
    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
    let decimal = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !decimal(before) || !decimal(after) || (before.is_empty() && after.is_empty()) {
        return Err(invalid());
    }
    if let Some(exponent) = exponent {
        let bare = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if bare.is_empty() || !decimal(bare) {
            return Err(invalid());
        }
    }
    if rest.parse::<f64>().is_ok_and(f64::is_infinite) {
        return Err(fault("value out of range"));
    }
    let whole = before.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let mut json = format!("{sign}{whole}");
    if !after.is_empty() {
        json.push('.');
        json.push_str(after);
    }
    if let Some(exponent) = exponent {
        json.push('e');
        json.push_str(exponent);
    }
    Number::parse(&json).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_texts() {
        for (text, want) in [
            ("12", "12"),
            ("+5", "5"),
            ("-007", "-7"),
            (".5", "0.5"),
            ("3.", "3"),
            ("1E+2", "100"),
            ("-0.25", "-0.25"),
        ] {
            assert_eq!(parse(text).unwrap(), Number::parse(want).unwrap(), "{text}");
        }
        for text in ["", "-", ".", "1e", "1e+", "0x10", "1_000", " 1", "--1", "1.2.3"] {
            let want = format!("strconv.ParseFloat: parsing \"{text}\": invalid syntax");
            assert_eq!(parse(text).unwrap_err().message, want);
        }
        assert!(parse("1e999").unwrap_err().message.ends_with("value out of range"));
    }
}
