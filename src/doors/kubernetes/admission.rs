//! AdmissionReview: whether an object may be made, changed or removed, and how it is changed on the way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::review::{
    Review, add, check_reason, entity, input, picked, reason, resource_type, subject, text, version,
};
use crate::doors::status::status;
use crate::model::decision::{Decision, Outcome};
use verdict_rego::Value;

const VERSIONS: [&str; 1] = ["admission.k8s.io/v1"];

/// The operations of JSON Patch (RFC 6902 section 4), and what each needs besides a path.
const OPERATIONS: [(&str, Option<&str>); 6] = [
    ("add", Some("value")),
    ("replace", Some("value")),
    ("test", Some("value")),
    ("remove", None),
    ("move", Some("from")),
    ("copy", Some("from")),
];

/// Reads a review.
///
/// # Errors
/// What is wrong with it.
pub(super) fn review(mut review: Value) -> Result<Review, String> {
    let version = version(&review, "AdmissionReview", &VERSIONS)?;
    review.remove("response");
    let request =
        review.get("request").filter(|request| request.is_object()).ok_or("`request` is not an object")?;
    let uid = text(request, "uid")?.ok_or("`request` has no `uid`")?.to_owned();
    let user =
        request.get("userInfo").filter(|user| user.is_object()).ok_or("`request` has no `userInfo`")?;
    let subject = subject(user, "username", &[("uid", "uid"), ("groups", "groups"), ("extra", "extra")])?;
    let operation = text(request, "operation")?.ok_or("`request` has no `operation`")?.to_ascii_lowercase();
    let named =
        request.get("resource").filter(|named| named.is_object()).ok_or("`request` has no `resource`")?;
    let resource = text(named, "resource")?.ok_or("`request.resource` has no `resource`")?;
    let kind = resource_type(text(named, "group")?, resource, text(request, "subResource")?);
    let mut properties = picked(named, &["group", "version", "resource"].map(|member| (member, member)));
    for (member, name) in [("subResource", "subresource"), ("namespace", "namespace"), ("name", "name")] {
        if let Some(value) = request.get(member) {
            properties.insert(name, value.clone());
        }
    }
    let resource = entity(&kind, text(request, "name")?, properties);
    Ok(Review { input: input(review, subject, &operation, resource), version, uid })
}

/// Whether a result can be answered with: nothing is admitted with half of its changes.
pub(super) fn check(result: &Value) -> Result<(), String> {
    check_reason(result)?;
    let list = |name: &str| match result.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(list @ (Value::Array(_) | Value::Set(_))) => Ok(list.elements()),
        Some(other) => Err(format!("`{name}` is not a list but {}", other.type_name())),
    };
    if list("warnings")?.iter().any(|warning| warning.as_str().is_none()) {
        return Err("`warnings` has something that is not a string".to_owned());
    }
    if matches!(result.get("patch"), Some(Value::Set(_))) {
        return Err("`patch` is a set, which has no order".to_owned());
    }
    list("patch")?.iter().enumerate().try_for_each(|(n, operation)| {
        check_operation(operation).map_err(|why| format!("`patch[{n}]` is no operation of JSON Patch: {why}"))
    })
}

fn check_operation(operation: &Value) -> Result<(), String> {
    let pointer = |name: &str| match operation.get(name).and_then(Value::as_str) {
        Some(path) if path.is_empty() || path.starts_with('/') => Ok(()),
        _ => Err(format!("`{name}` is not a JSON pointer")),
    };
    let op = operation.get("op").and_then(Value::as_str).unwrap_or_default();
    let Some((_, needed)) = OPERATIONS.into_iter().find(|(name, _)| *name == op) else {
        return Err("`op` is none".to_owned());
    };
    pointer("path")?;
    match needed {
        Some("from") => pointer("from"),
        Some(name) if operation.get(name).is_none() => Err(format!("`{name}` is missing")),
        _ => Ok(()),
    }
}

/// The answer, with the id of the request.
pub(super) fn answer(version: &str, uid: &str, decision: &Decision) -> Json {
    let allowed = decision.outcome == Outcome::Allow;
    let result = decision.result.as_ref().filter(|_| decision.failure.is_none());
    let list =
        |name: &str| result.and_then(|result| result.get(name)).map(Value::elements).unwrap_or_default();
    let mut response = json!({ "uid": uid, "allowed": allowed });
    if !allowed {
        let code = decision.failure.as_ref().map_or(403, |failure| status(failure.kind).as_u16());
        let message = reason(decision).unwrap_or("the policy does not admit it");
        add(&mut response, "status", json!({ "code": code, "message": message }));
    }
    let warnings = list("warnings");
    if !warnings.is_empty() {
        add(&mut response, "warnings", json!(warnings));
    }
    let patch = list("patch");
    if allowed && !patch.is_empty() {
        add(&mut response, "patchType", "JSONPatch".into());
        add(&mut response, "patch", STANDARD.encode(json!(patch).to_string()).into());
    }
    json!({ "apiVersion": version, "kind": "AdmissionReview", "response": response })
}
