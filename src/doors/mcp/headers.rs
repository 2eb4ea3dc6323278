//! What the headers of a request say of its message: which version of MCP it speaks, and what else is mirrored.
//!
//! INVARIANT (headers decide nothing): policy is asked about the message. A header that says something else than the message does
//! is an error, in every version, because gateways route by it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderName};
use serde_json::json;

use super::message::{Kind, Message};
use super::rpc::{Fault, HEADER_MISMATCH, UNSUPPORTED_VERSION};
use verdict_rego::Value;

/// The version whose messages say by themselves which version they are of, and whose headers mirror them.
pub(super) const MODERN: &str = "2026-07-28";
/// The versions that are spoken, the newest first.
pub(super) const SPOKEN: [&str; 3] = [MODERN, "2025-11-25", "2025-06-18"];

const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// The members of `_meta` that every request of [`MODERN`] has.
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// The methods whose subject is mirrored, and the parameter that names it.
const NAMED: [(&str, &str); 3] = [("tools/call", "name"), ("prompts/get", "name"), ("resources/read", "uri")];

/// Compares headers and message; the version that both speak, where one says so.
///
/// # Errors
/// They differ, what the version asks for is missing, or it is none that is spoken.
pub(super) fn version(headers: &HeaderMap, message: &Message) -> Result<Option<&'static str>, Fault> {
    let header = one(headers, &PROTOCOL_VERSION)?;
    let meta = match message.meta(META_VERSION) {
        None => None,
        Some(version) => {
            Some(version.as_str().ok_or_else(|| Fault::params(format!("`{META_VERSION}` is not a text")))?)
        }
    };
    let modern = message.kind == Kind::Request && (header == Some(MODERN) || meta.is_some());
    let method = one(headers, &METHOD)?;
    let name = one(headers, &NAME)?.map(decoded).transpose()?;
    if modern {
        let named = NAMED.iter().any(|(method, _)| *method == message.method);
        for (header, missing) in [
            (&PROTOCOL_VERSION, header.is_none()),
            (&METHOD, method.is_none()),
            (&NAME, named && name.is_none()),
        ] {
            if missing {
                return Err(mismatch(format!("the header `{header}` is missing")));
            }
        }
    }
    if let (Some(header), Some(meta)) = (header, meta)
        && header != meta
    {
        return Err(differs(&PROTOCOL_VERSION, header, meta));
    }
    if let Some(method) = method.filter(|method| *method != message.method) {
        return Err(differs(&METHOD, method, &message.method));
    }
    if let Some(name) = name {
        let parameter = |name| message.params.get(name).and_then(Value::as_str);
        let mirrored = NAMED.iter().find(|(method, _)| *method == message.method);
        let said = match mirrored {
            Some((_, member)) => parameter(member),
            None => parameter("name").or_else(|| parameter("uri")),
        };
        if said != Some(name.as_str()) {
            return Err(differs(&NAME, &name, said.unwrap_or("nothing")));
        }
    }
    let spoken = header.map(spoken).transpose()?;
    if modern && spoken == Some(MODERN) {
        check_meta(message, meta)?;
    }
    Ok(spoken)
}

fn check_meta(message: &Message, version: Option<&str>) -> Result<(), Fault> {
    if version.is_none() {
        return Err(Fault::params(format!("`params._meta` has no `{META_VERSION}`")));
    }
    match message.meta(META_CAPABILITIES) {
        Some(capabilities) if capabilities.is_object() => Ok(()),
        _ => Err(Fault::params(format!("`params._meta` has no `{META_CAPABILITIES}`, which is an object"))),
    }
}

fn spoken(version: &str) -> Result<&'static str, Fault> {
    SPOKEN.into_iter().find(|spoken| *spoken == version).ok_or_else(|| {
        let fault = Fault::new(UNSUPPORTED_VERSION, "the protocol's version is not supported");
        Fault { data: Some(json!({ "supported": SPOKEN, "requested": version })), ..fault }
    })
}

/// The only value of a header.
///
/// # Errors
/// There are several, or it is no visible ASCII.
pub(super) fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Fault> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(mismatch(format!("there are several headers `{name}`")));
    }
    let value = value.to_str().map_err(|_| mismatch(format!("the header `{name}` is not visible ASCII")))?;
    Ok(Some(value))
}

/// The value that stands in a header, which is in base64 where it could not stand there as it is.
///
/// # Errors
/// It says that it is base64, and is not, or not of UTF-8.
pub(super) fn decoded(value: &str) -> Result<String, Fault> {
    let Some(encoded) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Ok(value.to_owned());
    };
    let bytes = BASE64_STANDARD.decode(encoded).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| mismatch("a header's value is not the base64 of UTF-8 that it says it is".to_owned()))
}

/// Headers and message differ.
pub(super) fn mismatch(why: String) -> Fault {
    Fault::new(HEADER_MISMATCH, why)
}

/// A header says something else than the message.
pub(super) fn differs(header: &HeaderName, value: &str, said: &str) -> Fault {
    let cut = |text: &str| text.chars().take(128).collect::<String>();
    mismatch(format!("the header `{header}` is `{}`, and the message says `{}`", cut(value), cut(said)))
}

#[cfg(test)]
mod tests {
    use super::super::message::document;
    use super::*;

