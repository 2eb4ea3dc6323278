//! One JSON-RPC message of an MCP client.
//!
//! INVARIANT (one meaning): a message that the server behind the gateway could read in another way is refused: duplicate members,
//! members that are not JSON-RPC's, and members of the parameters that differ from known ones in case alone (some JSON readers
//! take them for the same).

use serde_json::Value as Json;

use super::rpc::{Fault, INVALID_REQUEST, PARSE_ERROR};
use verdict_rego::Value;

/// What a message may have.
const MEMBERS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
/// The parameters that are decided on.
const PARAMS: [&str; 10] = [
    "name",
    "uri",
    "arguments",
    "_meta",
    "ref",
    "notifications",
    "taskId",
    "requestState",
    "inputResponses",
    "protocolVersion",
];
/// What client and server tell each other without an answer.
pub(super) const NOTIFICATIONS: &str = "notifications/";

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It asks for something.
    Request,
    /// It tells something.
    Notification,
    /// It answers a request of the server's (up to 2025-11-25).
    Response,
}

/// A message that is well-formed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    pub(super) kind: Kind,
    /// That of requests and responses.
    pub(super) id: Option<Value>,
    /// Empty for a response.
    pub(super) method: String,
    /// An object, empty where there are no parameters.
    pub(super) params: Value,
}

/// Reads a body as JSON.
///
/// # Errors
/// It is none, or a batch, which no version of MCP since 2025-06-18 has.
pub(super) fn document(bytes: &[u8]) -> Result<Value, Fault> {
    let document = Value::from_json(bytes)
        .map_err(|error| Fault::new(PARSE_ERROR, format!("the message is not JSON: {error}")))?;
    match document {
        Value::Array(_) => {
            Err(Fault::new(INVALID_REQUEST, "batches are not part of MCP; send one message in each request"))
        }
        document if document.is_object() => Ok(document),
        _ => Err(Fault::new(INVALID_REQUEST, "the message is not a JSON object")),
    }
}

/// The id of a message; none where it has none.
///
/// # Errors
/// It is neither a text nor a number.
pub(super) fn id(document: &Value) -> Result<Option<Json>, Fault> {
    match document.get("id") {
        None => Ok(None),
        Some(id @ (Value::String(_) | Value::Number(_))) => Ok(serde_json::to_value(id).ok()),
        Some(_) => Err(Fault::new(INVALID_REQUEST, "`id` is not a text or a number")),
    }
}

impl Message {
    /// Takes a message apart.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn of(mut document: Value) -> Result<Self, Fault> {
        let invalid = |why: String| Fault::new(INVALID_REQUEST, why);
        if let Some((name, _)) = document.members().find(|(name, _)| !MEMBERS.contains(name)) {
            return Err(invalid(format!("`{name}` is no member of a JSON-RPC message")));
        }
        if document.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(invalid("`jsonrpc` is not `2.0`".to_owned()));
        }
        let id = document.remove("id");
        let answers = document.get("result").is_some() || document.get("error").is_some();
        let Some(method) = document.remove("method") else {
            return match (answers, id) {
                (true, Some(id)) => {
                    let (kind, params) = (Kind::Response, Value::object());
                    Ok(Self { kind, id: Some(id), method: String::new(), params })
                }
                _ => Err(invalid("`method` is missing".to_owned())),
            };
        };
        if answers {
            return Err(invalid("`method` stands beside `result` or `error`".to_owned()));
        }
        let method = method.as_str().filter(|method| !method.is_empty());
        let method = method.ok_or_else(|| invalid("`method` is not a text".to_owned()))?.to_owned();
        let kind = match (id.is_some(), method.starts_with(NOTIFICATIONS)) {
            (true, false) => Kind::Request,
            (false, true) => Kind::Notification,
            (true, true) => return Err(invalid(format!("`{method}` is a notification, and has an `id`"))),
            (false, false) => return Err(invalid(format!("`{method}` is a request, and has no `id`"))),
        };
        let params = document.remove("params").unwrap_or_else(Value::object);
        check_params(&params)?;
        Ok(Self { kind, id, method, params })
    }

    /// A parameter that is a text and not empty.
    ///
    /// # Errors
    /// It is missing, or something else.
    pub(super) fn text(&self, name: &str) -> Result<&str, Fault> {
        let text = self.params.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| Fault::params(format!("`params.{name}` is missing, or not a text")))
    }

    /// A member of `params._meta`.
    pub(super) fn meta(&self, name: &str) -> Option<&Value> {
        self.params.get("_meta")?.get(name)
    }
}

