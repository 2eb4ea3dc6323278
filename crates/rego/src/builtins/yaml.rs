//! `yaml.*`

use super::super::value::Value;
use super::call::{Context, Error, Function, argument, text};
use super::{yaml_read, yaml_write};

/// The functions of this family.
pub const FUNCTIONS: &[(&str, Function)] =
    &[("yaml.marshal", marshal), ("yaml.unmarshal", unmarshal), ("yaml.is_valid", is_valid)];

type Answer = Result<Option<Value>, Error>;

fn marshal(_: &mut Context, args: &[Value]) -> Answer {
    let written = yaml_write::write(argument(args, 1)?).map_err(Error::failed)?;
    Ok(Some(Value::from(written)))
}

fn unmarshal(_: &mut Context, args: &[Value]) -> Answer {
    let failed = |error| Error::failed(format!("error converting YAML to JSON: {error}"));
    yaml_read::read(text(args, 1)?).map(Some).map_err(failed)
}

fn is_valid(_: &mut Context, args: &[Value]) -> Answer {
    Ok(Some(Value::from(argument(args, 1)?.as_str().is_some_and(|text| yaml_read::read(text).is_ok()))))
}