    const META: &str = r#""_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}"#;

    fn check(headers: &[(&str, &str)], method: &str, params: &str) -> Result<Option<&'static str>, Fault> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap()));
        let message =
            format!(r#"{{"jsonrpc": "2.0", "id": 1, "method": "{method}", "params": {{{params}}}}}"#);
        let message = Message::of(document(message.as_bytes()).unwrap()).unwrap();
        version(&headers.collect(), &message)
    }

    #[test]
    fn headers_mirror_the_message() {
        let version = ("MCP-Protocol-Version", "2026-07-28");
        let call = ("Mcp-Method", "tools/call");
        let named = format!(r#""name": "add", {META}"#);
        let unicode = format!(r#""name": "wetter-köln", {META}"#);
        let literal = format!(r#""name": "=?base64?literal?=", {META}"#);
        let uri = format!(r#""uri": "file:///a", {META}"#);
        let old = named.replace("2026-07-28", "2025-11-25");
        let unknown = named.replace("2026-07-28", "2030-01-01");
        let incapable =
            r#""name": "add", "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}"#;
        for (headers, method, params, expected) in [
            (&[version, call, ("Mcp-Name", "add")][..], "tools/call", named.as_str(), Ok(Some(MODERN))),
            (&[version, call, ("Mcp-Name", "=?base64?YWRk?=")], "tools/call", &named, Ok(Some(MODERN))),
            (
                &[version, call, ("Mcp-Name", "=?base64?d2V0dGVyLWvDtmxu?=")],
                "tools/call",
                &unicode,
                Ok(Some(MODERN)),
            ),
            (
                &[version, call, ("Mcp-Name", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=")],
                "tools/call",
                &literal,
                Ok(Some(MODERN)),
            ),
            (&[version, call, ("Mcp-Name", "=?base64?literal?=")], "tools/call", &literal, Err(-32020)),
            (&[version, call, ("Mcp-Name", "=?BASE64?YWRk?=")], "tools/call", &named, Err(-32020)),
            (
                &[version, ("Mcp-Method", "resources/read"), ("Mcp-Name", "file:///a")],
                "resources/read",
                &uri,
                Ok(Some(MODERN)),
            ),
            (&[version, ("Mcp-Method", "tools/list")], "tools/list", META, Ok(Some(MODERN))),
            (&[version, ("Mcp-Method", "tools/list"), ("Mcp-Name", "x")], "tools/list", META, Err(-32020)),
            (&[version, call], "tools/call", &named, Err(-32020)),
            (&[version, ("Mcp-Name", "add")], "tools/call", &named, Err(-32020)),
            (&[call, ("Mcp-Name", "add")], "tools/call", &named, Err(-32020)),
            (&[version, call, ("Mcp-Name", "Add")], "tools/call", &named, Err(-32020)),
            (
                &[version, ("Mcp-Method", "Tools/Call"), ("Mcp-Name", "add")],
                "tools/call",
                &named,
                Err(-32020),
            ),
            (
                &[version, ("Mcp-Method", "tools/list"), ("Mcp-Name", "add")],
                "tools/call",
                &named,
                Err(-32020),
            ),
            (&[version, call, call, ("Mcp-Name", "add")], "tools/call", &named, Err(-32020)),
            (&[version, call, ("Mcp-Name", "add"), ("Mcp-Name", "rm")], "tools/call", &named, Err(-32020)),
            (&[version, version, call, ("Mcp-Name", "add")], "tools/call", &named, Err(-32020)),
            (
                &[("MCP-Protocol-Version", "2025-11-25"), call, ("Mcp-Name", "add")],
                "tools/call",
                &named,
                Err(-32020),
            ),
            (&[version, call, ("Mcp-Name", "add")], "tools/call", &old, Err(-32020)),
            (&[version, call, ("Mcp-Name", "add")], "tools/call", r#""name": "add""#, Err(-32602)),
            (&[version, call, ("Mcp-Name", "add")], "tools/call", incapable, Err(-32602)),
            (
                &[("MCP-Protocol-Version", "2030-01-01"), call, ("Mcp-Name", "add")],
                "tools/call",
                &unknown,
                Err(-32022),
            ),
            (&[("MCP-Protocol-Version", "2024-11-05")], "tools/call", r#""name": "add""#, Err(-32022)),
            // Older versions mirror nothing; what stands there all the same must be true.
            (
                &[("MCP-Protocol-Version", "2025-11-25")],
                "tools/call",
                r#""name": "add""#,
                Ok(Some("2025-11-25")),
            ),
            (&[], "initialize", r#""protocolVersion": "2025-06-18""#, Ok(None)),
            (&[call], "tools/list", "", Err(-32020)),
            (&[("Mcp-Name", "rm")], "tools/call", r#""name": "add""#, Err(-32020)),
        ] {
            let got = check(headers, method, params).map_err(|fault| fault.code.unwrap());
            assert_eq!(got, expected, "{headers:?} {method} {params}");
        }
    }

    #[test]
    fn a_version_that_is_not_spoken_is_told_which_are() {
        let fault = check(&[("MCP-Protocol-Version", "1999-01-01")], "ping", "").unwrap_err();
        assert_eq!(fault.data, Some(json!({ "supported": SPOKEN, "requested": "1999-01-01" })));
    }
}
