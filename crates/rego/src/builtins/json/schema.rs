//! `json.match_schema` and `json.verify_schema`: JSON Schema drafts 4, 6 and 7 as OPA's library reads them, with its words.

mod check;
mod compile;
mod decimal;
mod format;
mod node;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use crate::builtins::context::{Context, Prepared, argument};
use crate::builtins::error::Error;
use crate::builtins::json::decode;
use crate::builtins::kept::Kept;
use crate::value::{Object, Value};

/// A document as the library sees it: JSON text is read, sets are arrays, keys are text.
fn document(value: &Value) -> Result<Value, String> {
    match value {
        Value::String(text) => decode::read(text).map_err(|_| "invalid JSON string".to_string()),
        Value::Object(_) | Value::Array(_) => plain(value, 0),
        _ => Err("wrong type, expected string or object".to_string()),
    }
}

fn plain(value: &Value, depth: usize) -> Result<Value, String> {
    if depth > node::MAX_DEPTH {
        return Err("exceeded max depth".to_string());
    }
    Ok(match value {
        Value::Array(items) => {
            Value::from(items.iter().map(|item| plain(item, depth + 1)).collect::<Result<Vec<_>, _>>()?)
        }
        Value::Set(elements) => {
            Value::from(elements.keys().map(|item| plain(item, depth + 1)).collect::<Result<Vec<_>, _>>()?)
        }
        Value::Object(members) => {
            let mut plain_members = Vec::with_capacity(members.len());
            for (key, value) in members.iter() {
                let key = match key {
                    Value::String(_) => key.clone(),
                    other => Value::from(node::json(other)),
                };
                plain_members.push((key, plain(value, depth + 1)?));
            }
            Value::from(Object::from_entries(plain_members))
        }
        other => other.clone(),
    })
}

pub fn match_schema(context: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let document = document(argument(args, 1)?).map_err(Error::failed)?;
    let schema = schema(argument(args, 2)?).map_err(Error::failed)?;
    faults(context, &schema, &document)
}

/// A call whose schema is a constant.
pub fn prepare(known: &[Option<&Value>]) -> Option<Prepared> {
    let schema = schema(known.get(1).copied().flatten()?).ok()?;
    Some(Arc::new(move |context, args| {
        let document = document(argument(args, 1)?).map_err(Error::failed)?;
        faults(context, &schema, &document)
    }))
}

fn faults(context: &Context, schema: &node::Schema, document: &Value) -> Result<Option<Value>, Error> {
    let faults = check::check(context, schema, document)?;
    let valid = faults.is_empty();
    let faults = faults.into_iter().map(|fault| {
        let members = [
            ("error", format!("{}: {}", fault.field, fault.description)),
            ("type", fault.kind.to_string()),
            ("field", fault.field),
            ("desc", fault.description),
        ];
        Value::from(
            members.into_iter().map(|(key, text)| (Value::from(key), Value::from(text))).collect::<Object>(),
        )
    });
    Ok(Some(Value::from(vec![Value::from(valid), Value::from(faults.collect::<Vec<_>>())])))
}

/// Schemas that have been read, by their text: equal values may be written in ways of which one is a fault.
static SCHEMAS: LazyLock<Kept<String, node::Schema>> = LazyLock::new(|| Kept::within(32 << 20, 1024));

fn schema(value: &Value) -> Result<Arc<node::Schema>, String> {
    let text = match value {
        Value::String(text) => Cow::Borrowed(&**text),
        other => Cow::Owned(node::json(other)),
    };
    SCHEMAS.get(&*text, || compile::compile(&document(value)?))
}

pub fn verify_schema(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let answer = match schema(argument(args, 1)?) {
        Ok(_) => vec![Value::from(true), Value::Null],
        Err(error) => vec![Value::from(false), Value::from(format!("jsonschema: {error}"))],
    };
    Ok(Some(Value::from(answer)))
}
