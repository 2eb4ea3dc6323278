//! What a message asks about: a resource for each question that policy must allow.
//!
//! The table is that of COAZ-MCP (AuthZEN, Draft 1, "Default Mappings"), with the methods of MCP 2026-07-28 that it does not have yet.
//!
//! INVARIANT (unknown is denied): a method that is not in the table is denied before policy is asked. What a later version of MCP
//! or an extension adds does not pass because nobody has thought of it.

use super::message::{Kind, Message};
use super::rpc::Fault;
use verdict_rego::Value;

/// What a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) kind: &'static str,
    /// None where it is the server, whose name nobody has said.
    pub(super) id: Option<String>,
}

/// The kind of the resource that is the server itself.
const SERVER: &str = "mcp_server";

/// What a method is about.
#[derive(Debug, Clone, Copy)]
enum About {
    /// A resource of this kind, which this parameter names.
    Named(&'static str, &'static str),
    /// The server as a whole.
    Server,
    /// What is completed: a prompt or a resource.
    Reference,
    /// The server, and each resource that is subscribed to.
    Subscriptions,
    /// Nothing that policy is asked about.
    Nothing,
}

const METHODS: [(&str, About); 20] = [
    ("tools/call", About::Named("tool", "name")),
    ("prompts/get", About::Named("prompt", "name")),
    ("resources/read", About::Named("resource", "uri")),
    ("resources/subscribe", About::Named("resource", "uri")),
    ("resources/unsubscribe", About::Named("resource", "uri")),
    ("tasks/get", About::Named("task", "taskId")),
    ("tasks/result", About::Named("task", "taskId")),
    ("tasks/update", About::Named("task", "taskId")),
    ("tasks/cancel", About::Named("task", "taskId")),
    ("completion/complete", About::Reference),
    ("subscriptions/listen", About::Subscriptions),
    ("initialize", About::Server),
    ("server/discover", About::Server),
    ("tools/list", About::Server),
    ("prompts/list", About::Server),
    ("resources/list", About::Server),
    ("resources/templates/list", About::Server),
    ("tasks/list", About::Server),
    ("logging/setLevel", About::Server),
    ("ping", About::Nothing),
];

/// What can be subscribed to besides resources.
const LIST_CHANGES: [&str; 3] = ["toolsListChanged", "promptsListChanged", "resourcesListChanged"];
const RESOURCE_SUBSCRIPTIONS: &str = "resourceSubscriptions";

/// The server, under this name.
pub(super) fn server(name: Option<&str>) -> Resource {
    Resource { kind: SERVER, id: name.map(str::to_owned) }
}

/// The resources that a message is about, each of which is a question; none for what passes unasked: `ping`, notifications, and answers
/// to the server's own requests.
///
/// # Errors
/// The method is unknown, or a parameter that names a resource is missing.
pub(super) fn resources(message: &Message, server_name: Option<&str>) -> Result<Vec<Resource>, Fault> {
    if message.kind != Kind::Request {
        return Ok(Vec::new());
    }
    let about = METHODS.iter().find(|(method, _)| *method == message.method).map(|(_, about)| *about);
    let unknown = || {
        let method: String = message.method.chars().take(128).collect();
        Fault::denied(format!("the method `{method}` is not known, and is denied"))
    };
    Ok(match about.ok_or_else(unknown)? {
        About::Nothing => Vec::new(),
        About::Server => vec![server(server_name)],
        About::Named(kind, parameter) => vec![named(kind, message.text(parameter)?)],
        About::Reference => vec![reference(message)?],
        About::Subscriptions => {
            let uris = subscriptions(message)?;
            let uris = uris.into_iter().map(|uri| named("resource", uri));
            std::iter::once(server(server_name)).chain(uris).collect()
        }
    })
}

fn named(kind: &'static str, id: &str) -> Resource {
    Resource { kind, id: Some(id.to_owned()) }
}

fn reference(message: &Message) -> Result<Resource, Fault> {
    let text =
        |name| message.params.at(["ref", name]).and_then(Value::as_str).filter(|text| !text.is_empty());
    let known = |name: &str| matches!(name, "type" | "name" | "uri" | "title");
    if let Some((name, _)) =
        message.params.get("ref").and_then(|of| of.members().find(|(name, _)| !known(name)))
    {
        return Err(Fault::params(format!("`params.ref.{name}` is not known")));
    }
    let resource = match text("type") {
        Some("ref/prompt") => text("name").map(|name| named("prompt", name)),
        Some("ref/resource") => text("uri").map(|uri| named("resource", uri)),
        _ => None,
    };
    resource.ok_or_else(|| Fault::params("`params.ref` names no prompt and no resource"))
}

