//! What went wrong, as OPA's clients know it: status, code, and the error's document.

use axum::response::Response;
use http::{HeaderValue, StatusCode};
use uuid::Uuid;

use crate::decision_log::Unrecorded;
use crate::doors::answer;
use crate::doors::status::{opa_code, status};
use crate::model::failure::{Failure, FailureKind};

/// The status and OPA code of a failure.
pub(super) const fn status_and_code(kind: FailureKind) -> (StatusCode, &'static str) {
    let status = status(kind);
    (status, opa_code(status))
}

/// The error's answer.
pub(super) fn problem(failure: &Failure, decision_id: Option<Uuid>) -> Response {
    answer::problem(status_and_code(failure.kind), failure, decision_id)
}

/// The answer when a decision was not recorded: 503, and nothing of the decision.
pub(super) fn unrecorded(unrecorded: Unrecorded) -> Response {
    let mut response = problem(&unrecorded.failure(), Some(unrecorded.id));
    response.headers_mut().insert(answer::OUTCOME, HeaderValue::from_static("error"));
    answer::identify(&mut response, unrecorded.id, None);
    response
}
