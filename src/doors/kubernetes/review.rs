//! What both kinds of review have in common: who asks, about what, and why it is answered so.

use serde_json::Value as Json;

use crate::model::decision::Decision;
use verdict_rego::Value;

/// A review as it came, and what of it the answer needs.
pub(super) struct Review {
    pub(super) input: Value,
    pub(super) version: String,
    /// That of an admission; empty for the others.
    pub(super) uid: String,
}

/// The API version of a review of this kind, which has to be one of those that are known.
pub(super) fn version(review: &Value, kind: &str, known: &[&str]) -> Result<String, String> {
    if review.get("kind").and_then(Value::as_str) != Some(kind) {
        return Err(format!("`kind` is not `{kind}`"));
    }
    let version = review.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    match known.contains(&version) {
        true => Ok(version.to_owned()),
        false => Err(format!("`apiVersion` is not one of {}", known.join(", "))),
    }
}

/// A text of an object; nothing where it is absent or empty.
pub(super) fn text<'v>(object: &'v Value, name: &str) -> Result<Option<&'v str>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(&**text).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("`{name}` is not a string")),
    }
}

/// A user as a subject: `name` is the member that has the name, `members` are those that become properties under a name.
pub(super) fn subject(user: &Value, name: &str, members: &[(&str, &str)]) -> Result<Value, String> {
    let mut subject = Value::object();
    subject.insert("type", Value::from("user"));
    if let Some(id) = text(user, name)? {
        subject.insert("id", Value::from(id));
    }
    subject.insert("properties", picked(user, members));
    Ok(subject)
}

/// Members of an object, each under a name.
pub(super) fn picked(object: &Value, members: &[(&str, &str)]) -> Value {
    let mut picked = Value::object();
    for (member, name) in members {
        if let Some(value) = object.get(member) {
            picked.insert(name, value.clone());
        }
    }
    picked
}

/// What is named by a group, a resource and a part of it, as `kubectl` writes it: `pods`, `deployments.apps`, `pods/exec`.
pub(super) fn resource_type(group: Option<&str>, resource: &str, part: Option<&str>) -> String {
    let group = group.map(|group| format!(".{group}")).unwrap_or_default();
    let part = part.map(|part| format!("/{part}")).unwrap_or_default();
    format!("{resource}{group}{part}")
}

/// An entity with a type, an id where it has one, and properties.
pub(super) fn entity(kind: &str, id: Option<&str>, properties: Value) -> Value {
    let mut entity = Value::object();
    entity.insert("type", Value::from(kind));
    if let Some(id) = id {
        entity.insert("id", Value::from(id));
    }
    entity.insert("properties", properties);
    entity
}

/// The review with what Verdict's own policies ask for. Nothing of the review stands in its place.
pub(super) fn input(mut review: Value, subject: Value, action: &str, resource: Value) -> Value {
    let mut named = Value::object();
    named.insert("name", Value::from(action));
    review.insert("subject", subject);
    review.insert("action", named);
    review.insert("resource", resource);
    review
}

/// Whether a member of a result, where it is there, is a text.
pub(super) fn check_reason(result: &Value) -> Result<(), String> {
    match result.get("reason") {
        None | Some(Value::Null | Value::String(_)) => Ok(()),
        Some(other) => Err(format!("`reason` is not a string but {}", other.type_name())),
    }
}

/// What policy says of why.
pub(super) fn reason(decision: &Decision) -> Option<&str> {
    let said = decision.result.as_ref().and_then(|result| result.get("reason")).and_then(Value::as_str);
    said.or(decision.reason.as_deref())
}

/// Adds a member to an object.
pub(super) fn add(object: &mut Json, name: &str, value: Json) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
