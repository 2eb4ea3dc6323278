//! What a body asks: a tool call in AIP's own form, or the JSON-RPC message that makes it.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::aip::{Approval, call::TOOLS_CALL, name::normalised};
use crate::authorize::Question;
use crate::model::failure::{Failure, FailureKind};
use crate::model::secret::Secret;
use verdict_rego::Value;

/// A tool call.
pub(super) struct Asked {
    /// The token, where it stands in the body.
    pub(super) token: Option<Secret<String>>,
    /// The id of the JSON-RPC message, where it is one.
    pub(super) id: Option<Json>,
    input: Value,
    approval: Option<Approval>,
}

/// What the members of a body may be.
const MEMBERS: [&str; 5] = ["tool", "arguments", "token", "tool_schema", "user_response"];
/// The members of a JSON-RPC request.
const MESSAGE: [&str; 4] = ["jsonrpc", "id", "method", "params"];

impl Asked {
    /// Reads a body.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Failure> {
        Self::of(bytes).map_err(|why| Failure::new(FailureKind::InvalidRequest, why))
    }

    fn of(bytes: &[u8]) -> Result<Self, String> {
        let body = Value::from_json(bytes).map_err(|error| format!("the body is not JSON: {error}"))?;
        if !body.is_object() {
            return Err("the body is not a JSON object".to_owned());
        }
        if body.get("jsonrpc").is_some() { Self::message(&body) } else { Self::plain(&body) }
    }

    fn plain(body: &Value) -> Result<Self, String> {
        check_members(body, &MEMBERS)?;
        let text = |name: &str| match body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.to_string())),
            Some(_) => Err(format!("`{name}` is not a text")),
        };
        let tool = text("tool")?.filter(|tool| !tool.is_empty()).ok_or("`tool` is missing")?;
        let token = text("token")?.filter(|token| !token.is_empty());
        let approval = match text("user_response")?.as_deref() {
            None => None,
            Some("deny") => Some(Approval::Denied),
            Some("timeout") => Some(Approval::TimedOut),
            Some(_) => return Err("`user_response` is not `deny` or `timeout`".to_owned()),
        };
        let input = tool_call(&tool, TOOLS_CALL, body.get("arguments"), body.get("tool_schema"))?;
        Ok(Self { token: token.map(Secret::new), id: None, input, approval })
    }

    /// JSON-RPC 2.0 section 4.
    fn message(body: &Value) -> Result<Self, String> {
        check_members(body, &MESSAGE)?;
        if body.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err("`jsonrpc` is not `2.0`".to_owned());
        }
        let method =
            body.get("method").and_then(Value::as_str).ok_or("`method` is missing, or not a text")?;
        let params = body.get("params");
        let input = if normalised(method) == TOOLS_CALL {
            let name = params.and_then(|params| params.get("name")).and_then(Value::as_str);
            let name = name.filter(|name| !name.is_empty()).ok_or("`params.name` is missing")?;
            tool_call(name, method, params.and_then(|params| params.get("arguments")), None)?
        } else {
            let mut input = Value::object();
            input.insert("action", Value::from(method));
            input.insert("method", Value::from(method));
            if let Some(params) = params {
                input.insert("arguments", params.clone());
            }
            input
        };
        let id = match body.get("id") {
            None => Json::Null,
            Some(id @ (Value::String(_) | Value::Number(_) | Value::Null)) => {
                serde_json::to_value(id).map_err(|error| error.to_string())?
            }
            Some(_) => return Err("`id` is not a text or a number".to_owned()),
        };
        Ok(Self { token: None, id: Some(id), input, approval: None })
    }

    /// What the pipeline is asked.
    pub(super) fn question(self) -> Question {
        Question { input: Some(self.input), tool_call: true, approval: self.approval, ..Question::default() }
    }
}

/// A tool call as policies see it.
fn tool_call(
    tool: &str,
    method: &str,
    arguments: Option<&Value>,
    schema: Option<&Value>,
) -> Result<Value, String> {
    let arguments = match arguments {
        None | Some(Value::Null) => Value::object(),
        Some(arguments) if arguments.is_object() => arguments.clone(),
        Some(_) => return Err("the arguments are not an object".to_owned()),
    };
    let (mut resource, mut context, mut input) = (Value::object(), Value::object(), Value::object());
    resource.insert("type", Value::from("tool"));
    resource.insert("id", Value::from(tool));
    context.insert("args", arguments);
    if let Some(schema) = schema {
        context.insert("tool_schema", schema.clone());
    }
    input.insert("action", Value::from("call"));
    input.insert("method", Value::from(method));
    input.insert("resource", resource);
    input.insert("context", context);
    Ok(input)
}

fn check_members(body: &Value, known: &[&str]) -> Result<(), String> {
    match body.members().find(|(name, _)| !known.contains(name)) {
        Some((name, _)) => Err(format!("unknown member `{name}`; there are {}", known.join(", "))),
        None => Ok(()),
    }
}

/// A session that is to be opened.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSession {
    /// The policy; by default that of the caller.
    #[serde(default)]
    pub(super) policy: Option<String>,
}

impl NewSession {
    /// Reads a body; an empty one asks for the caller's own policy.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Failure> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(bytes).map_err(|error| {
            Failure::new(FailureKind::InvalidRequest, format!("the body is not what it is to be: {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_a_call_or_an_error() {
        for (body, input) in [
            (
                r#"{"tool": "rm", "arguments": {"p": 1}}"#,
                r#"{"action":"call","context":{"args":{"p":1}},"method":"tools/call","resource":{"id":"rm","type":"tool"}}"#,
            ),
            (
                r#"{"jsonrpc": "2.0", "id": 7, "method": "Tools/Call", "params": {"name": "rm"}}"#,
                r#"{"action":"call","context":{"args":{}},"method":"Tools/Call","resource":{"id":"rm","type":"tool"}}"#,
            ),
            (
                r#"{"jsonrpc": "2.0", "method": "resources/read", "params": {"uri": "x"}}"#,
                r#"{"action":"resources/read","arguments":{"uri":"x"},"method":"resources/read"}"#,
            ),
        ] {
            let read = Asked::of(body.as_bytes()).ok().unwrap();
            assert_eq!(read.input, Value::from_json(input.as_bytes()).unwrap(), "{body}");
        }
        for (body, why) in [
            ("not json", "not JSON"),
            ("[]", "not a JSON object"),
            ("{}", "`tool` is missing"),
            (r#"{"tool": ""}"#, "`tool` is missing"),
            (r#"{"tool": 1}"#, "`tool` is not a text"),
            (r#"{"tool": "a", "args": {}}"#, "unknown member `args`"),
            (r#"{"tool": "a", "arguments": []}"#, "not an object"),
            (r#"{"tool": "a", "token": 1}"#, "`token` is not a text"),
            (r#"{"tool": "a", "user_response": "allow"}"#, "`user_response`"),
            (r#"{"tool": "a", "tool": "b"}"#, "duplicate key"),
            (r#"{"jsonrpc": "1.0", "method": "a"}"#, "`jsonrpc` is not"),
            (r#"{"jsonrpc": "2.0"}"#, "`method` is missing"),
            (r#"{"jsonrpc": "2.0", "method": "tools/call"}"#, "`params.name` is missing"),
            (r#"{"jsonrpc": "2.0", "method": "a", "id": {}}"#, "`id` is not"),
        ] {
            let error = Asked::of(body.as_bytes()).map(|_| ()).unwrap_err();
            assert!(error.contains(why), "{body}: {error}");
        }
    }
}
