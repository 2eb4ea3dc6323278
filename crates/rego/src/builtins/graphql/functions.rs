//! `graphql.*`: queries and schemas in the form of OPA's library.

use super::document::Stop;
use super::schema::{Schema, Wrong};
use super::{parse_schema as sdl, parser, query};
use crate::builtins::context::{Context, argument, text};
use crate::builtins::error::{Error, Kind};
use crate::value::{Object, Value};

type Answer = Result<Option<Value>, Error>;

fn parse_error(fault: &parser::Fault) -> Error {
    Error::failed(format!("{} in GraphQL string at location {}:{}", fault.message, fault.line, fault.column))
}

fn read_query(value: &Value) -> Result<Value, Error> {
    match value {
        Value::String(text) => parser::parse_query(text).map_err(|fault| parse_error(&fault)),
        Value::Object(_) => Ok(value.clone()),
        other => Err(Error::operand(0, "one of {string, object}", other)),
    }
}

fn read_schema(value: &Value) -> Result<Value, Error> {
    match value {
        Value::String(text) => sdl::parse_schema(text, false).map_err(|fault| parse_error(&fault)),
        Value::Object(_) => Ok(value.clone()),
        other => Err(Error::operand(1, "one of {string, object}", other)),
    }
}

/// Without places, and without what is empty.
fn pruned(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::from(items.iter().filter_map(kept).collect::<Vec<_>>()),
        Value::Object(members) => {
            let members = members.iter().filter(|(key, _)| key.as_str() != Some("Position"));
            let members = members.filter_map(|(key, value)| Some((key.clone(), kept(value)?)));
            Value::from(members.collect::<Object>())
        }
        other => other.clone(),
    }
}

fn kept(value: &Value) -> Option<Value> {
    match pruned(value) {
        Value::Null => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Object(members) if members.is_empty() => None,
        other => Some(other),
    }
}

/// Reads and checks both: the query, then the schema.
fn both(context: &Context, args: &[Value]) -> Result<(Value, Value), Error> {
    let query = read_query(argument(args, 1)?)?;
    let schema = read_schema(argument(args, 2)?)?;
    {
        let schema = Schema::new(&schema).map_err(|wrong| {
            let place = wrong.place.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
            let message = wrong.message;
            Error::failed(format!(
                "Error in gqlparser SchemaDocument to Schema conversion: input{place}: {message}"
            ))
        })?;
        query::check(context, &schema, &query).map_err(|stopped| match stopped {
            Stop::Error(error) => error,
            Stop::Wrong(Wrong { message, place }) => {
                let (line, column) = place.unwrap_or((0, 0));
                let message = message.strip_suffix('.').unwrap_or(&message);
                Error::failed(format!("{message} in GraphQL query string at location {line}:{column}"))
            }
        })?;
    }
    Ok((query, schema))
}

/// Whether the time is over, which is no answer; all other errors are one.
fn verdict<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == Kind::Cancelled => Err(error),
        Err(_) => Ok(None),
    }
}

pub fn is_valid(context: &mut Context, args: &[Value]) -> Answer {
    Ok(Some(Value::from(verdict(both(context, args))?.is_some())))
}

pub fn parse(context: &mut Context, args: &[Value]) -> Answer {
    let (query, schema) = both(context, args)?;
    Ok(Some(Value::from(vec![pruned(&query), pruned(&schema)])))
}

pub fn parse_and_verify(context: &mut Context, args: &[Value]) -> Answer {
    let empty = || Value::from(Object::new());
    let answer = match verdict(both(context, args))? {
        Some((query, schema)) => vec![Value::from(true), pruned(&query), pruned(&schema)],
        None => vec![Value::from(false), empty(), empty()],
    };
    Ok(Some(Value::from(answer)))
}

pub fn parse_query(_: &mut Context, args: &[Value]) -> Answer {
    let query = parser::parse_query(text(args, 1)?).map_err(|fault| parse_error(&fault))?;
    Ok(Some(pruned(&query)))
}

pub fn parse_schema(_: &mut Context, args: &[Value]) -> Answer {
    let schema = sdl::parse_schema(text(args, 1)?, false).map_err(|fault| parse_error(&fault))?;
    Ok(Some(pruned(&schema)))
}

pub fn schema_is_valid(_: &mut Context, args: &[Value]) -> Answer {
    let valid = read_schema(argument(args, 1)?).is_ok_and(|schema| Schema::new(&schema).is_ok());
    Ok(Some(Value::from(valid)))
}
