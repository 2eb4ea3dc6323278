//! Validation of values in queries against their types.

use super::document::{Check, MAX_DEPTH, Stop, wrong};
use super::schema::{Definition, Schema, is, is_required, list, member, named, text, type_name, type_text};
use crate::builtins::error::Error;
use crate::value::Value;

/// The kind of a value, as a number.
pub fn kind(value: &Value) -> i64 {
    match member(value, "Kind") {
        Value::Number(number) => number.as_i64().unwrap_or(-1),
        _ => -1,
    }
}

/// A value as it is written.
fn shown(value: &Value) -> String {
    let children = || list(value, "Children").iter();
    match kind(value) {
        0 => format!("${}", text(value, "Raw")),
        3 | 4 => format!("{:?}", text(value, "Raw")),
        8 => format!(
            "[{}]",
            children().map(|child| shown(member(child, "Value"))).collect::<Vec<_>>().join(",")
        ),
        9 => {
            let members =
                children().map(|child| format!("{}:{}", text(child, "Name"), shown(member(child, "Value"))));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        _ => text(value, "Raw").to_string(),
    }
}

fn unexpected(value: &Value, definition: &Definition<'_>, of: &Value) -> Check {
    let (expected, shown) = (type_text(of), shown(value));
    let message = match expected.trim_end_matches('!') {
        "Int" if kind(value) == 1 && text(value, "Raw").parse::<i32>().is_err() => {
            format!("Int cannot represent non 32-bit signed integer value: {shown}")
        }
        "Int" => format!("Int cannot represent non-integer value: {shown}"),
        "String" | "[String]" => format!("String cannot represent a non string value: {shown}"),
        "Boolean" => format!("Boolean cannot represent a non boolean value: {shown}"),
        "Float" => format!("Float cannot represent non numeric value: {shown}"),
        "ID" => format!("ID cannot represent a non-string and non-integer value: {shown}"),
        _ if definition.kind == "ENUM" => {
            format!("Enum {expected:?} cannot represent non-enum value: {shown}.")
        }
        _ => format!("Expected value of type {expected:?}, found {shown}."),
    };
    wrong(value, message)
}

/// Checks a value where one of a type is wanted.
pub fn check(
    schema: &Schema<'_>,
    value: &Value,
    definition: &Definition<'_>,
    of: &Value,
    depth: usize,
) -> Check {
    if depth > MAX_DEPTH {
        return Err(Stop::Error(Error::failed("the query is too deep")));
    }
    let name = definition.name;
    let own = definition.kind == "SCALAR" && !matches!(name, "Int" | "Float" | "String" | "Boolean" | "ID");
    let fits = own
        || match kind(value) {
            0 => true,
            1 => matches!(name, "Int" | "Float" | "ID") && text(value, "Raw").parse::<i64>().is_ok(),
            2 => name == "Float",
            3 | 4 => matches!(name, "String" | "ID"),
            5 => name == "Boolean",
            6 => !is(of, "NonNull"),
            7 => definition.kind == "ENUM" && named(&definition.values, text(value, "Raw")).is_some(),
            8 => member(of, "Elem") != &Value::Null,
            9 => definition.kind == "INPUT_OBJECT",
            _ => false,
        };
    if !fits {
        return unexpected(value, definition, of);
    }
    match kind(value) {
        8 => {
            let element = match member(of, "Elem") {
                Value::Null => of,
                element => element,
            };
            for child in list(value, "Children") {
                check(schema, member(child, "Value"), definition, element, depth + 1)?;
            }
        }
        9 => members(schema, value, definition, own, depth)?,
        _ => {}
    }
    Ok(())
}

/// Checks the fields of an input object. A scalar type of the schema's own (`own`) takes any.
fn members(
    schema: &Schema<'_>,
    value: &Value,
    definition: &Definition<'_>,
    own: bool,
    depth: usize,
) -> Check {
    let name = definition.name;
    let mut names = std::collections::BTreeSet::new();
    for child in list(value, "Children") {
        let child_name = text(child, "Name");
        if !names.insert(child_name) {
            return wrong(child, format!("There can be only one input field named {child_name:?}."));
        }
        match named(&definition.fields, child_name) {
            Some(field) => {
                let of = member(field, "Type");
                if let Some(definition) = schema.get(type_name(of)) {
                    check(schema, member(child, "Value"), definition, of, depth + 1)?;
                }
            }
            None if own => {}
            None => {
                return wrong(child, format!("Field {child_name:?} is not defined by type {name:?}."));
            }
        }
    }
    if !own {
        for field in definition.fields.iter().filter(|field| is_required(field)) {
            let field_name = text(field, "Name");
            if !names.contains(field_name) {
                let of = type_text(member(field, "Type"));
                let message =
                    format!("Field \"{name}.{field_name}\" of required type {of:?} was not provided.");
                return wrong(value, message);
            }
        }
    }
    Ok(())
}
