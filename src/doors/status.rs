//! The HTTP status of every failure: the one mapping, for every door that answers over HTTP. What else a door says of a
//! failure (OPA's code, a system's own) is its own.

use http::StatusCode;

use crate::model::failure::FailureKind;

/// The status of a failure.
pub(super) const fn status(kind: FailureKind) -> StatusCode {
    match kind {
        FailureKind::InvalidRequest => StatusCode::BAD_REQUEST,
        FailureKind::CredentialMissing
        | FailureKind::CredentialInvalid
        | FailureKind::CredentialExpired
        | FailureKind::CredentialRevoked
        | FailureKind::CredentialReplayed => StatusCode::UNAUTHORIZED,
        FailureKind::CrossOrigin | FailureKind::Mismatch | FailureKind::InsufficientPermissions => {
            StatusCode::FORBIDDEN
        }
        FailureKind::UnknownPath => StatusCode::NOT_FOUND,
        FailureKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        FailureKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        FailureKind::VerifierUnavailable
        | FailureKind::PolicyUnavailable
        | FailureKind::RecordUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        FailureKind::EvaluationFailed
        | FailureKind::DeadlineExceeded
        | FailureKind::Misconfigured
        | FailureKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The code that OPA's error documents have for a status.
pub(super) const fn opa_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 | 413 => "invalid_parameter",
        401 | 403 => "unauthorized",
        404 => "undefined_document",
        429 => "rate_limited",
        503 => "unavailable",
        _ => "internal_error",
    }
}
