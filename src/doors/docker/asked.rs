//! What a daemon asks, as policy sees it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::doors::wire::{Canonical, Described};
use verdict_rego::Value;

/// Headers of the client that carry credentials, for the daemon and for registries; policy sees none of them.
const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "x-registry-auth", "x-registry-config"];

/// The input of a request of the daemon: what opa-docker-authz gives to policy, and subject, action and resource.
///
/// # Errors
/// What is wrong with it.
pub(super) fn input(asked: &Value) -> Result<Value, String> {
    let method = text(asked, "RequestMethod")?.ok_or("there is no `RequestMethod`")?;
    let uri = text(asked, "RequestUri")?.ok_or("there is no `RequestUri`")?;
    let described = Described { method, target: uri, ..Described::default() };
    let request = Canonical::read(described).map_err(|failure| failure.message)?;
    let headers = headers(asked, "RequestHeaders")?;
    let user = text(asked, "User")?;
    let plain = format!("/{}", request.segments.join("/"));
    let query = uri.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    let parts = std::iter::once("").chain(request.segments.iter().map(String::as_str));
    let mut input = Value::object();
    input.insert("Method", Value::from(method));
    input.insert("Path", Value::from(format!("{}{query}", request.path)));
    input.insert("PathPlain", Value::from(plain));
    input.insert("PathArr", Value::from(parts.map(Value::from).collect::<Vec<_>>()));
    input.insert("Query", grouped(&request.query));
    input.insert("User", Value::from(user.unwrap_or_default()));
    input.insert("AuthMethod", Value::from(text(asked, "UserAuthNMethod")?.unwrap_or_default()));
    if let Some(body) = body(asked, "RequestBody", &headers)? {
        input.insert("Body", body);
    }
    input.insert("Headers", headers);
    if let Some(status) = asked.get("ResponseStatusCode") {
        input.insert("Response", response(asked, status)?);
    }
    let mut subject = Value::object();
    subject.insert("type", Value::from("user"));
    if let Some(user) = user {
        subject.insert("id", Value::from(user));
    }
    input.insert("subject", subject);
    let mut action = Value::object();
    action.insert("name", Value::from(method.to_ascii_lowercase()));
    input.insert("action", action);
    let mut resource = Value::object();
    resource.insert("type", Value::from("docker"));
    resource.insert("id", Value::from(without_version(&request.segments)));
    input.insert("resource", resource);
    Ok(input)
}

/// What the daemon is about to answer its client with.
fn response(asked: &Value, status: &Value) -> Result<Value, String> {
    let headers = headers(asked, "ResponseHeaders")?;
    let mut response = Value::object();
    response.insert("StatusCode", status.clone());
    if let Some(body) = body(asked, "ResponseBody", &headers)? {
        response.insert("Body", body);
    }
    response.insert("Headers", headers);
    Ok(response)
}

/// The path without the version of the API that it begins with, so that it is the same for every client.
fn without_version(segments: &[String]) -> String {
    let is_version = |segment: &String| {
        segment.strip_prefix('v').is_some_and(|version| {
            version.starts_with(|c: char| c.is_ascii_digit())
                && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        })
    };
    let rest = segments.iter().skip(usize::from(segments.first().is_some_and(is_version)));
    rest.fold(String::new(), |path, segment| path + "/" + segment)
}

/// A text; nothing where it is absent or empty.
fn text<'v>(asked: &'v Value, name: &str) -> Result<Option<&'v str>, String> {
    match asked.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(&**text).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("`{name}` is not a string")),
    }
}

/// The headers, without those that carry credentials.
fn headers(asked: &Value, name: &str) -> Result<Value, String> {
    let mut headers = Value::object();
    match asked.get(name) {
        None | Some(Value::Null) => {}
        Some(all) if all.is_object() => {
            for (header, value) in all.members() {
                if !CREDENTIALS.iter().any(|secret| header.eq_ignore_ascii_case(secret)) {
                    headers.insert(header, value.clone());
                }
            }
        }
        Some(_) => return Err(format!("`{name}` is not an object")),
    }
    Ok(headers)
}

/// A body, which the daemon writes in base64; nothing where there is none or where it is not JSON by its headers.
fn body(asked: &Value, name: &str, headers: &Value) -> Result<Option<Value>, String> {
    let Some(written) = text(asked, name)? else { return Ok(None) };
    let is_json = |value: &Value| {
        let media_type = value.as_str().and_then(|value| value.split(';').next()).unwrap_or_default();
        media_type.trim().eq_ignore_ascii_case("application/json")
    };
    if !headers.members().any(|(name, value)| name.eq_ignore_ascii_case("content-type") && is_json(value)) {
        return Ok(None);
    }
    let bytes = STANDARD.decode(written).map_err(|_| format!("`{name}` is not base64"))?;
    let body = Value::from_json(&bytes);
    body.map(Some).map_err(|error| format!("`{name}` is not JSON, though its headers say so: {error}"))
}

/// The values of each parameter, in their order.
fn grouped(pairs: &[(String, String)]) -> Value {
    let mut query = Value::object();
    for (name, _) in pairs {
        let values = pairs.iter().filter(|(other, _)| other == name);
        query.insert(
            name,
            Value::from(values.map(|(_, value)| Value::from(value.as_str())).collect::<Vec<_>>()),
        );
    }
    query
}

#[cfg(test)]
mod tests;
