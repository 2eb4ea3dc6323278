//! Answers that a gateway can hand on to its client: an HTTP status that every gateway understands, and a JSON-RPC error that every MCP
//! client does.
//!
//! INVARIANT (nothing of policy): a client is told what is wrong with its message and its credential, and what policy itself says as
//! `reason`. What went wrong inside is in the record.

use axum::response::Response;
use http::{HeaderValue, StatusCode};
use serde_json::{Value as Json, json};

use super::rpc::{self, Fault, INTERNAL_ERROR, INVALID_REQUEST};
use crate::authorize::{AuthorizedBatch, BatchRefused};
use crate::decision_log::Unrecorded;
use crate::doors::answer::{self as answers, json_value};
use crate::doors::edge::Edge;
use crate::doors::status::status;
use crate::model::decision::{Decision, Outcome, Recorded};
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::AuthContext;
use verdict_rego::Value;

/// What is said of what was not decided, or came to no answer.
const NO_DECISION: &str = "the authorization decision could not be made";
/// What is said of a denial whose policy gives no reason.
const DENIED: &str = "access denied";

/// What an answer needs to know of the message.
#[derive(Debug)]
pub(super) struct Asked {
    /// The message's id: null until it is known, none where it has none.
    pub(super) id: Option<Json>,
    /// What is wrong with the message.
    pub(super) fault: Option<Fault>,
    /// The code of denials.
    pub(super) denial_code: i32,
}

impl Asked {
    /// Nothing is known yet.
    pub(super) const fn new(denial_code: i32) -> Self {
        Self { id: Some(Json::Null), fault: None, denial_code }
    }

    fn error(&self, status: StatusCode, code: i32, message: &str, data: Option<Json>) -> Response {
        json_value(status, &rpc::response(self.id.as_ref(), code, message, data), false)
    }
}

/// What became of all questions of a message.
pub(super) enum Settled<'b> {
    /// Each is allowed; the first of them.
    Allowed(&'b Recorded<Decision>),
    /// One is not.
    Denied(&'b Recorded<Decision>),
    /// One has no record.
    Unrecorded(&'b Unrecorded),
}

impl<'b> Settled<'b> {
    /// INVARIANT (every question): one that is not allowed denies the message. None at all would, too.
    pub(super) fn of(
        answers: impl Iterator<Item = &'b Result<Recorded<Decision>, Unrecorded>>,
    ) -> Option<Self> {
        let (mut first, mut denied) = (None, None);
        for answer in answers {
            match answer {
                Err(unrecorded) => return Some(Self::Unrecorded(unrecorded)),
                Ok(decision) if decision.outcome == Outcome::Allow => {
                    first.get_or_insert(decision);
                }
                Ok(decision) => {
                    denied.get_or_insert(decision);
                }
            }
        }
        denied.map(Self::Denied).or_else(|| first.map(Self::Allowed))
    }
}

/// The answer to a message all of whose questions were decided, or that was refused.
pub(super) fn of_message(
    edge: &Edge,
    batch: &Result<AuthorizedBatch, BatchRefused>,
    asked: &Asked,
) -> Response {
    let batch = match batch {
        Ok(batch) => batch,
        Err(refused) => return of_refused(edge, refused, asked),
    };
    match Settled::of(batch.answers.iter().map(|(_, answer)| answer)) {
        Some(Settled::Allowed(decision)) => {
            let mut response = json_value(StatusCode::OK, &json!({ "allowed": true }), false);
            answers::mark(&mut response, decision);
            response
        }
        Some(Settled::Denied(decision)) => of_denied(edge, decision, asked),
        Some(Settled::Unrecorded(unrecorded)) => of_unrecorded(unrecorded, asked),
        None => asked.error(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL_ERROR, NO_DECISION, None),
    }
}

/// The answer to a call that was refused before its first question.
pub(super) fn of_refused(edge: &Edge, refused: &BatchRefused, asked: &Asked) -> Response {
    match refused {
        BatchRefused::Refused(decision) => of_denied(edge, decision, asked),
        BatchRefused::Unrecorded(unrecorded) => of_unrecorded(unrecorded, asked),
    }
}

/// The answer where there is no record: no decision, whatever it would have been.
pub(super) fn of_unrecorded(unrecorded: &Unrecorded, asked: &Asked) -> Response {
    let failure = unrecorded.failure();
    let mut response = asked.error(status(failure.kind), INTERNAL_ERROR, NO_DECISION, None);
    answers::advise(&mut response, &failure);
    answers::identify(&mut response, unrecorded.id, None);
    response.headers_mut().insert(answers::OUTCOME, HeaderValue::from_static("error"));
    response
}

/// The answer to whatever is not allowed.
pub(super) fn of_denied(edge: &Edge, decision: &Decision, asked: &Asked) -> Response {
    let data = || Some(json!({ "decision_id": decision.id }));
    let mut response = match (&asked.fault, &decision.failure) {
        (Some(fault), _) => {
            let code = fault.code.unwrap_or(asked.denial_code);
            asked.error(status(fault.kind), code, &fault.message, fault.data.clone())
        }
        (None, Some(failure)) => {
            let (code, message) = failed(failure, asked.denial_code);
            let mut response = asked.error(status(failure.kind), code, message, data());
            answers::advise(&mut response, failure);
            response
        }
        (None, None) => {
            let mut response =
                asked.error(StatusCode::FORBIDDEN, asked.denial_code, reason(decision), data());
            answers::step_up(&mut response, edge, decision);
            let challenged = response.headers().contains_key(http::header::WWW_AUTHENTICATE);
            // Who has shown no token is asked for one, whatever its scopes.
            if challenged && matches!(decision.auth, AuthContext::Anonymous) {
                *response.status_mut() = StatusCode::UNAUTHORIZED;
            }
            response
        }
    };
    answers::mark(&mut response, decision);
    response
}

/// What policy says of a denial.
fn reason(decision: &Decision) -> &str {
    let said = decision.result.as_ref().and_then(|result| result.get("reason")).and_then(Value::as_str);
    said.filter(|said| !said.is_empty()).unwrap_or(DENIED)
}

/// Code and text of a failure.
fn failed(failure: &Failure, denial_code: i32) -> (i32, &str) {
    match failure.kind {
        FailureKind::InvalidRequest | FailureKind::TooLarge => (INVALID_REQUEST, &failure.message),
        FailureKind::CredentialMissing
        | FailureKind::CredentialInvalid
        | FailureKind::CredentialExpired
        | FailureKind::CredentialRevoked
        | FailureKind::CredentialReplayed
        | FailureKind::CrossOrigin
        | FailureKind::Mismatch
        | FailureKind::InsufficientPermissions
        | FailureKind::RateLimited => (denial_code, &failure.message),
        FailureKind::UnknownPath
        | FailureKind::VerifierUnavailable
        | FailureKind::PolicyUnavailable
        | FailureKind::RecordUnavailable
        | FailureKind::EvaluationFailed
        | FailureKind::DeadlineExceeded
        | FailureKind::Misconfigured
        | FailureKind::Internal => (INTERNAL_ERROR, NO_DECISION),
    }
}
