//! What a scalar means.

use std::fmt::{Display, LowerExp};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use saphyr_parser::Tag;

/// What a scalar is.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// `null`, `~`, or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, from the least of 64 bits with a sign to the greatest of 64 bits without.
    Integer(i128),
    /// Any other number; may be infinite, or none.
    Float(f64),
    /// A text.
    Text(String),
}

/// What a text is that stands without quotes and without a tag.
pub fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let number = match text.as_bytes() {
        [b'.', ..] => float(text),
        [b'0'..=b'9' | b'+' | b'-', ..] => {
            let digits = text.replace('_', "");
            integer(&digits).map(Scalar::Integer).or_else(|| float(&digits))
        }
        _ => None,
    };
    number.unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

/// A number of 64 bits. A zero in front says nothing: octal numbers have `0o`.
fn integer(text: &str) -> Option<i128> {
    let (sign, bare) = match text.split_at_checked(1)? {
        (sign @ ("-" | "+"), bare) => (Some(sign), bare),
        _ => (None, text),
    };
    let (radix, digits) = match bare.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, bare.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, bare.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, bare.get(2..)?),
        _ => (10, bare),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let number = if sign == Some("-") { -number } else { number };
    // Only what has no sign may be beyond 63 bits.
    (sign.is_none() || i64::try_from(number).is_ok()).then_some(number)
}

fn float(text: &str) -> Option<Scalar> {
    let decimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    let number = text.parse::<f64>().ok().filter(|number| decimal && number.is_finite());
    number.map(Scalar::Float)
}

/// What a scalar with a tag is.
///
/// # Errors
/// When it is not what a tag of YAML's own says.
pub(super) fn tagged(text: &str, tag: &Tag) -> Result<Scalar, String> {
    let resolved = resolve(text);
    let kind = if tag.is_yaml_core_schema() { tag.suffix.as_str() } else { "" };
    match (kind, resolved) {
        ("binary", _) => {
            let digits: String = text.chars().filter(|character| !matches!(character, '\r' | '\n')).collect();
            let bytes = STANDARD.decode(digits).map_err(|_| "!!binary value contains invalid base64 data")?;
            Ok(Scalar::Text(String::from_utf8_lossy(&bytes).into_owned()))
        }
        ("null", resolved @ Scalar::Null)
        | ("bool", resolved @ Scalar::Bool(_))
        | ("int", resolved @ Scalar::Integer(_))
        | ("float", resolved @ Scalar::Float(_)) => Ok(resolved),
        ("float", Scalar::Integer(number)) => Ok(Scalar::Float(number as f64)),
        ("null" | "bool" | "int" | "float", _) => Err(format!("cannot decode `{text}` as a !!{kind}")),
        _ => Ok(Scalar::Text(text.to_owned())),
    }
}

/// The shortest text of a number, as Go's `%g` has it.
pub(crate) fn general(number: impl Display + LowerExp) -> String {
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}
