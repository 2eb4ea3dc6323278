//! A message of MCP in an HTTP request that another door is told of: Envoy's `Check`.
//!
//! The input is then that of [`super`], beside what the door has of HTTP.
//!
//! INVARIANT (the route says so): it is looked for only where the gateway's configuration says that a route leads to a server of MCP, by the
//! context extension `mcp_server`, which names it. A body that looks like a message, or Envoy's MCP filter that takes it for one, would let
//! clients choose what policy is asked about on routes that are none.
//! INVARIANT (the body first): what the filter says counts where there is no body, and must agree with the body where there is one. The
//! filter can be told to believe headers.

use http::HeaderMap;

use super::headers;
use super::input::Facts;
use super::mapping::{resources, server};
use super::message::{Kind, Message, document};
use super::rpc::{Fault, INVALID_REQUEST};
use crate::model::failure::Failure;
use verdict_rego::Value;

/// What names the server.
const SERVER: [&str; 3] = ["attributes", "contextExtensions", "mcp_server"];
/// What Envoy's MCP filter says of the request.
const FILTER: [&str; 4] = ["attributes", "metadataContext", "filterMetadata", "envoy.filters.http.mcp"];

/// Makes the input one about the message in a request, if it has one. Says whether the message passes without a question to policy.
/// `body` is the whole body, where the gateway sends it.
///
/// # Errors
/// The message is wrong, unknown, or has several questions, which are decided on at `/mcp/authorize`.
pub(in crate::doors) fn describe(
    input: &mut Value,
    method: &str,
    headers: &HeaderMap,
    body: Option<&[u8]>,
) -> Result<bool, Failure> {
    let Some(name) = input.at(SERVER).and_then(Value::as_str).map(str::to_owned) else { return Ok(false) };
    let told =
        input.at(FILTER).filter(|told| told.get("is_mcp_request") == Some(&Value::Bool(true))).cloned();
    // Streams and the ends of sessions, up to 2025-11-25, are requests without a message.
    if told.is_none() && method != "POST" {
        return Ok(false);
    }
    let read = message(told.as_ref(), body).and_then(|message| {
        let version = headers::version(headers, &message)?;
        let facts = Facts { message: &message, version, server: Some(&name), listed_by: None, agent: None };
        let about = resources(&message, Some(&name))?;
        match about.as_slice() {
            [] => Ok((facts.input(&server(Some(&name))), true)),
            [one] => Ok((facts.input(one), false)),
            _ => Err(Fault::denied(
                "the message has several questions, which are decided on at `/mcp/authorize`",
            )),
        }
    });
    let (about, passes) = read.map_err(|fault| fault.failure())?;
    for (member, value) in about.members() {
        input.insert(member, value.clone());
    }
    Ok(passes)
}

/// The message of a body, else the one that the filter tells of.
fn message(told: Option<&Value>, body: Option<&[u8]>) -> Result<Message, Fault> {
    let missing = || Fault::new(INVALID_REQUEST, "there is no body, and no word of Envoy's MCP filter on it");
    let described = told.map(described).transpose()?;
    let Some(body) = body else { return described.ok_or_else(missing) };
    let read = document(body)?;
    super::message::id(&read)?;
    let read = Message::of(read)?;
    let agrees = |described: &Message| {
        let name = |message: &Message| message.params.get("name").cloned();
        described.method == read.method && (name(described).is_none() || name(described) == name(&read))
    };
    match described {
        Some(described) if !agrees(&described) => {
            Err(headers::mismatch("Envoy's MCP filter has read another message than the body".to_owned()))
        }
        _ => Ok(read),
    }
}

/// The message that the filter tells of.
fn described(told: &Value) -> Result<Message, Fault> {
    let mut message = Value::object();
    for member in ["jsonrpc", "id", "method", "params"] {
        if let Some(value) = told.get(member) {
            message.insert(member, value.clone());
        }
    }
    let message = Message::of(message)?;
    match message.kind {
        Kind::Request | Kind::Notification => Ok(message),
        Kind::Response => Err(Fault::new(INVALID_REQUEST, "Envoy's MCP filter names no method")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(extensions: &str, told: &str, body: Option<&str>) -> Result<(bool, Value), String> {
        let input = format!(
            r#"{{"action": "post", "resource": {{"type": "http"}}, "attributes": {{"contextExtensions": {extensions},
                "metadataContext": {{"filterMetadata": {{"envoy.filters.http.mcp": {told}}}}}}}}}"#
        );
        let mut input = Value::from_json(input.as_bytes()).unwrap();
        let passes = describe(&mut input, "POST", &HeaderMap::new(), body.map(str::as_bytes));
        passes.map(|passes| (passes, input)).map_err(|failure| failure.message)
    }

    const TOLD: &str = r#"{"is_mcp_request": true, "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "add"}}"#;
    const CALL: &str = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "add", "arguments": {"a": 1}}}"#;

    #[test]
    fn the_input_is_about_the_message() {
        let calc = r#"{"mcp_server": "calc"}"#;
        for (extensions, told, body, arguments) in
            [(calc, "{}", Some(CALL), true), (calc, TOLD, None, false), (calc, TOLD, Some(CALL), true)]
        {
            let (passes, input) = apply(extensions, told, body).unwrap();
            assert!(!passes);
            assert_eq!(input.get("action"), Some(&Value::from("tools/call")), "{told}");
            assert_eq!(input.at(["resource", "id"]), Some(&Value::from("add")), "{told}");
            assert_eq!(input.at(["mcp", "arguments", "a"]).is_some(), arguments, "{told}");
            assert!(input.get("attributes").is_some());
        }
        let ping = r#"{"jsonrpc": "2.0", "id": 1, "method": "ping"}"#;
        assert!(apply(calc, "{}", Some(ping)).unwrap().0);
        // Any other request stays what it is, whatever its body looks like.
        for (told, body) in [(r#"{"is_mcp_request": false}"#, CALL), (TOLD, CALL), (TOLD, ping)] {
            let (passes, input) = apply("{}", told, Some(body)).unwrap();
            assert_eq!((passes, input.get("action")), (false, Some(&Value::from("post"))), "{told}");
        }
    }

    #[test]
    fn what_is_no_message_is_no_question() {
        let calc = r#"{"mcp_server": "calc"}"#;
        let listen = r#"{"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {"notifications": {"resourceSubscriptions": ["a"]}}}"#;
        for (extensions, told, body, why) in [
            (calc, "{}", None, "there is no body"),
            (calc, "{}", Some("[]"), "batches"),
            (calc, "{}", Some(listen), "several questions"),
            (calc, TOLD, Some(&*CALL.replace("add", "rm")), "another message"),
            (calc, TOLD, Some(&*CALL.replace("call", "list")), "another message"),
            (calc, r#"{"is_mcp_request": true}"#, None, "`jsonrpc` is not"),
            (
                calc,
                r#"{"is_mcp_request": true, "jsonrpc": "2.0", "id": 1, "method": "tools/call"}"#,
                None,
                "params.name",
            ),
        ] {
            let error = apply(extensions, told, body).unwrap_err();
            assert!(error.contains(why), "{told}: {error}");
        }
    }
}
