//! `yaml.*`

use crate::builtins::context::{Context, argument, text};
use crate::builtins::error::Error;
use crate::builtins::yaml::write;
use crate::value::Value;
use crate::yaml;

type Answer = Result<Option<Value>, Error>;

pub fn marshal(_: &mut Context, args: &[Value]) -> Answer {
    let written = write::write(argument(args, 1)?).map_err(Error::failed)?;
    Ok(Some(Value::from(written)))
}

pub fn unmarshal(_: &mut Context, args: &[Value]) -> Answer {
    let failed = |error| Error::failed(format!("error converting YAML to JSON: {error}"));
    yaml::read(text(args, 1)?).map(Some).map_err(failed)
}

pub fn is_valid(_: &mut Context, args: &[Value]) -> Answer {
    Ok(Some(Value::from(argument(args, 1)?.as_str().is_some_and(|text| yaml::read(text).is_ok()))))
}
