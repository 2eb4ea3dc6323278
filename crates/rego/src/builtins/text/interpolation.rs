//! What template strings become: `$"… {x} …"` is a call of `internal.template_string`.

use crate::builtins::context::{Context, array};
use crate::builtins::error::{Error, Kind};
use crate::value::Value;

/// Texts as they are; a set, which holds what an expression came to, as its only element.
pub fn template_string(context: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let mut text = String::new();
    for part in array(args, 1)? {
        match part {
            Value::String(literal) => text.push_str(literal),
            Value::Set(values) => match values.entries() {
                [] => text.push_str("<undefined>"),
                [(Value::String(value), ())] => text.push_str(value),
                [(value, ())] => print(value, &mut text),
                _ => {
                    let message = "template-strings must not produce multiple outputs";
                    return Err(Error::new(Kind::Conflict, message));
                }
            },
            _ => {}
        }
        if text.len() > context.max_bytes {
            return Err(Error::new(Kind::TooLarge, "the text is too long"));
        }
    }
    Ok(Some(Value::from(text)))
}

/// A value as Rego writes it.
fn print(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => out.push_str(&serde_json::Value::from(&**text).to_string()),
        Value::Array(items) => {
            out.push('[');
            separated(items.iter(), out, print);
            out.push(']');
        }
        Value::Set(items) if items.is_empty() => out.push_str("set()"),
        Value::Set(items) => {
            out.push('{');
            separated(items.keys(), out, print);
            out.push('}');
        }
        Value::Object(members) => {
            out.push('{');
            separated(members.iter(), out, |(key, value), out| {
                print(key, out);
                out.push_str(": ");
                print(value, out);
            });
            out.push('}');
        }
    }
}

fn separated<T>(items: impl Iterator<Item = T>, out: &mut String, print: impl Fn(T, &mut String)) {
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        print(item, out);
    }
}
