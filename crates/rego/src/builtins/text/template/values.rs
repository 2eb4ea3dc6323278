//! The values of Go's text templates.

use crate::builtins::error::Error;
use crate::builtins::operand::{MAX_DEPTH, Output};
use crate::builtins::text::sprintf::floats::general;
use crate::value::Value;

/// A value in a template.
#[derive(Clone, Debug)]
pub enum Item {
    /// Nothing: a key that is missing, `null`, `nil`.
    Nothing,
    /// A truth value.
    Bool(bool),
    /// A number of the template.
    Int(i64),
    /// A number of the template with a fraction.
    Float(f64),
    /// A text.
    Text(String),
    /// A number of the data, an array or an object.
    Data(Value),
}

impl Item {
    /// A value of the data.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(value) => Self::Bool(*value),
            Value::String(text) => Self::Text(text.to_string()),
            // To a template it is a list.
            Value::Set(elements) => Self::Data(elements.keys().cloned().collect::<Vec<_>>().into()),
            other => Self::Data(other.clone()),
        }
    }

    /// Whether a condition holds with it.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Bool(value) => *value,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Data(value) => match value {
                Value::Array(items) => !items.is_empty(),
                Value::Object(members) => !members.is_empty(),
                _ => true,
            },
        }
    }

    /// The name of the type in Go.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nothing => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Data(Value::Number(_)) => "json.Number",
            Self::Data(Value::Object(_)) => "map[string]interface {}",
            Self::Data(_) => "[]interface {}",
        }
    }

    /// A member; nothing where it is missing.
    ///
    /// # Errors
    /// When it can have no members.
    pub fn field(&self, name: &str) -> Result<Self, Error> {
        match self {
            Self::Nothing => Ok(Self::Nothing),
            Self::Data(Value::Object(members)) => Ok(members.get_str(name).map_or(Self::Nothing, Self::of)),
            other => Err(fault(format!("can't evaluate field {name} in type {}", other.type_name()))),
        }
    }

    /// What it is compared as: numbers of the data are texts.
    pub fn scalar(&self) -> Option<Scalar> {
        Some(match self {
            Self::Bool(value) => Scalar::Bool(*value),
            Self::Int(number) => Scalar::Int(*number),
            Self::Float(number) => Scalar::Float(*number),
            Self::Text(text) => Scalar::Text(text.clone()),
            Self::Data(Value::Number(number)) => Scalar::Text(number.to_string()),
            _ => return None,
        })
    }
}

/// What can be compared.
#[derive(PartialEq, PartialOrd)]
pub enum Scalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

/// A template that cannot be filled in.
pub fn fault(what: impl std::fmt::Display) -> Error {
    Error::failed(format!("template: template: {what}"))
}

/// Writes a value into the text.
///
/// # Errors
/// When the text becomes too large.
pub fn print(item: &Item, out: &mut Output) -> Result<(), Error> {
    match item {
        Item::Nothing => out.push("<undefined>"),
        other => print_nested(other, out, MAX_DEPTH),
    }
}

/// The same within another value, where nothing is `<nil>`.
///
/// # Errors
/// When the text becomes too large, or the value is too deep.
pub fn print_nested(item: &Item, out: &mut Output, depth: usize) -> Result<(), Error> {
    match item {
        Item::Nothing => out.push("<nil>"),
        Item::Bool(value) => out.push(if *value { "true" } else { "false" }),
        Item::Int(number) => out.push(&number.to_string()),
        Item::Float(number) => out.push(&general(*number, None, false)),
        Item::Text(text) => out.push(text),
        Item::Data(value) => print_data(value, out, depth),
    }
}

fn print_data(value: &Value, out: &mut Output, depth: usize) -> Result<(), Error> {
    let depth = depth.checked_sub(1).ok_or_else(|| fault("the value is too deep"))?;
    match value {
        Value::Array(items) => {
            out.push("[")?;
            for (at, item) in items.iter().enumerate() {
                out.push(if at > 0 { " " } else { "" })?;
                print_data(item, out, depth)?;
            }
            out.push("]")
        }
        Value::Set(elements) => {
            out.push("[")?;
            for (at, item) in elements.keys().enumerate() {
                out.push(if at > 0 { " " } else { "" })?;
                print_data(item, out, depth)?;
            }
            out.push("]")
        }
        Value::Object(members) => {
            out.push("map[")?;
            for (at, (key, member)) in members.iter().enumerate() {
                out.push(if at > 0 { " " } else { "" })?;
                print_data(key, out, depth)?;
                out.push(":")?;
                print_data(member, out, depth)?;
            }
            out.push("]")
        }
        Value::Number(number) => out.push(&number.to_string()),
        scalar => print_nested(&Item::of(scalar), out, depth),
    }
}
