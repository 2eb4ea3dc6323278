//! What the router of Kuadrant's MCP gateway says of a message in headers: for gateways that hand no body on.
//!
//! INVARIANT (the router's word): the router sets these headers and overwrites what a client sends. The route is for callers behind
//! it; behind anything else, a client could describe another message than the one that it sends.

use http::{HeaderMap, HeaderName};

use super::headers::{differs, mismatch, one};
use super::message::{Kind, Message, NOTIFICATIONS};
use super::rpc::Fault;
use verdict_rego::Value;

const METHOD: HeaderName = HeaderName::from_static("x-mcp-method");
const SERVER: HeaderName = HeaderName::from_static("x-mcp-servername");
const TOOL: HeaderName = HeaderName::from_static("x-mcp-toolname");
const PROMPT: HeaderName = HeaderName::from_static("x-mcp-promptname");
const MIRRORED: HeaderName = HeaderName::from_static("mcp-method");

/// The message that the headers describe, and the server that it is for.
///
/// # Errors
/// They describe none, or contradict what the client's own headers say.
pub(super) fn message(headers: &HeaderMap) -> Result<(Message, Option<&str>), Fault> {
    let method = one(headers, &METHOD)?.filter(|method| !method.is_empty());
    let method = method.ok_or_else(|| mismatch(format!("the header `{METHOD}` is missing")))?;
    if let Some(mirrored) = one(headers, &MIRRORED)?.filter(|mirrored| *mirrored != method) {
        return Err(differs(&MIRRORED, mirrored, method));
    }
    let (tool, prompt) = (one(headers, &TOOL)?, one(headers, &PROMPT)?);
    let name = match (tool, prompt, method) {
        (Some(_), Some(_), _) => return Err(mismatch(format!("there are both `{TOOL}` and `{PROMPT}`"))),
        (Some(tool), None, "tools/call") => Some(tool),
        (None, Some(prompt), "prompts/get") => Some(prompt),
        (None, None, _) => None,
        _ => return Err(mismatch(format!("`{TOOL}` and `{PROMPT}` do not belong to `{method}`"))),
    };
    let mut params = Value::object();
    if let Some(name) = name {
        params.insert("name", Value::from(name));
    }
    let kind = if method.starts_with(NOTIFICATIONS) { Kind::Notification } else { Kind::Request };
    let message = Message { kind, id: None, method: method.to_owned(), params };
    Ok((message, one(headers, &SERVER)?))
}
