//! Converts JSON schemas to types, as OPA does.

use std::collections::HashMap;
use std::sync::Arc;

use super::types::{Kind, Type, or};
use crate::value::Value;

/// How deep schemas may refer to each other.
const DEEPEST: usize = 64;

/// The schemas that annotations may name, and that of the input.
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    /// That of every input: what a single file gives.
    pub input: Option<Value>,
    /// Those of a folder, by path: `schema`, `users`, `user` for `users/user.json`.
    pub by_path: HashMap<Vec<Arc<str>>, Value>,
}

/// The type that a schema describes.
pub(super) fn type_of(schema: &Value) -> Result<Type, String> {
    if !matches!(schema, Value::Object(_) | Value::Bool(_)) {
        return Err(format!(
            "unable to compile the schema: it must be an object, not {}",
            schema.type_name()
        ));
    }
    Reader { root: schema, open: Vec::new() }.read(schema)
}

struct Reader<'s> {
    root: &'s Value,
    /// The references that are being followed.
    open: Vec<String>,
}

impl<'s> Reader<'s> {
    fn read(&mut self, schema: &'s Value) -> Result<Type, String> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            if self.open.len() >= DEEPEST || self.open.iter().any(|open| open == reference) {
                // It contains itself, or is as good as that.
                return Ok(Type::Any);
            }
            let target = self.resolve(reference)?;
            self.open.push(reference.to_owned());
            let of = self.read(target);
            self.open.pop();
            return of;
        }
        if let Some(Value::Array(schemas)) = schema.get("anyOf") {
            return self.any_of(schema, schemas);
        }
        if let Some(Value::Array(schemas)) = schema.get("allOf") {
            return self.all_of(schema, schemas);
        }
        self.plain(schema)
    }

    fn resolve(&self, reference: &str) -> Result<&'s Value, String> {
        let missing = || format!("unable to compile the schema: cannot find {reference:?}");
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err(format!(
                "unable to compile the schema: {reference:?} is elsewhere; put it below `$defs` in the same file"
            ));
        };
        let mut at = self.root;
        for part in pointer.split('/').skip(1) {
            let name = part.replace("~1", "/").replace("~0", "~");
            at = match at {
                Value::Array(items) => name.parse::<usize>().ok().and_then(|index| items.get(index)),
                _ => at.get(&name),
            }
            .ok_or_else(missing)?;
        }
        Ok(at)
    }

    fn any_of(&mut self, schema: &'s Value, schemas: &'s [Value]) -> Result<Type, String> {
        let mut all = Type::Unknown;
        if !types(schema).is_empty() {
            let core = self.plain(schema)?;
            if matches!(core.kind(), Some(Kind::Object(_, None))) {
                all = core;
            }
        }
        for each in schemas {
            all = or(&self.read(each)?, &all);
        }
        Ok(all)
    }

    /// All that several schemas say, which have to be of one type.
    fn all_of(&mut self, schema: &'s Value, schemas: &'s [Value]) -> Result<Type, String> {
        let own = kinds(schema);
        let mut parts = Vec::new();
        for each in schemas {
            let reference = each.get("$ref").and_then(Value::as_str);
            parts.push(reference.map_or(Ok(each), |reference| self.resolve(reference))?);
        }
        let first = parts.first().map(|part| kinds(part)).unwrap_or_default();
        for part in &parts {
            let others = kinds(part);
            if others != first {
                return Err(format!(
                    "unable to merge these schemas: type mismatch: {} and {}",
                    first.join(" "),
                    others.join(" ")
                ));
            }
        }
        if !own.is_empty() && own != first {
            return Err("unable to merge these schemas".to_owned());
        }
        if !own.is_empty() {
            parts.push(schema);
        }
        let (mut members, mut rest, mut last) = (Vec::new(), None, Type::Any);
        for part in parts {
            last = if part.get("allOf").is_some() && std::ptr::eq(part, schema) {
                self.plain(part)?
            } else {
                self.read(part)?
            };
            if let Some(Kind::Object(named, others)) = last.kind() {
                members.extend(named.iter().cloned());
                rest = others.clone().or(rest);
            }
        }
        if members.is_empty() { Ok(last) } else { Ok(Type::object(members, None)) }
    }

    /// A schema by its `type`, or by what it says of parts.
    fn plain(&mut self, schema: &'s Value) -> Result<Type, String> {
        let kinds = kinds(schema);
        let is = |name: &str| kinds.contains(&name);
        if is("boolean") {
            Ok(Type::Boolean)
        } else if is("string") {
            Ok(Type::String)
        } else if is("integer") || is("number") {
            Ok(Type::Number)
        } else if is("object") {
            match schema.get("properties") {
                Some(Value::Object(properties)) if !properties.is_empty() => {
                    let mut members = Vec::new();
                    for (key, schema) in properties.iter() {
                        members.push((key.clone(), self.read(schema)?));
                    }
                    Ok(Type::object(members, None))
                }
                _ => Ok(Type::object(Vec::new(), Some((Type::Any, Type::Any)))),
            }
        } else if is("array") {
            match schema.get("items") {
                Some(Value::Array(items)) if !items.is_empty() => {
                    let types = items.iter().map(|item| self.read(item)).collect::<Result<_, _>>()?;
                    Ok(Type::array(types, None))
                }
                Some(item @ (Value::Object(_) | Value::Bool(_))) => {
                    let each = self.read(item)?;
                    Ok(Type::array(Vec::new(), Some(each)))
                }
                _ => Ok(Type::array(Vec::new(), Some(Type::Any))),
            }
        } else {
            Ok(Type::Any)
        }
    }
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The types that a schema names, or has to mean.
fn kinds(schema: &Value) -> Vec<&str> {
    let named = types(schema);
    let has =
        |name: &str| schema.get(name).is_some_and(|of| matches!(of, Value::Object(_) | Value::Array(_)));
    match () {
        () if !named.is_empty() => named,
        () if has("properties") => vec!["object"],
        () if has("items") => vec!["array"],
        () => named,
    }
}
