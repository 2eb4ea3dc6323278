//! SubjectAccessReview: whether a user may do something.

use serde_json::{Value as Json, json};

use super::review::{
    Review, add, check_reason, entity, input, picked, reason, resource_type, subject, text, version,
};
use crate::model::decision::{Decision, Outcome};
use verdict_rego::Value;

const VERSIONS: [&str; 2] = ["authorization.k8s.io/v1", "authorization.k8s.io/v1beta1"];

/// Reads a review.
///
/// # Errors
/// What is wrong with it.
pub(super) fn review(mut review: Value) -> Result<Review, String> {
    let version = version(&review, "SubjectAccessReview", &VERSIONS)?;
    review.remove("status");
    let spec = review.get("spec").filter(|spec| spec.is_object()).ok_or("`spec` is not an object")?;
    // The groups of v1beta1 are in `group`.
    let user = [("group", "groups"), ("groups", "groups"), ("uid", "uid"), ("extra", "extra")];
    let subject = subject(spec, "user", &user)?;
    let part = |name: &str| spec.get(name).filter(|part| **part != Value::Null);
    let (action, resource) = match (part("resourceAttributes"), part("nonResourceAttributes")) {
        (Some(attributes), None) => (verb(attributes)?, resource(attributes)?),
        (None, Some(attributes)) => {
            let path = text(attributes, "path")?.ok_or("`nonResourceAttributes` has no `path`")?;
            (verb(attributes)?, entity("url", Some(path), Value::object()))
        }
        _ => {
            return Err(
                "`spec` has to have one of `resourceAttributes` and `nonResourceAttributes`".to_owned()
            );
        }
    };
    let action = action.to_owned();
    Ok(Review { input: input(review, subject, &action, resource), version, uid: String::new() })
}

fn verb(attributes: &Value) -> Result<&str, String> {
    text(attributes, "verb")?.ok_or_else(|| "there is no `verb`".to_owned())
}

fn resource(attributes: &Value) -> Result<Value, String> {
    let resource = text(attributes, "resource")?.ok_or("`resourceAttributes` has no `resource`")?;
    let kind = resource_type(text(attributes, "group")?, resource, text(attributes, "subresource")?);
    let members = [
        "namespace",
        "group",
        "version",
        "resource",
        "subresource",
        "name",
        "fieldSelector",
        "labelSelector",
    ];
    let properties = picked(attributes, &members.map(|member| (member, member)));
    Ok(entity(&kind, text(attributes, "name")?, properties))
}

/// Whether a result can be answered with. An API server takes nothing that is both allowed and denied.
pub(super) fn check(result: &Value) -> Result<(), String> {
    check_reason(result)?;
    match result.get("denied") {
        None | Some(Value::Bool(false)) => Ok(()),
        Some(Value::Bool(true)) => {
            let allowed = ["allow", "allowed", "decision"].into_iter().find_map(|name| result.get(name));
            match allowed.and_then(Value::as_bool) {
                Some(true) => Err("it is both allowed and `denied`".to_owned()),
                _ => Ok(()),
            }
        }
        Some(other) => Err(format!("`denied` is not a truth value but {}", other.type_name())),
    }
}

/// The answer. Only what policy says it denies is denied; of the rest, other authorizers of the API server may have an opinion.
pub(super) fn answer(version: &str, decision: &Decision) -> Json {
    let mut status = json!({ "allowed": decision.outcome == Outcome::Allow });
    match &decision.failure {
        Some(failure) => add(&mut status, "evaluationError", failure.message.as_str().into()),
        None => {
            let denied = decision.result.as_ref().and_then(|result| result.get("denied"));
            if denied.and_then(Value::as_bool) == Some(true) {
                add(&mut status, "denied", true.into());
            }
            if let Some(reason) = reason(decision) {
                add(&mut status, "reason", reason.into());
            }
        }
    }
    json!({ "apiVersion": version, "kind": "SubjectAccessReview", "status": status })
}
