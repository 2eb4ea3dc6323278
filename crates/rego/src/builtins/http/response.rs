//! Converts an HTTP response to a value.

use crate::builtins::encoding::pem::lossy;
use crate::builtins::json::decode;
use crate::builtins::yaml::read;
use crate::outbound::Response;
use crate::value::{Object, Value};

/// How a body is read, whatever the response says of it.
#[derive(Debug, Clone, Copy)]
pub struct Decode {
    pub json: bool,
    pub yaml: bool,
}

/// Status, headers, and the body as text and read; a body that cannot be read is null.
pub fn to_value(response: &Response, decode: Decode) -> Value {
    let raw = lossy(&response.body);
    let kind = response.headers.iter().find(|(name, _)| name == "content-type");
    let is = |kinds: &[&str]| kind.is_some_and(|(_, value)| kinds.iter().any(|kind| value.contains(kind)));
    let body = if decode.json || is(&["application/json"]) {
        decode::read(&raw).ok()
    } else if decode.yaml || is(&["application/yaml", "application/x-yaml"]) {
        read::read(&raw).ok()
    } else {
        None
    };
    let status = format!("{} {}", response.status, response.reason);
    let members = [
        ("status", Value::from(status)),
        ("status_code", Value::from(i64::from(response.status))),
        ("body", body.unwrap_or(Value::Null)),
        ("raw_body", Value::from(raw)),
        ("headers", headers(&response.headers)),
    ];
    Value::from(Object::from_entries(members.map(|(name, value)| (Value::from(name), value)).to_vec()))
}

/// Each name with all its values.
fn headers(headers: &[(String, String)]) -> Value {
    let mut names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let values = |wanted: &str| {
        let values = headers.iter().filter(|(name, _)| name == wanted);
        Value::from(values.map(|(_, value)| Value::from(value.as_str())).collect::<Vec<_>>())
    };
    let entries = names.into_iter().map(|name| (Value::from(name), values(name))).collect();
    Value::from(Object::from_entries(entries))
}
