//! `opa.runtime`: information about the host.

use crate::builtins::context::Context;
use crate::builtins::error::Error;
use crate::value::{Object, Value};

/// Of the environment and the configuration only what the host shows.
pub fn runtime(context: &mut Context, _: &[Value]) -> Result<Option<Value>, Error> {
    // As in OPA, where nobody has said what there is.
    let Some(host) = context.effects.host() else { return Ok(Some(Value::object())) };
    let env = host.env.iter();
    let env = env.map(|(name, value)| (Value::from(name.as_str()), Value::from(value.as_str()))).collect();
    let mut members = vec![
        (Value::from("env"), Value::from(Object::from_entries(env))),
        (Value::from("version"), Value::from(host.version.as_str())),
        (Value::from("commit"), Value::from(host.commit.as_str())),
    ];
    if let Some(config) = &host.config {
        members.push((Value::from("config"), config.clone()));
    }
    Ok(Some(Value::from(Object::from_entries(members))))
}
