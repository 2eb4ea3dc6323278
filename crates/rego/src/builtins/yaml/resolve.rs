//! What a plain YAML scalar means, as OPA's library has it: YAML 1.1 with its many words for true and false.

use crate::builtins::time::parse;
use crate::value::{Number, Value};

/// What a plain scalar is.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    /// `null`, a truth value, or a whole number of 64 bits.
    Value(Value),
    /// A double.
    Float(f64),
    /// A date or a time: a text, but quoted when written.
    Time,
    /// The key that merges mappings.
    Merge,
    /// A text.
    Text,
}

/// What a text would be if it stood there without quotes.
pub fn resolve(text: &str) -> Resolved {
    let value = match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        "<<" => return Resolved::Merge,
        _ => return number(text),
    };
    Resolved::Value(value)
}

fn number(text: &str) -> Resolved {
    match text.as_bytes() {
        [b'.', ..] => float(text),
        [b'0'..=b'9' | b'+' | b'-', ..] if is_time(text) => Resolved::Time,
        [b'0'..=b'9' | b'+' | b'-', ..] => {
            let plain = text.replace('_', "");
            integer(&plain).map_or_else(|| float(&plain), |number| Resolved::Value(Value::Number(number)))
        }
        _ => Resolved::Text,
    }
}

/// A number of 64 bits in any of Go's notations; a zero in front makes it octal.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, lower.get(2..)?),
        Some("0b") => (2, lower.get(2..)?),
        Some("0o") => (8, lower.get(2..)?),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let number = if negative { -number } else { number };
    // Only what is not signed may be beyond 63 bits.
    match i64::try_from(number) {
        Ok(number) => Some(Number::from(number)),
        Err(_) if !text.starts_with(['+', '-']) => Number::parse(&number.to_string()),
        Err(_) => None,
    }
}

fn float(text: &str) -> Resolved {
    let decimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    match text.parse::<f64>() {
        Ok(number) if decimal && number.is_finite() => Resolved::Float(number),
        _ => Resolved::Text,
    }
}

fn is_time(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let forms = [
        "2006-1-2T15:4:5.999999999Z07:00",
        "2006-1-2t15:4:5.999999999Z07:00",
        "2006-1-2 15:4:5.999999999",
        "2006-1-2",
    ];
    digits == 4
        && text.len() < 64
        && text.as_bytes().get(4) == Some(&b'-')
        && forms.iter().any(|form| parse::parse(form, text).is_ok())
}
