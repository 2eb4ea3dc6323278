//! What went wrong, as OPA's clients know it: status, code, and the error's document.

use axum::response::Response;
use http::{HeaderValue, StatusCode};
use uuid::Uuid;

use crate::decision_log::Unrecorded;
use crate::doors::answer;
use crate::model::failure::{Failure, FailureKind};

/// The status and OPA code of a failure: this door's table.
pub(super) const fn status_and_code(kind: FailureKind) -> (StatusCode, &'static str) {
    match kind {
        FailureKind::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid_parameter"),
        FailureKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_parameter"),
        FailureKind::UnknownPath => (StatusCode::NOT_FOUND, "undefined_document"),
        FailureKind::CredentialMissing
        | FailureKind::CredentialInvalid
        | FailureKind::CredentialExpired
        | FailureKind::CredentialRevoked
        | FailureKind::CredentialReplayed => (StatusCode::UNAUTHORIZED, "unauthorized"),
        FailureKind::CrossOrigin | FailureKind::Mismatch | FailureKind::InsufficientPermissions => {
            (StatusCode::FORBIDDEN, "unauthorized")
        }
        FailureKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
        FailureKind::VerifierUnavailable
        | FailureKind::PolicyUnavailable
        | FailureKind::RecordUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        FailureKind::EvaluationFailed
        | FailureKind::DeadlineExceeded
        | FailureKind::Misconfigured
        | FailureKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
    }
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
