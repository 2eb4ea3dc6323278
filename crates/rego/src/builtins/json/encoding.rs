//! `json.marshal`, `json.unmarshal` and their like

use crate::builtins::context::{Context, argument, object, text};
use crate::builtins::error::{Error, Kind};
use crate::builtins::json::decode;
use crate::json::{self, Escape};
use crate::value::Value;

type Answer = Result<Option<Value>, Error>;

/// As Go marshals it: without spaces, and nothing in it that HTML would take for its own.
pub fn go_json(value: &Value) -> String {
    let mut text = String::new();
    json::write_escaped(value, Escape::Html, &mut text);
    text
}

/// Compact JSON that may stand in HTML, which is what Go writes.
fn compact(value: &Value) -> String {
    let mut out = String::new();
    json::write_escaped(value, Escape::Html, &mut out);
    out
}

pub fn marshal(_: &mut Context, args: &[Value]) -> Answer {
    Ok(Some(Value::from(compact(argument(args, 1)?))))
}

pub fn marshal_with_options(context: &mut Context, args: &[Value]) -> Answer {
    let value = argument(args, 1)?;
    let (mut prefix, mut indent, mut pretty, mut implied) = ("", "\t", None, false);
    let wrong = |message: String| Error::new(Kind::Type, format!("operand 2 {message}"));
    for (at, (key, option)) in object(args, 2)?.iter().enumerate() {
        let string = |value: &'_ Value| Error::operand(at, "string", value).message;
        let key = key.as_str().ok_or_else(|| {
            let (shown, why) = (compact(key), string(key));
            wrong(format!("failed to stringify key {shown} at index {at}: {why}"))
        })?;
        match (key, option) {
            ("prefix", Value::String(text)) => (prefix, implied) = (text, true),
            ("indent", Value::String(text)) => (indent, implied) = (text, true),
            ("prefix" | "indent", other) => {
                return Err(wrong(format!("key {key} failed cast to string: {}", string(other))));
            }
            ("pretty", Value::Bool(wanted)) => pretty = Some(*wanted),
            ("pretty", _) => return Err(wrong(format!("key {key} failed cast to bool"))),
            _ => return Err(wrong(format!("object contained unknown key {key}"))),
        }
    }
    let text = compact(value);
    if !pretty.unwrap_or(implied) {
        return Ok(Some(Value::from(text)));
    }
    let mut out = String::from(prefix);
    spread(&text, prefix, indent, context.max_bytes, &mut out)?;
    Ok(Some(Value::from(out)))
}

/// Compact JSON over many lines, as Go does it.
fn spread(text: &str, prefix: &str, indent: &str, most: usize, out: &mut String) -> Result<(), Error> {
    let mut depth = 0usize;
    let mut signs = text.char_indices().peekable();
    let line = |out: &mut String, depth: usize| {
        if out.len() + prefix.len() + indent.len().saturating_mul(depth) > most {
            return Err(Error::failed("the result is too large"));
        }
        out.push('\n');
        out.push_str(prefix);
        (0..depth).for_each(|_| out.push_str(indent));
        Ok(())
    };
    while let Some((_, sign)) = signs.next() {
        match sign {
            '"' => {
                out.push('"');
                while let Some((_, sign)) = signs.next() {
                    out.push(sign);
                    match sign {
                        '\\' => out.extend(signs.next().map(|(_, sign)| sign)),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                out.push(sign);
                if let Some((_, end)) = signs.next_if(|(_, next)| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(out, depth)?;
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(out, depth)?;
                out.push(sign);
            }
            ',' => {
                out.push(',');
                line(out, depth)?;
            }
            ':' => out.push_str(": "),
            _ => out.push(sign),
        }
    }
    Ok(())
}

pub fn unmarshal(_: &mut Context, args: &[Value]) -> Answer {
    decode::read(text(args, 1)?).map(Some).map_err(Error::failed)
}

pub fn is_valid(_: &mut Context, args: &[Value]) -> Answer {
    Ok(Some(Value::from(argument(args, 1)?.as_str().is_some_and(|text| decode::read(text).is_ok()))))
}
