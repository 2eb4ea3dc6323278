//! From what came of an operation to its answer.

use axum::response::Response;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::asked::Invalid;
use super::operation::{Dialect, Trouble, With, Work};
use super::shapes::Items;
use crate::doors::answer::{self, json_value};
use crate::doors::relay::INVALID_KEY;
use crate::doors::status::status;
use crate::model::failure::{Failure, FailureKind};
use crate::registry::change::Made;
use crate::registry::command::Command;
use crate::registry::reads::Page;
use crate::registry::record::Stored;
use crate::registry::rejection::{Rejection, RejectionKind};

/// A value as JSON.
pub(super) fn value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// A page of records.
pub(super) fn listed<T: Stored>(with: &With<'_>, page: &Page) -> Result<Value, Trouble> {
    Ok(value(&Items::of(&with.registry.list::<T>(with.actor, page)?, Stored::shown)))
}

/// A change, to be carried out once its attempt is recorded.
///
/// # Errors
/// None; it is what preparing has to return.
#[expect(clippy::unnecessary_wraps, reason = "it is what preparing has to return")]
pub(super) fn change(command: Command) -> Result<Work, Invalid> {
    Ok(Box::new(move |with: &With<'_>| carry_out(with, &command)))
}

/// Carries a change out; the answer is the record, with what is shown once.
pub(super) fn carry_out(with: &With<'_>, command: &Command) -> Result<Value, Trouble> {
    let done = with.registry.execute(with.actor, command)?;
    let Value::Object(mut answer) = done.record else { return Ok(done.record) };
    if let Some(text) = &done.once {
        answer.insert("api_key".to_owned(), json!(text.expose()));
    }
    with_made(&mut answer, &done.made);
    Ok(Value::Object(answer))
}

/// Adds what was made with a record: the texts of keys, with their ids; else the record.
pub(super) fn with_made(answer: &mut Map<String, Value>, made: &[Made]) {
    for Made { name, record, once } in made {
        match once {
            Some(text) => {
                answer.insert((*name).to_owned(), json!(text.expose()));
                answer.insert(format!("{name}_id"), record.get("id").cloned().unwrap_or_default());
            }
            None => {
                answer.insert((*name).to_owned(), record.clone());
            }
        }
    }
}

/// A problem, with the member that it is about.
pub(super) fn problem(
    dialect: Dialect,
    failure: &Failure,
    field: Option<&str>,
    decision_id: Option<Uuid>,
) -> Response {
    let status = status(failure.kind);
    shaped(dialect, (status, code(status)), failure, field, decision_id)
}

/// That what somebody wants to begin has been begun.
pub(super) fn begun(failure: &Failure, decision_id: Uuid) -> Response {
    let conflict = StatusCode::CONFLICT;
    shaped(Dialect::Verdict, (conflict, code(conflict)), failure, None, Some(decision_id))
}

/// Why something was not done.
pub(super) fn trouble(dialect: Dialect, trouble: &Trouble, decision_id: Uuid) -> Response {
    let unavailable = |message: String| {
        let failure = Failure::new(FailureKind::VerifierUnavailable, message);
        problem(dialect, &failure, None, Some(decision_id))
    };
    match trouble {
        Trouble::Rejected(Rejection { kind, field, message }) => {
            let (status, kind) = match kind {
                RejectionKind::Invalid => (StatusCode::BAD_REQUEST, FailureKind::InvalidRequest),
                RejectionKind::NotFound => (StatusCode::NOT_FOUND, FailureKind::UnknownPath),
                RejectionKind::Forbidden => (StatusCode::FORBIDDEN, FailureKind::InsufficientPermissions),
                RejectionKind::Conflict => (StatusCode::CONFLICT, FailureKind::InvalidRequest),
            };
            let message = match field {
                Some(field) => format!("`{field}` {message}"),
                None => message.clone(),
            };
            let failure = Failure::new(kind, message);
            shaped(dialect, (status, code(status)), &failure, *field, Some(decision_id))
        }
        Trouble::Store(error) => {
            tracing::error!(%error, "the registry did not do what the admin API asked");
            // What the database says is the operator's, not the caller's.
            unavailable(error.kind.to_string())
        }
        Trouble::Busy => unavailable("too many calls wait for the registry's database; try again".to_owned()),
        Trouble::Panicked => {
            let failure = Failure::new(FailureKind::Internal, "the operation panicked");
            problem(dialect, &failure, None, Some(decision_id))
        }
    }
}

const fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 | 413 => "invalid_parameter",
        401 | 403 => "unauthorized",
        404 => "resource_not_found",
        405 => "method_not_allowed",
        409 => "conflict",
        429 => "rate_limited",
        503 => "unavailable",
        _ => "internal_error",
    }
}

/// What AIP calls it (v1alpha2 section 6.5.3).
const fn aip_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 | 413 => "invalid_request",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        429 => "rate_limited",
        _ => "internal_error",
    }
}

fn shaped(
    dialect: Dialect,
    (status, code): (StatusCode, &str),
    failure: &Failure,
    field: Option<&str>,
    decision_id: Option<Uuid>,
) -> Response {
    let mut body = match dialect {
        Dialect::Verdict => json!({ "code": code, "message": failure.message }),
        Dialect::AgentPack => json!({ "ok": false, "error": code, "message": failure.message }),
        Dialect::Aip => json!({ "error": aip_code(status), "message": failure.message }),
        Dialect::Relay => {
            let text = if failure.asks_for_credential() { INVALID_KEY } else { &failure.message };
            let mut response = answer::detail(status, text);
            answer::advise(&mut response, failure);
            return response;
        }
    };
    if let Some(members) = body.as_object_mut() {
        if let Some(field) = field {
            members.insert("field".to_owned(), json!(field));
        }
        if let Some(id) = decision_id {
            members.insert("decision_id".to_owned(), json!(id));
        }
    }
    let mut response = json_value(status, &body, true);
    answer::advise(&mut response, failure);
    response
}

/// Secrets stay in no cache on the way.
pub(super) fn unstored(response: &mut Response) {
    response.headers_mut().insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