fn check_params(params: &Value) -> Result<(), Fault> {
    if !params.is_object() {
        return Err(Fault::params("`params` is not an object"));
    }
    let looks_like =
        |name: &str| PARAMS.into_iter().find(|known| *known != name && known.eq_ignore_ascii_case(name));
    for (name, _) in params.members() {
        if let Some(known) = looks_like(name) {
            return Err(Fault::params(format!("`params.{name}` could be read as `params.{known}`")));
        }
    }
    for object in ["arguments", "_meta"] {
        if params.get(object).is_some_and(|value| !value.is_object()) {
            return Err(Fault::params(format!("`params.{object}` is not an object")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Message, Fault> {
        let document = document(text.as_bytes())?;
        id(&document)?;
        Message::of(document)
    }

    #[test]
    fn a_message_is_a_request_a_notification_or_a_response() {
        for (text, kind, method) in [
            (r#"{"jsonrpc": "2.0", "id": 1, "method": "ping"}"#, Kind::Request, "ping"),
            (
                r#"{"jsonrpc": "2.0", "id": "a", "method": "tools/list", "params": {}}"#,
                Kind::Request,
                "tools/list",
            ),
            (
                r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#,
                Kind::Notification,
                "notifications/initialized",
            ),
            (r#"{"jsonrpc": "2.0", "id": 1, "result": {}}"#, Kind::Response, ""),
            (r#"{"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "m"}}"#, Kind::Response, ""),
        ] {
            let message = read(text).unwrap();
            assert_eq!((message.kind, message.method.as_str()), (kind, method), "{text}");
        }
    }

    #[test]
    fn whatever_else_comes_is_an_error() {
        for (text, code, why) in [
            ("{", -32700, "not JSON"),
            ("", -32700, "not JSON"),
            (r#"{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "a"}"#, -32700, "duplicate key"),
            (
                r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "a", "name": "b"}}"#,
                -32700,
                "duplicate key",
            ),
            ("[]", -32600, "batches"),
            (r#"[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]"#, -32600, "batches"),
            ("7", -32600, "not a JSON object"),
            ("{}", -32600, "`jsonrpc` is not"),
            (r#"{"jsonrpc": "1.0", "id": 1, "method": "a"}"#, -32600, "`jsonrpc` is not"),
            (r#"{"jsonrpc": "2.0", "id": null, "method": "a"}"#, -32600, "`id` is not"),
            (r#"{"jsonrpc": "2.0", "id": {}, "method": "a"}"#, -32600, "`id` is not"),
            (r#"{"jsonrpc": "2.0", "id": 1}"#, -32600, "`method` is missing"),
            (r#"{"jsonrpc": "2.0", "id": 1, "method": 7}"#, -32600, "`method` is not"),
            (r#"{"jsonrpc": "2.0", "id": 1, "method": ""}"#, -32600, "`method` is not"),
            (r#"{"jsonrpc": "2.0", "id": 1, "method": "a", "Method": "b"}"#, -32600, "`Method` is no member"),
            (r#"{"jsonrpc": "2.0", "id": 1, "method": "a", "result": 1}"#, -32600, "beside"),
            (r#"{"jsonrpc": "2.0", "method": "tools/call"}"#, -32600, "has no `id`"),
            (r#"{"jsonrpc": "2.0", "id": 1, "method": "notifications/x"}"#, -32600, "has an `id`"),
            (r#"{"jsonrpc": "2.0", "id": 1, "method": "a", "params": []}"#, -32602, "`params` is not"),
            (
                r#"{"jsonrpc": "2.0", "id": 1, "method": "a", "params": {"Name": "x"}}"#,
                -32602,
                "read as `params.name`",
            ),
            (
                r#"{"jsonrpc": "2.0", "id": 1, "method": "a", "params": {"arguments": 1}}"#,
                -32602,
                "not an object",
            ),
        ] {
            let fault = read(text).unwrap_err();
            assert_eq!(fault.code, Some(code), "{text}: {}", fault.message);
            assert!(fault.message.contains(why), "{text}: {}", fault.message);
        }
    }
}