/// Every resource that is subscribed to; what cannot be decided on is no subscription.
fn subscriptions(message: &Message) -> Result<Vec<&str>, Fault> {
    let Some(notifications) = message.params.get("notifications").filter(|asked| asked.is_object()) else {
        return Err(Fault::params("`params.notifications` is missing, or not an object"));
    };
    let known = |name: &str| LIST_CHANGES.contains(&name) || name == RESOURCE_SUBSCRIPTIONS;
    if let Some((name, _)) = notifications.members().find(|(name, _)| !known(name)) {
        return Err(Fault::params(format!("`params.notifications.{name}` is not known, and is denied")));
    }
    let uris = match notifications.get(RESOURCE_SUBSCRIPTIONS) {
        None => return Ok(Vec::new()),
        Some(uris @ Value::Array(_)) => uris.elements(),
        Some(_) => {
            return Err(Fault::params(format!("`params.notifications.{RESOURCE_SUBSCRIPTIONS}` is no list")));
        }
    };
    let uris = uris.into_iter().map(|uri| uri.as_str().filter(|uri| !uri.is_empty()));
    let all: Option<Vec<&str>> = uris.collect();
    all.ok_or_else(|| {
        Fault::params(format!("`params.notifications.{RESOURCE_SUBSCRIPTIONS}` has what is no URI"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::message::document;
    use super::*;

    /// Kinds and ids.
    type Resources = Vec<(String, Option<String>)>;

    fn asked(method: &str, params: &str) -> Result<Resources, (Option<i32>, String)> {
        let message = format!(r#"{{"jsonrpc": "2.0", "id": 1, "method": "{method}", "params": {params}}}"#);
        let message = Message::of(document(message.as_bytes()).unwrap()).unwrap();
        match resources(&message, Some("files")) {
            Ok(all) => Ok(all.into_iter().map(|resource| (resource.kind.to_owned(), resource.id)).collect()),
            Err(fault) => Err((fault.code, fault.message)),
        }
    }

    #[test]
    fn every_method_has_its_resources() {
        for (method, params, resources) in [
            ("tools/call", r#"{"name": "rm"}"#, &[("tool", "rm")][..]),
            ("prompts/get", r#"{"name": "greet"}"#, &[("prompt", "greet")]),
            ("resources/read", r#"{"uri": "file:///a"}"#, &[("resource", "file:///a")]),
            ("resources/subscribe", r#"{"uri": "file:///a"}"#, &[("resource", "file:///a")]),
            ("resources/unsubscribe", r#"{"uri": "file:///a"}"#, &[("resource", "file:///a")]),
            ("tasks/get", r#"{"taskId": "t"}"#, &[("task", "t")]),
            ("tasks/result", r#"{"taskId": "t"}"#, &[("task", "t")]),
            ("tasks/update", r#"{"taskId": "t"}"#, &[("task", "t")]),
            ("tasks/cancel", r#"{"taskId": "t"}"#, &[("task", "t")]),
            (
                "completion/complete",
                r#"{"ref": {"type": "ref/prompt", "name": "greet"}}"#,
                &[("prompt", "greet")],
            ),
            (
                "completion/complete",
                r#"{"ref": {"type": "ref/resource", "uri": "file:///{p}"}}"#,
                &[("resource", "file:///{p}")],
            ),
            (
                "subscriptions/listen",
                r#"{"notifications": {"toolsListChanged": true, "resourceSubscriptions": ["file:///a", "file:///b"]}}"#,
                &[("mcp_server", "files"), ("resource", "file:///a"), ("resource", "file:///b")],
            ),
            ("subscriptions/listen", r#"{"notifications": {}}"#, &[("mcp_server", "files")]),
            ("initialize", "{}", &[("mcp_server", "files")]),
            ("server/discover", "{}", &[("mcp_server", "files")]),
            ("tools/list", "{}", &[("mcp_server", "files")]),
            ("prompts/list", "{}", &[("mcp_server", "files")]),
            ("resources/list", "{}", &[("mcp_server", "files")]),
            ("resources/templates/list", "{}", &[("mcp_server", "files")]),
            ("tasks/list", "{}", &[("mcp_server", "files")]),
            ("logging/setLevel", r#"{"level": "debug"}"#, &[("mcp_server", "files")]),
            ("ping", "{}", &[]),
        ] {
            let expected: Vec<_> =
                resources.iter().map(|(kind, id)| ((*kind).to_owned(), Some((*id).to_owned()))).collect();
            assert_eq!(asked(method, params), Ok(expected), "{method} {params}");
        }
    }

    #[test]
    fn what_names_nothing_is_an_error_and_what_is_unknown_is_denied() {
        for (method, params, code) in [
            ("tools/call", "{}", Some(-32602)),
            ("tools/call", r#"{"name": ""}"#, Some(-32602)),
            ("tools/call", r#"{"name": ["rm"]}"#, Some(-32602)),
            ("resources/read", r#"{"name": "a"}"#, Some(-32602)),
            ("tasks/get", r#"{"taskId": 1}"#, Some(-32602)),
            ("completion/complete", r#"{"ref": {"type": "ref/tool", "name": "a"}}"#, Some(-32602)),
            ("completion/complete", r#"{"ref": {"type": "ref/prompt", "uri": "a"}}"#, Some(-32602)),
            (
                "completion/complete",
                r#"{"ref": {"type": "ref/prompt", "name": "a", "Name": "b"}}"#,
                Some(-32602),
            ),
            ("subscriptions/listen", "{}", Some(-32602)),
            (
                "subscriptions/listen",
                r#"{"notifications": {"resourceSubscriptions": "file:///a"}}"#,
                Some(-32602),
            ),
            ("subscriptions/listen", r#"{"notifications": {"resourceSubscriptions": [7]}}"#, Some(-32602)),
            ("subscriptions/listen", r#"{"notifications": {"everything": true}}"#, Some(-32602)),
            ("tools/calls", r#"{"name": "rm"}"#, None),
            ("Tools/Call", r#"{"name": "rm"}"#, None),
            ("sampling/createMessage", "{}", None),
        ] {
            assert_eq!(asked(method, params).unwrap_err().0, code, "{method} {params}");
        }
    }
}
