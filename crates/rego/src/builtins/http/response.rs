//! Converts an HTTP response to a value.

use crate::builtins::encoding::pem::lossy;
use crate::builtins::json::decode;
use crate::outbound::Response;
use crate::value::{Object, Value};
use crate::yaml;

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
    let kind = kind.map_or("", |(_, value)| value.as_str());
    let is_yaml = ["application/yaml", "application/x-yaml"].iter().any(|yaml| kind.contains(yaml));
    let body = if decode.json || is_json(kind) {
        decode::read(&raw).ok()
    } else if decode.yaml || is_yaml {
        yaml::read(&raw).ok()
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

/// Whether a media type is JSON: `application/json`, or with a suffix that says so (RFC 6839), as `application/problem+json`.
fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = kind.strip_prefix("application/").unwrap_or_default();
    subtype == "json" || (subtype.ends_with("+json") && !subtype.contains('/'))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_json_says_so() {
        for kind in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/vnd.api+json",
            "APPLICATION/A+JSON ",
        ] {
            assert!(is_json(kind), "{kind}");
        }
        for kind in
            ["", "application/json-seq", "text/json", "application/jsonp", "text/plain; a=application/json"]
        {
            assert!(!is_json(kind), "{kind}");
        }
    }
}
