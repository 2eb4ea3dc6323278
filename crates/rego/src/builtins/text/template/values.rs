//! The values of Go's text templates, and the functions on them.

use std::cmp::Ordering;

use crate::builtins::context::Context;
use crate::builtins::error::Error;
use crate::builtins::operand::{MAX_DEPTH, Output};
use crate::builtins::text::sprintf::floats::general;
use crate::builtins::text::sprintf::{Operand as Formatted, format_with};
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
    /// A number of the data, an array, an object or a set.
    Data(Value),
}

impl Item {
    /// A value of the data.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(value) => Self::Bool(*value),
            Value::String(text) => Self::Text(text.to_string()),
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
                Value::Set(elements) => !elements.is_empty(),
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
    fn scalar(&self) -> Option<Scalar> {
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

#[derive(PartialEq, PartialOrd)]
enum Scalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

/// A template that cannot be filled in.
pub fn fault(what: impl std::fmt::Display) -> Error {
    Error::failed(format!("template: template: {what}"))
}

/// Whether there is a function of this name.
pub fn is_function(name: &str) -> bool {
    const NAMES: [&str; 15] = [
        "and", "or", "not", "len", "index", "print", "println", "printf", "html", "eq", "ne", "lt", "le",
        "gt", "ge",
    ];
    NAMES.contains(&name)
}

/// Calls a function.
///
/// # Errors
/// When it does not take these arguments.
pub fn call(ctx: &Context, name: &str, args: &[Item]) -> Result<Item, Error> {
    let failed = |what: &str| fault(format!("error calling {name}: {what}"));
    let compare = |test: fn(Ordering) -> bool| match args {
        [a, b] => match (a.scalar(), b.scalar()) {
            (Some(Scalar::Bool(_)), _) | (_, Some(Scalar::Bool(_))) | (None, _) | (_, None) => {
                Err(failed("invalid type for comparison"))
            }
            (Some(a), Some(b)) if std::mem::discriminant(&a) == std::mem::discriminant(&b) => {
                Ok(Item::Bool(a.partial_cmp(&b).is_some_and(test)))
            }
            _ => Err(failed("incompatible types for comparison")),
        },
        _ => Err(failed("wrong number of arguments")),
    };
    match (name, args) {
        ("not", [value]) => Ok(Item::Bool(!value.is_true())),
        ("eq", [first, others @ ..]) if !others.is_empty() => {
            for other in others {
                if equal(first, other).map_err(failed)? {
                    return Ok(Item::Bool(true));
                }
            }
            Ok(Item::Bool(false))
        }
        ("ne", [a, b]) => Ok(Item::Bool(!equal(a, b).map_err(failed)?)),
        ("lt", _) => compare(Ordering::is_lt),
        ("le", _) => compare(Ordering::is_le),
        ("gt", _) => compare(Ordering::is_gt),
        ("ge", _) => compare(Ordering::is_ge),
        ("len", [value]) => match value {
            Item::Text(text) => Ok(Item::Int(text.len() as i64)),
            Item::Data(Value::Number(number)) => Ok(Item::Int(number.to_string().len() as i64)),
            Item::Data(Value::Array(items)) => Ok(Item::Int(items.len() as i64)),
            Item::Data(Value::Object(members)) => Ok(Item::Int(members.len() as i64)),
            other => Err(failed(&format!("len of type {}", other.type_name()))),
        },
        ("index", [value, keys @ ..]) => index(value, keys).map_err(|what| failed(&what)),
        ("html", _) => Ok(Item::Text(escape_html(&joined(ctx, args, false)?))),
        ("print", _) => joined(ctx, args, false).map(Item::Text),
        ("println", _) => joined(ctx, args, true).map(|text| Item::Text(text + "\n")),
        ("printf", [Item::Text(format), rest @ ..]) => {
            let operands = rest.iter().map(|item| formatted(ctx, item)).collect::<Result<Vec<_>, _>>()?;
            format_with(ctx, format, &operands).map(Item::Text)
        }
        _ => Err(fault(format!("wrong arguments for {name}"))),
    }
}

fn index(value: &Item, keys: &[Item]) -> Result<Item, String> {
    keys.iter().try_fold(value.clone(), |value, key| match (&value, key) {
        (Item::Data(Value::Array(items)), Item::Int(at)) => {
            match usize::try_from(*at).ok().and_then(|at| items.get(at)) {
                Some(item) => Ok(Item::of(item)),
                None => Err(format!("index out of range: {at}")),
            }
        }
        (Item::Data(Value::Object(members)), Item::Text(key)) => {
            Ok(members.get_str(key).map_or(Item::Nothing, Item::of))
        }
        (Item::Nothing, _) => Err("index of untyped nil".to_owned()),
        (value, key) => Err(format!("cannot index {} with {}", value.type_name(), key.type_name())),
    })
}

fn equal(a: &Item, b: &Item) -> Result<bool, &'static str> {
    match (a, b, a.scalar(), b.scalar()) {
        (Item::Nothing, Item::Nothing, ..) => Ok(true),
        (Item::Nothing, ..) | (_, Item::Nothing, ..) => Ok(false),
        (_, _, Some(a), Some(b)) if std::mem::discriminant(&a) == std::mem::discriminant(&b) => Ok(a == b),
        (_, _, Some(_), Some(_)) => Err("incompatible types for comparison"),
        _ => Err("non-comparable type"),
    }
}

fn formatted<'a>(ctx: &Context, item: &'a Item) -> Result<Formatted<'a>, Error> {
    Ok(match item {
        Item::Int(number) => Formatted::Int(*number),
        Item::Float(number) => Formatted::Float(*number),
        Item::Text(text) => Formatted::Text(text),
        other => {
            let mut out = Output::new(ctx);
            print_nested(other, &mut out, MAX_DEPTH)?;
            Formatted::Made(out.finish())
        }
    })
}

/// Arguments as one text: with blanks between all, or only between those that are no texts.
fn joined(ctx: &Context, args: &[Item], blanks: bool) -> Result<String, Error> {
    let mut out = Output::new(ctx);
    let mut before_is_text = true;
    for (at, item) in args.iter().enumerate() {
        let is_text = matches!(item, Item::Text(_) | Item::Data(Value::Number(_)));
        if at > 0 && (blanks || !(is_text || before_is_text)) {
            out.push(" ")?;
        }
        print_nested(item, &mut out, MAX_DEPTH)?;
        before_is_text = is_text;
    }
    Ok(out.finish())
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

fn print_nested(item: &Item, out: &mut Output, depth: usize) -> Result<(), Error> {
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

fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\0' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
