//! Why a call was not answered by policy: the closed list that every edge maps to its own wire form.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use verdict_rego::{EvalError, EvalErrorKind, PolicyError};

/// What went wrong, as a closed list; the comment says which HTTP status the HTTP edges give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The request is malformed (400).
    InvalidRequest,
    /// The request body is over the limit (413).
    TooLarge,
    /// A web page of another origin calls where identity is off (403).
    CrossOrigin,
    /// No such path, where the caller asked for strict paths (404).
    UnknownPath,
    /// No credential was presented and one is required (401).
    CredentialMissing,
    /// The credential is malformed, forged, from an unknown issuer, or for another audience (401).
    CredentialInvalid,
    /// The credential was valid once (401).
    CredentialExpired,
    /// The credential, or whom it names, was revoked or disabled (401).
    CredentialRevoked,
    /// The credential may be used once, and was (401).
    CredentialReplayed,
    /// The caller is known, and is not who the call says it is (403).
    Mismatch,
    /// The caller is known and may not do this (403).
    InsufficientPermissions,
    /// The caller, or its peer, has asked too often (429).
    RateLimited,
    /// The credential cannot be checked now: its issuer's keys are not available (503).
    VerifierUnavailable,
    /// No policy is active, or what is active is older than allowed (503).
    PolicyUnavailable,
    /// The policy failed: a built-in's error, a conflict, a limit other than time (500).
    EvaluationFailed,
    /// The policy did not finish within its deadline (500).
    DeadlineExceeded,
    /// The decision could not be recorded, so it is not given (503).
    RecordUnavailable,
    /// The configuration does not let Verdict do what it must, e.g. count in Redis; nobody but an operator can help (500).
    Misconfigured,
    /// A defect in Verdict (500).
    Internal,
}

impl FailureKind {
    /// The kind's name, as records, metrics and error codes carry it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::TooLarge => "too_large",
            Self::CrossOrigin => "cross_origin",
            Self::UnknownPath => "unknown_path",
            Self::CredentialMissing => "credential_missing",
            Self::CredentialInvalid => "credential_invalid",
            Self::CredentialExpired => "credential_expired",
            Self::CredentialRevoked => "credential_revoked",
            Self::CredentialReplayed => "credential_replayed",
            Self::Mismatch => "mismatch",
            Self::InsufficientPermissions => "insufficient_permissions",
            Self::RateLimited => "rate_limited",
            Self::VerifierUnavailable => "verifier_unavailable",
            Self::PolicyUnavailable => "policy_unavailable",
            Self::EvaluationFailed => "evaluation_failed",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::RecordUnavailable => "record_unavailable",
            Self::Misconfigured => "misconfigured",
            Self::Internal => "internal",
        }
    }
}

/// Why a call was refused, or why its evaluation gave no answer. Always a denial.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Which of the closed list.
    pub kind: FailureKind,
    /// For the caller and the record: lower case, no full stop, no secret.
    pub message: String,
    /// The policy's own error, where it was one.
    pub policy: Option<Box<PolicyError>>,
    /// When to try again, where waiting helps.
    pub retry_after: Option<Duration>,
    /// The authentication schemes that would do, as challenges (RFC 9110 section 11.6.1), where another credential helps.
    pub challenges: Arc<[String]>,
    /// What the system that a credential belongs to calls what is wrong with it, where it has a name of its own.
    pub code: Option<&'static str>,
}

impl Failure {
    /// A failure with a message and nothing else.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            policy: None,
            retry_after: None,
            challenges: Arc::default(),
            code: None,
        }
    }

    /// The caller is known and may not do this.
    pub fn insufficient(message: impl Into<String>) -> Self {
        Self::new(FailureKind::InsufficientPermissions, message)
    }

    /// With the time after which another try may succeed.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// Whether another credential would help.
    pub const fn asks_for_credential(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::CredentialMissing
                | FailureKind::CredentialInvalid
                | FailureKind::CredentialExpired
                | FailureKind::CredentialRevoked
                | FailureKind::CredentialReplayed
        )
    }
}

/// INVARIANT (distinct): what ran out of time is told apart from what went wrong.
impl From<EvalError> for Failure {
    fn from(error: EvalError) -> Self {
        let EvalError { kind, message, policy } = error;
        let kind = match kind {
            EvalErrorKind::Policy | EvalErrorKind::Panic => FailureKind::EvaluationFailed,
            EvalErrorKind::Deadline => FailureKind::DeadlineExceeded,
        };
        Self { policy, ..Self::new(kind, message) }
    }
}
