//! A parser for GraphQL schemas.

use super::lexer::Kind;
use super::parser::{Parser, Read, object, position};
use crate::value::Value;

const LOCATIONS: [&str; 19] = [
    "QUERY",
    "MUTATION",
    "SUBSCRIPTION",
    "FIELD",
    "FRAGMENT_DEFINITION",
    "FRAGMENT_SPREAD",
    "INLINE_FRAGMENT",
    "VARIABLE_DEFINITION",
    "SCHEMA",
    "SCALAR",
    "OBJECT",
    "FIELD_DEFINITION",
    "ARGUMENT_DEFINITION",
    "INTERFACE",
    "UNION",
    "ENUM",
    "ENUM_VALUE",
    "INPUT_OBJECT",
    "INPUT_FIELD_DEFINITION",
];

/// Reads a schema.
///
/// # Errors
/// What is wrong first.
pub fn parse_schema(text: &str, built_in: bool) -> Read<Value> {
    let mut parser = Parser::new(text);
    let [mut schemas, mut extended, mut directives, mut definitions, mut extensions] =
        [const { Vec::new() }; 5];
    while parser.peek().kind != Kind::End {
        let description = description(&mut parser)?;
        if parser.peek().kind != Kind::Name {
            return Err(parser.unexpected());
        }
        match parser.peek().value.as_str() {
            "schema" => schemas.push(schema(&mut parser, description)?),
            "directive" => directives.push(directive(&mut parser, description)?),
            "extend" => {
                if description.as_str() != Some("") {
                    let text = parser.last.text();
                    return Err(Parser::fault(&parser.last, format!("Unexpected {text}")));
                }
                parser.take()?;
                if parser.peek().value == "schema" {
                    extended.push(extend_schema(&mut parser)?);
                } else {
                    extensions.push(definition(&mut parser, description, true, built_in)?);
                }
            }
            _ => definitions.push(definition(&mut parser, description, false, built_in)?),
        }
    }
    Ok(object([
        ("Schema", Value::from(schemas)),
        ("SchemaExtension", Value::from(extended)),
        ("Directives", Value::from(directives)),
        ("Definitions", Value::from(definitions)),
        ("Extensions", Value::from(extensions)),
    ]))
}

fn description(parser: &mut Parser<'_>) -> Read<Value> {
    match parser.peek().kind {
        Kind::String | Kind::Block => Ok(Value::from(parser.take()?.value)),
        _ => Ok(Value::from("")),
    }
}

fn operation_types(parser: &mut Parser<'_>) -> Read<Value> {
    parser.items("{", "}", true, |parser| {
        let start = position(parser.peek());
        let operation = parser.operation_type()?;
        parser.expect(Kind::Sign(":"))?;
        Ok(object([("Operation", operation), ("Type", parser.name()?), start]))
    })
}

fn schema(parser: &mut Parser<'_>, description: Value) -> Read<Value> {
    parser.take()?;
    let start = position(parser.peek());
    let directives = parser.directives(true)?;
    let types = operation_types(parser)?;
    Ok(object([("Description", description), ("Directives", directives), ("OperationTypes", types), start]))
}

fn extend_schema(parser: &mut Parser<'_>) -> Read<Value> {
    let extension = schema(parser, Value::from(""))?;
    if is_empty(&extension, &["Directives", "OperationTypes"]) {
        Err(parser.unexpected())
    } else {
        Ok(extension)
    }
}

fn is_empty(value: &Value, keys: &[&str]) -> bool {
    let Value::Object(members) = value else { return true };
    keys.iter().all(|key| match members.get_str(key) {
        Some(Value::Array(items)) => items.is_empty(),
        _ => true,
    })
}

