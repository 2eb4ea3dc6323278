//! The functions of Go's text templates. There is no `call`, as no value is a function.

use std::cmp::Ordering;

use crate::builtins::context::Context;
use crate::builtins::encoding::pem::lossy;
use crate::builtins::encoding::url;
use crate::builtins::error::Error;
use crate::builtins::operand::{MAX_DEPTH, Output};
use crate::builtins::text::print::printable;
use crate::builtins::text::sprintf::{Operand as Formatted, format_with};
use crate::builtins::text::template::values::{Item, Scalar, fault, print_nested};
use crate::value::Value;

/// Whether there is a function of this name.
pub fn is_function(name: &str) -> bool {
    const NAMES: [&str; 18] = [
        "and", "or", "not", "len", "index", "slice", "print", "println", "printf", "html", "js", "urlquery",
        "eq", "ne", "lt", "le", "gt", "ge",
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
        ("slice", [value, bounds @ ..]) => slice(value, bounds).map_err(|what| failed(&what)),
        ("html", _) => Ok(Item::Text(escape_html(&joined(ctx, args, false)?))),
        ("js", _) => Ok(Item::Text(escape_js(&joined(ctx, args, false)?))),
        ("urlquery", _) => {
            let mut text = String::new();
            url::escape(&joined(ctx, args, false)?, &mut text);
            Ok(Item::Text(text))
        }
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
        // A byte of the text.
        (Item::Text(text), Item::Int(at)) => {
            match usize::try_from(*at).ok().and_then(|at| text.as_bytes().get(at)) {
                Some(byte) => Ok(Item::Int(i64::from(*byte))),
                None => Err(format!("index out of range: {at}")),
            }
        }
        (Item::Nothing, _) => Err("index of untyped nil".to_owned()),
        (value, key) => Err(format!("cannot index {} with {}", value.type_name(), key.type_name())),
    })
}

/// A part of a text or a list, between bounds in bytes or items. A third bound, for the part's capacity, is only checked.
fn slice(value: &Item, bounds: &[Item]) -> Result<Item, String> {
    let text;
    let length = match value {
        Item::Text(_) if bounds.len() > 2 => return Err("cannot 3-index slice a string".to_owned()),
        Item::Text(given) => {
            text = given.as_str();
            text.len()
        }
        Item::Data(Value::Array(items)) => {
            text = "";
            items.len()
        }
        Item::Nothing => return Err("slice of untyped nil".to_owned()),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    if bounds.len() > 3 {
        return Err(format!("too many slice indexes: {}", bounds.len()));
    }
    let mut places = Vec::new();
    for bound in bounds {
        let Item::Int(at) = bound else {
            return Err(format!("cannot index slice/array with type {}", bound.type_name()));
        };
        let place = usize::try_from(*at).ok().filter(|place| *place <= length);
        places.push(place.ok_or_else(|| format!("index out of range: {at}"))?);
    }
    if let Some([before, after]) = places.windows(2).find(|pair| pair.is_sorted_by(|a, b| a > b)) {
        return Err(format!("invalid slice index: {before} > {after}"));
    }
    let start = places.first().copied().unwrap_or_default();
    let range = start..places.get(1).copied().unwrap_or(length);
    Ok(match value {
        Item::Data(Value::Array(items)) => Item::Data(items.get(range).unwrap_or_default().to_vec().into()),
        // What is cut through is no character any more.
        _ => Item::Text(lossy(text.as_bytes().get(range).unwrap_or_default())),
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

fn escape_js(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '\'' | '"' => escaped.extend(['\\', c]),
            '<' | '>' | '&' | '=' | '\0'..'\u{20}' => escaped.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if c.is_ascii() || printable(c) => escaped.push(c),
            c => escaped.push_str(&format!("\\u{:04X}", u32::from(c))),
        }
    }
    escaped
}
