//! Types in messages, as OPA writes them.

use std::fmt;

use super::{Kind, Type};
use crate::value::Value;

/// How many characters of a type are shown.
const LONGEST: usize = 300;

/// `(string, ???)`
pub(in crate::check) fn arguments(types: &[Type]) -> String {
    let texts: Vec<String> = types.iter().map(|each| cut(each.to_string())).collect();
    format!("({})", texts.join(", "))
}

/// A type, cut where it is long.
pub(in crate::check) fn short(of: &Type) -> String {
    cut(of.to_string())
}

fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A key without quotes.
pub(in crate::check) fn shown_key(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, types: &[Self]| {
            types.iter().enumerate().try_for_each(|(at, each)| {
                if at > 0 {
                    f.write_str(", ")?;
                }
                each.fmt(f)
            })
        };
        let kind = match self {
            Self::Unknown => return f.write_str("???"),
            Self::Null => return f.write_str("null"),
            Self::Boolean => return f.write_str("boolean"),
            Self::Number => return f.write_str("number"),
            Self::String => return f.write_str("string"),
            Self::Any => return f.write_str("any"),
            Self::Of(inner) => &inner.kind,
        };
        match kind {
            Kind::Array(first, rest) => {
                f.write_str("array")?;
                if !first.is_empty() {
                    f.write_str("<")?;
                    list(f, first)?;
                    f.write_str(">")?;
                }
                rest.as_ref().map_or(Ok(()), |rest| write!(f, "[{rest}]"))
            }
            Kind::Object(members, rest) => {
                f.write_str("object")?;
                if !members.is_empty() {
                    f.write_str("<")?;
                    for (at, (key, value)) in members.iter().enumerate() {
                        let comma = if at > 0 { ", " } else { "" };
                        write!(f, "{comma}{}: {value}", shown_key(key))?;
                    }
                    f.write_str(">")?;
                }
                rest.as_ref().map_or(Ok(()), |(key, value)| write!(f, "[{key}: {value}]"))
            }
            Kind::Set(each) => write!(f, "set[{each}]"),
            Kind::OneOf(types) => {
                f.write_str("any<")?;
                list(f, types)?;
                f.write_str(">")
            }
            Kind::Function(args, result) => {
                f.write_str("(")?;
                list(f, args)?;
                write!(f, ") => {result}")
            }
        }
    }
}