fn definition(parser: &mut Parser<'_>, description: Value, extends: bool, built_in: bool) -> Read<Value> {
    let kind = match parser.peek().value.as_str() {
        "scalar" => "SCALAR",
        "type" => "OBJECT",
        "interface" => "INTERFACE",
        "union" => "UNION",
        "enum" => "ENUM",
        "input" => "INPUT_OBJECT",
        _ => return Err(parser.unexpected()),
    };
    parser.take()?;
    let start = position(parser.peek());
    let name = parser.name()?;
    // The extension of an interface may not implement others.
    let implements = kind == "OBJECT" || kind == "INTERFACE" && !extends;
    let interfaces =
        if implements && parser.peek().value == "implements" { names(parser, "&")? } else { Value::Null };
    let directives = parser.directives(true)?;
    let mut fields = Value::Null;
    let mut types = Value::Null;
    let mut values = Value::Null;
    match kind {
        "OBJECT" | "INTERFACE" => fields = parser.items("{", "}", true, field)?,
        "INPUT_OBJECT" => fields = parser.items("{", "}", true, input_value)?,
        "UNION" if parser.peek().kind == Kind::Sign("=") => types = names(parser, "|")?,
        "ENUM" => values = parser.items("{", "}", true, enum_value)?,
        _ => {}
    }
    let definition = object([
        ("Kind", Value::from(kind)),
        ("Description", description),
        ("Name", name),
        ("Directives", directives),
        ("Interfaces", interfaces),
        ("Fields", fields),
        ("Types", types),
        ("EnumValues", values),
        ("BuiltIn", Value::from(built_in)),
        start,
    ]);
    let parts = ["Directives", "Interfaces", "Fields", "Types", "EnumValues"];
    if extends && is_empty(&definition, &parts) { Err(parser.unexpected()) } else { Ok(definition) }
}

/// Names after a word or a sign, with signs between them and perhaps one before.
fn names(parser: &mut Parser<'_>, between: &'static str) -> Read<Value> {
    parser.take()?;
    parser.skip(between)?;
    let mut names = vec![parser.name()?];
    while parser.skip(between)? {
        names.push(parser.name()?);
    }
    Ok(Value::from(names))
}

fn field(parser: &mut Parser<'_>) -> Read<Value> {
    let start = position(parser.peek());
    let description = description(parser)?;
    let name = parser.name()?;
    let arguments = parser.items("(", ")", true, input_value)?;
    parser.expect(Kind::Sign(":"))?;
    let of = parser.type_reference()?;
    let directives = parser.directives(true)?;
    Ok(object([
        ("Description", description),
        ("Name", name),
        ("Arguments", arguments),
        ("Type", of),
        ("Directives", directives),
        start,
    ]))
}

fn input_value(parser: &mut Parser<'_>) -> Read<Value> {
    let start = position(parser.peek());
    let description = description(parser)?;
    let name = parser.name()?;
    parser.expect(Kind::Sign(":"))?;
    let of = parser.type_reference()?;
    let default = if parser.skip("=")? { parser.value(true)? } else { Value::Null };
    let directives = parser.directives(true)?;
    Ok(object([
        ("Description", description),
        ("Name", name),
        ("Type", of),
        ("DefaultValue", default),
        ("Directives", directives),
        start,
    ]))
}

fn enum_value(parser: &mut Parser<'_>) -> Read<Value> {
    let start = position(parser.peek());
    let description = description(parser)?;
    let name = parser.name()?;
    Ok(object([
        ("Description", description),
        ("Name", name),
        ("Directives", parser.directives(true)?),
        start,
    ]))
}

fn directive(parser: &mut Parser<'_>, description: Value) -> Read<Value> {
    parser.take()?;
    parser.expect(Kind::Sign("@"))?;
    let start = position(parser.peek());
    let name = parser.name()?;
    let arguments = parser.items("(", ")", true, input_value)?;
    let repeatable = parser.peek().kind == Kind::Name && parser.peek().value == "repeatable";
    if repeatable {
        parser.take()?;
    }
    parser.keyword("on")?;
    parser.skip("|")?;
    let mut locations = Vec::new();
    loop {
        let token = parser.expect(Kind::Name)?;
        if !LOCATIONS.contains(&token.value.as_str()) {
            return Err(Parser::fault(&token, format!("Unexpected {}", token.text())));
        }
        locations.push(Value::from(token.value));
        if !parser.skip("|")? {
            break;
        }
    }
    Ok(object([
        ("Description", description),
        ("Name", name),
        ("Arguments", arguments),
        ("Locations", Value::from(locations)),
        ("IsRepeatable", Value::from(repeatable)),
        start,
    ]))
}
