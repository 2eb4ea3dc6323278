//! What is known of a server's tools, from a file with the result of `tools/list`: which arguments are mirrored in headers (MCP
//! 2026-07-28, `x-mcp-header`), and which mapping a tool declares (COAZ-MCP, `x-authzen-mapping`).
//!
//! INVARIANT (read once): a file is read and its expressions are compiled at the start. Nothing is learnt from what servers list: who
//! can change a list could change what its calls are decided on.

use std::collections::HashMap;
use std::path::Path;

use http::{HeaderMap, HeaderName};
use serde_json::Value as Json;

use super::coaz::Mapping;
use super::headers::{decoded, differs, mismatch, one};
use super::message::Message;
use super::rpc::Fault;
use verdict_rego::Value;

const MIRRORED: &str = "x-mcp-header";
const MAPPING: &str = "x-authzen-mapping";

/// The tools of one server, by their names.
#[derive(Debug, Default)]
pub(super) struct Tools(HashMap<String, Tool>);

/// What is known of a tool.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) mapping: Option<Mapping>,
    mirrored: Vec<Mirrored>,
}

/// An argument that is mirrored.
#[derive(Debug)]
struct Mirrored {
    header: HeaderName,
    /// Where it stands in the arguments.
    path: Vec<String>,
}

impl Tools {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or has a tool that is not what it must be; with its name.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text =
            std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        Self::of(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn of(text: &[u8]) -> Result<Self, String> {
        // Strictly, like everything that decides.
        Value::from_json(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let whole: Json = serde_json::from_slice(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let list = whole
            .get("tools")
            .and_then(Json::as_array)
            .ok_or("it has no list `tools`, as `tools/list` gives one")?;
        let mut tools = HashMap::new();
        for tool in list {
            let name = tool.get("name").and_then(Json::as_str).ok_or("a tool has no `name`")?;
            let known = Tool::new(tool).map_err(|error| format!("the tool `{name}`: {error}"))?;
            if tools.insert(name.to_owned(), known).is_some() {
                return Err(format!("the tool `{name}` is there twice"));
            }
        }
        Ok(Self(tools))
    }

    /// The tool that a message calls, where it is known.
    pub(super) fn called(&self, message: &Message) -> Option<&Tool> {
        let name = message.params.get("name").and_then(Value::as_str);
        self.0.get(name.filter(|_| message.method == "tools/call")?)
    }

    /// The names of tools that say that somebody else is calling than the token does.
    pub(super) fn overriding(&self) -> impl Iterator<Item = &str> {
        let overrides = |tool: &Tool| tool.mapping.as_ref().is_some_and(Mapping::overrides_subject);
        self.0.iter().filter(move |(_, tool)| overrides(tool)).map(|(name, _)| name.as_str())
    }
}

impl Tool {
    fn new(tool: &Json) -> Result<Self, String> {
        let schema = tool.get("inputSchema").unwrap_or(&Json::Null);
        let mapping = schema.get(MAPPING).map(Mapping::new).transpose()?;
        let mut mirrored = Vec::new();
        collect(schema, &mut Vec::new(), &mut mirrored)?;
        for (n, one) in mirrored.iter().enumerate() {
            if mirrored.iter().skip(n + 1).any(|other: &Mirrored| other.header == one.header) {
                return Err(format!("`{MIRRORED}` names `{}` twice", one.header));
            }
        }
        let annotated = occurrences(schema);
        if annotated != mirrored.len() {
            return Err(format!("`{MIRRORED}` stands where no argument is reached by `properties` alone"));
        }
        Ok(Self { mapping, mirrored })
    }

    /// Compares the headers that mirror arguments with them.
    ///
    /// # Errors
    /// They differ, or one is missing.
    pub(super) fn check_headers(&self, headers: &HeaderMap, message: &Message) -> Result<(), Fault> {
        let arguments = message.params.get("arguments");
        for Mirrored { header, path } in &self.mirrored {
            let mut argument = arguments;
            for name in path {
                argument = argument.and_then(|value| value.get(name));
            }
            let argument = argument.filter(|value| **value != Value::Null);
            match (one(headers, header)?, argument) {
                (None, None) => {}
                (None, Some(_)) => return Err(mismatch(format!("the header `{header}` is missing"))),
                (Some(value), argument) => {
                    let value = decoded(value)?;
                    if !argument.is_some_and(|argument| says(&value, argument)) {
                        let said = argument.map_or_else(|| "nothing".to_owned(), ToString::to_string);
                        return Err(differs(header, &value, &said));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether a header's value is an argument. Numbers are compared as such: `42.0` is 42.
fn says(header: &str, argument: &Value) -> bool {
    match argument {
        Value::String(text) => **text == *header,
        Value::Bool(value) => header == if *value { "true" } else { "false" },
        Value::Number(_) => Value::from_json(header.as_bytes()).is_ok_and(|value| value == *argument),
        _ => false,
    }
}

/// Every argument that is mirrored, as far as it is reached by `properties` alone.
fn collect(schema: &Json, path: &mut Vec<String>, found: &mut Vec<Mirrored>) -> Result<(), String> {
    let Some(properties) = schema.get("properties").and_then(Json::as_object) else { return Ok(()) };
    for (name, property) in properties {
        path.push(name.clone());
        if let Some(header) = property.get(MIRRORED) {
            let invalid = || format!("`{MIRRORED}` of `{}` names no header", path.join("."));
            let header = header.as_str().filter(|header| !header.is_empty()).ok_or_else(invalid)?;
            let header = format!("mcp-param-{}", header.to_ascii_lowercase());
            let header = HeaderName::try_from(header).map_err(|_| invalid())?;
            let kind = property.get("type").and_then(Json::as_str);
            if !matches!(kind, Some("string" | "integer" | "boolean")) {
                return Err(format!(
                    "`{}` is mirrored, and is no string, integer or boolean",
                    path.join(".")
                ));
            }
            found.push(Mirrored { header, path: path.clone() });
        }
        collect(property, path, found)?;
        path.pop();
    }
    Ok(())
}

/// How often a schema has the annotation, wherever; a property of that name is none.
fn occurrences(schema: &Json) -> usize {
    match schema {
        Json::Array(items) => items.iter().map(occurrences).sum(),
        Json::Object(members) => members
            .iter()
            .map(|(name, member)| match (name.as_str(), member) {
                (MIRRORED, Json::String(_)) => 1,
                (MAPPING, _) => 0,
                _ => occurrences(member),
            })
            .sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(schema: &Json) -> Result<Tools, String> {
        Tools::of(json!({ "tools": [{ "name": "t", "inputSchema": schema }] }).to_string().as_bytes())
    }

    fn check(headers: &[(&str, &str)], arguments: &str) -> Result<(), i32> {
        let schema = json!({ "type": "object", "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "count": { "type": "integer", "x-mcp-header": "Count" },
            "deep": { "type": "object", "properties": { "dry": { "type": "boolean", "x-mcp-header": "Dry-Run" } } },
        }});
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap()));
        let message = format!(
            r#"{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {{"name": "t", "arguments": {arguments}}}}}"#
        );
        let message = Message::of(Value::from_json(message.as_bytes()).unwrap()).unwrap();
        let tools = tool(&schema).unwrap();
        let known = tools.called(&message).unwrap();
        known.check_headers(&headers.collect(), &message).map_err(|fault| fault.code.unwrap())
    }

    #[test]
    fn headers_mirror_arguments() {
        for (headers, arguments, expected) in [
            (&[][..], "{}", Ok(())),
            (&[], r#"{"region": null, "other": 1}"#, Ok(())),
            (&[("Mcp-Param-Region", "eu")], r#"{"region": "eu"}"#, Ok(())),
            (&[("Mcp-Param-Region", "=?base64?w7xiZXI=?=")], r#"{"region": "über"}"#, Ok(())),
            (&[("Mcp-Param-Count", "42.0")], r#"{"count": 42}"#, Ok(())),
            (&[("Mcp-Param-Count", "-7")], r#"{"count": -7}"#, Ok(())),
            (&[("Mcp-Param-Dry-Run", "true")], r#"{"deep": {"dry": true}}"#, Ok(())),
            (&[("Mcp-Param-Unknown", "x")], "{}", Ok(())),
            (&[], r#"{"region": "eu"}"#, Err(-32020)),
            (&[("Mcp-Param-Region", "EU")], r#"{"region": "eu"}"#, Err(-32020)),
            (&[("Mcp-Param-Region", "eu"), ("Mcp-Param-Region", "us")], r#"{"region": "eu"}"#, Err(-32020)),
            (&[("Mcp-Param-Region", "eu")], "{}", Err(-32020)),
            (&[("Mcp-Param-Region", "eu")], r#"{"region": null}"#, Err(-32020)),
            (&[("Mcp-Param-Region", "eu")], r#"{"region": ["eu"]}"#, Err(-32020)),
            (&[("Mcp-Param-Count", "43")], r#"{"count": 42}"#, Err(-32020)),
            (&[("Mcp-Param-Count", "\"42\"")], r#"{"count": 42}"#, Err(-32020)),
            (&[("Mcp-Param-Dry-Run", "True")], r#"{"deep": {"dry": true}}"#, Err(-32020)),
        ] {
            assert_eq!(check(headers, arguments), expected, "{headers:?} {arguments}");
        }
    }

    #[test]
    fn a_tool_is_what_it_must_be() {
        let property = |property: Json| json!({ "properties": { "a": property } });
        for (schema, why) in [
            (property(json!({ "type": "string", "x-mcp-header": "" })), "names no header"),
            (property(json!({ "type": "string", "x-mcp-header": "a b" })), "names no header"),
            (property(json!({ "type": "string", "x-mcp-header": 7 })), "names no header"),
            (property(json!({ "type": "number", "x-mcp-header": "A" })), "no string, integer or boolean"),
            (
                json!({ "anyOf": [property(json!({ "type": "string", "x-mcp-header": "A" }))] }),
                "`properties` alone",
            ),
            (
                property(json!({ "type": "array", "items": { "type": "string", "x-mcp-header": "A" } })),
                "`properties` alone",
            ),
            (
                json!({ "properties": {
                    "a": { "type": "string", "x-mcp-header": "A" }, "b": { "type": "string", "x-mcp-header": "a" },
                }}),
                "twice",
            ),
            (json!({ "x-authzen-mapping": {} }), "the mapping is not"),
        ] {
            let error = tool(&schema).unwrap_err();
            assert!(error.contains(why) && error.contains("`t`"), "{schema}: {error}");
        }
        assert!(Tools::of(b"{}").unwrap_err().contains("no list `tools`"));
        assert!(Tools::of(b"{\"tools\": [], \"tools\": []}").unwrap_err().contains("duplicate key"));
        assert!(Tools::of(br#"{"tools": [{"name": "a"}, {"name": "a"}]}"#).unwrap_err().contains("twice"));
    }
}
