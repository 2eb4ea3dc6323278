//! A list of the server's, and what of it a client is shown.
//!
//! INVARIANT (verbatim): what is shown of an item is what the server wrote, byte for byte: numbers, and the order of members, which
//! models read.
//! INVARIANT (decided or hidden): an item that cannot be named cannot be decided on, and is not shown.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::input::Facts;
use super::mapping::{Resource, server};
use super::message::{Kind, Message, document};
use super::rpc::{Fault, INTERNAL_ERROR, INVALID_REQUEST};
use crate::model::failure::FailureKind;
use verdict_rego::Value;

/// A method that lists something.
#[derive(Debug)]
struct List {
    method: &'static str,
    /// Where the items stand in the result.
    member: &'static str,
    /// What names an item.
    name: &'static str,
    kind: &'static str,
    /// What is done with an item, and the parameter that names it there. An item is shown to whoever may do that.
    used_by: (&'static str, &'static str),
}

const LISTS: [List; 5] = [
    List {
        method: "tools/list",
        member: "tools",
        name: "name",
        kind: "tool",
        used_by: ("tools/call", "name"),
    },
    List {
        method: "prompts/list",
        member: "prompts",
        name: "name",
        kind: "prompt",
        used_by: ("prompts/get", "name"),
    },
    List {
        method: "resources/list",
        member: "resources",
        name: "uri",
        kind: "resource",
        used_by: ("resources/read", "uri"),
    },
    List {
        method: "resources/templates/list",
        member: "resourceTemplates",
        name: "uriTemplate",
        kind: "resource",
        used_by: ("resources/read", "uri"),
    },
    List {
        method: "tasks/list",
        member: "tasks",
        name: "taskId",
        kind: "task",
        used_by: ("tasks/get", "taskId"),
    },
];

/// The members of an object, each as it was written.
type Members = BTreeMap<String, Box<RawValue>>;

/// An item: its name, where it has one, and its text.
type Named = (Option<String>, Box<RawValue>);

/// What a gateway sends: the client's request, and the server's response to it.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "request")]
    _request: IgnoredAny,
    response: Members,
}

/// A list, with the request that it answers.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) message: Message,
    list: &'static List,
    response: Members,
    /// None where the server answers with an error.
    result: Option<Members>,
    items: Vec<Named>,
}

impl Listing {
    /// Reads what a gateway sends.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let invalid = |why: String| Fault::new(INVALID_REQUEST, why);
        let whole = document(bytes)?;
        if let Some((name, _)) = whole.members().find(|(name, _)| !matches!(*name, "request" | "response")) {
            return Err(invalid(format!("`{name}` is unknown; there are `request` and `response`")));
        }
        let request = whole.get("request").ok_or_else(|| invalid("`request` is missing".to_owned()))?;
        let message = Message::of(request.clone())?;
        let list = LISTS.iter().find(|list| list.method == message.method && message.kind == Kind::Request);
        let list = list.ok_or_else(|| Fault::params("the request is none for a list"))?;
        let response = whole.get("response").filter(|response| response.is_object());
        let response =
            response.ok_or_else(|| invalid("`response` is missing, or not an object".to_owned()))?;
        if response.get("jsonrpc").and_then(Value::as_str) != Some("2.0")
            || response.get("id") != message.id.as_ref()
        {
            return Err(invalid("`response` does not answer `request`".to_owned()));
        }
        let unreadable = |_| invalid("`response` is not what a server answers".to_owned());
        let Envelope { _request, response: texts } = serde_json::from_slice(bytes).map_err(unreadable)?;
        let (result, items) = match response.get("result") {
            None => (None, Vec::new()),
            Some(result) => {
                let (rest, items) = taken_apart(&texts, result, list)?;
                (Some(rest), items)
            }
        };
        Ok(Self { message, list, response: texts, result, items })
    }

    /// The question whether there may be a list at all, and one for each item that has a name.
    pub(super) fn questions(&self, facts: &Facts<'_>) -> Vec<Value> {
        let mut questions = vec![facts.input(&server(facts.server))];
        let (method, parameter) = self.list.used_by;
        for name in self.items.iter().filter_map(|(name, _)| name.as_deref()) {
            let mut params = Value::object();
            params.insert(parameter, Value::from(name));
            let message = Message { kind: Kind::Request, id: None, method: method.to_owned(), params };
            let facts = Facts { message: &message, listed_by: Some(self.list.method), ..*facts };
            questions.push(facts.input(&Resource { kind: self.list.kind, id: Some(name.to_owned()) }));
        }
        questions
    }

    /// The response with the items that are allowed; `allowed` has a word on each that has a name. It is for this client alone.
    pub(super) fn filtered(mut self, allowed: impl IntoIterator<Item = bool>) -> Result<String, Fault> {
        let Some(mut result) = self.result.take() else { return written(&self.response) };
        let mut allowed = allowed.into_iter();
        let mut shown = Vec::new();
        for (name, text) in self.items {
            if name.is_some() && allowed.next() == Some(true) {
                shown.push(text);
            }
        }
        result.insert(self.list.member.to_owned(), raw(&shown)?);
        result.insert("cacheScope".to_owned(), raw(&"private")?);
        self.response.insert("result".to_owned(), raw(&result)?);
        written(&self.response)
    }
}

/// The result without its items, and the items.
fn taken_apart(
    response: &Members,
    result: &Value,
    list: &'static List,
) -> Result<(Members, Vec<Named>), Fault> {
    let missing =
        || Fault::new(INVALID_REQUEST, format!("`response.result.{}` is missing, or no list", list.member));
    let text = response.get("result").ok_or_else(missing)?;
    let mut rest: Members = serde_json::from_str(text.get()).map_err(|_| missing())?;
    let texts = rest.remove(list.member).ok_or_else(missing)?;
    let texts: Vec<Box<RawValue>> = serde_json::from_str(texts.get()).map_err(|_| missing())?;
    let items = result.get(list.member).map(Value::elements).unwrap_or_default();
    let named = |item: &Value| {
        let name = item.get(list.name).and_then(Value::as_str);
        name.filter(|name| !name.is_empty()).map(str::to_owned)
    };
    Ok((rest, items.into_iter().map(named).zip(texts).collect()))
}

fn raw(value: &impl serde::Serialize) -> Result<Box<RawValue>, Fault> {
    serde_json::value::to_raw_value(value).map_err(|_| unwritable())
}

fn written(response: &Members) -> Result<String, Fault> {
    serde_json::to_string(response).map_err(|_| unwritable())
}

fn unwritable() -> Fault {
    let kind = FailureKind::Internal;
    Fault { kind, ..Fault::new(INTERNAL_ERROR, "the list does not serialise") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(method: &str, result: &str) -> Result<Listing, Fault> {
        let body = format!(
            r#"{{"request": {{"jsonrpc": "2.0", "id": 1, "method": "{method}"}},
                 "response": {{"jsonrpc": "2.0", "id": 1, "result": {result}}}}}"#
        );
        Listing::read(body.as_bytes())
    }

    #[test]
    fn what_is_shown_is_what_the_server_wrote() {
        for (method, result, allowed, shown) in [
            (
                "tools/list",
                r#"{"tools": [{"z": 1.50, "name": "a"}, {"name": "b"}, {"name": "c"}], "nextCursor": "n", "ttlMs": 5, "cacheScope": "public"}"#,
                &[true, false, true][..],
                r#"{"cacheScope":"private","nextCursor":"n","tools":[{"z": 1.50, "name": "a"},{"name": "c"}],"ttlMs":5}"#,
            ),
            (
                "tools/list",
                r#"{"tools": [{"title": "no name"}, {"name": 7}, {"name": "c"}]}"#,
                &[true],
                r#"{"cacheScope":"private","tools":[{"name": "c"}]}"#,
            ),
            ("tools/list", r#"{"tools": [{"name": "a"}]}"#, &[], r#"{"cacheScope":"private","tools":[]}"#),
            (
                "resources/templates/list",
                r#"{"resourceTemplates": [{"uriTemplate": "file:///{p}"}]}"#,
                &[true],
                r#"{"cacheScope":"private","resourceTemplates":[{"uriTemplate": "file:///{p}"}]}"#,
            ),
        ] {
            let got = listing(method, result).unwrap().filtered(allowed.iter().copied()).unwrap();
            assert_eq!(got, format!(r#"{{"id":1,"jsonrpc":"2.0","result":{shown}}}"#), "{result}");
        }
    }

    #[test]
    fn what_is_no_answer_to_a_request_for_a_list_is_refused() {
        let request = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#;
        for (body, why) in [
            ("[]".to_owned(), "batches"),
            ("{}".to_owned(), "`request` is missing"),
            (format!(r#"{{"request": {request}}}"#), "`response` is missing"),
            (format!(r#"{{"request": {request}, "response": {{}}, "more": 1}}"#), "`more` is unknown"),
            (
                format!(
                    r#"{{"request": {request}, "response": {{"jsonrpc": "2.0", "id": 2, "result": {{}}}}}}"#
                ),
                "does not answer",
            ),
            (
                format!(
                    r#"{{"request": {request}, "response": {{"jsonrpc": "2.0", "id": 1, "result": {{}}}}}}"#
                ),
                "result.tools",
            ),
            (
                format!(
                    r#"{{"request": {request}, "response": {{"jsonrpc": "2.0", "id": 1, "result": {{"tools": {{}}}}}}}}"#
                ),
                "result.tools",
            ),
            (
                format!(
                    r#"{{"request": {}, "response": {{"jsonrpc": "2.0", "id": 1, "result": {{}}}}}}"#,
                    request.replace("list", "call")
                ),
                "none for a list",
            ),
        ] {
            let fault = Listing::read(body.as_bytes()).unwrap_err();
            assert!(fault.message.contains(why), "{body}: {}", fault.message);
        }
    }

    #[test]
    fn an_error_of_the_server_stays_what_it_is() {
        let body = r#"{"request": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
            "response": {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "m"}}}"#;
        let got = Listing::read(body.as_bytes()).unwrap().filtered([]).unwrap();
        assert_eq!(got, r#"{"error":{"code": -32000, "message": "m"},"id":1,"jsonrpc":"2.0"}"#);
    }
}
