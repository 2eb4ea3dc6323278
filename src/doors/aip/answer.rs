//! Answers in AIP's shapes (v1alpha2 sections 6.2 and 7).

use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::aip::{SESSION, rpc};
use crate::doors::answer::{self, json_value};
use crate::doors::status::status;
use crate::model::clock::Timestamp;
use crate::model::decision::{Decision, Outcome};
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::AuthContext;
use crate::model::ruling::{Effect, RpcError, Ruling};

/// What a decision on a tool call is answered with; `id` is that of the JSON-RPC message, where it came as one.
pub(super) fn decided(decision: &Decision, id: Option<&Json>, now: Timestamp) -> Response {
    let ruling = decision.ruling.as_deref();
    let mut response = match (ruling, &decision.failure) {
        (Some(ruling), None) => ruled(decision, ruling, id, now),
        (Some(ruling), Some(failure)) if failure.kind == FailureKind::InsufficientPermissions => {
            ruled(decision, ruling, id, now)
        }
        (ruling, Some(failure)) => refused(failure, ruling, id),
        (None, None) => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
    };
    answer::mark(&mut response, decision);
    unstored(&mut response);
    response
}

/// Tokens stay in no cache on the way.
pub(super) fn unstored(response: &mut Response) {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

fn ruled(decision: &Decision, ruling: &Ruling, id: Option<&Json>, now: Timestamp) -> Response {
    // The gate may have refused what the policy allows.
    let refused = decision.outcome == Outcome::Refused && ruling.effect != Effect::Block;
    let ruling = match refused {
        true => &Ruling {
            effect: Effect::Block,
            error: Some(rpc::FORBIDDEN),
            reason: decision.reason.clone().unwrap_or_default(),
            ..ruling.clone()
        },
        false => ruling,
    };
    let mut body = json!({
        "decision": ruling.effect, "reason": ruling.reason, "violations": ruling.violations, "decision_id": decision.id,
    });
    if let AuthContext::Verified(verified) = &decision.auth
        && verified.principal.method == SESSION
    {
        let left = verified.expires_at.map_or(0, |end| end.0.saturating_sub(now.0).max(0) / 1_000_000_000);
        add(&mut body, "token_status", json!({ "valid": true, "expires_in": left }));
    }
    with_error(&mut body, rpc::error(ruling), id);
    json_value(StatusCode::OK, &body, false)
}

/// A refusal: the error of AIP, and what a gateway tells its client.
fn refused(failure: &Failure, ruling: Option<&Ruling>, id: Option<&Json>) -> Response {
    let mut response_body = body(failure, None);
    let error = ruling.and_then(rpc::error).or_else(|| {
        let RpcError { code, message } = rpc_error(failure)?;
        let mut data = json!({ "reason": failure.message });
        if code == rpc::TOKEN_INVALID.code {
            add(&mut data, "token_error", failure.code.into());
        }
        Some(json!({ "code": code, "message": message, "data": data }))
    });
    with_error(&mut response_body, error, id);
    let mut response = json_value(status(failure.kind), &response_body, false);
    answer::advise(&mut response, failure);
    response
}

/// Adds the JSON-RPC error, and the response that is made of it where the call came as a message.
fn with_error(body: &mut Json, error: Option<Json>, id: Option<&Json>) {
    let Some(error) = error else { return };
    if let Some(id) = id {
        add(body, "response", rpc::response(id, &error));
    }
    add(body, "rpc_error", error);
}

/// Adds a member to an object.
fn add(object: &mut Json, name: &str, value: Json) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// An answer to what was not decided.
pub(super) fn problem(failure: &Failure, id: Uuid) -> Response {
    let mut response = json_value(status(failure.kind), &body(failure, Some(id)), false);
    answer::advise(&mut response, failure);
    response
}

fn body(failure: &Failure, id: Option<Uuid>) -> Json {
    let error = match failure.kind {
        FailureKind::CredentialMissing => "token_required",
        _ if failure.code == Some("token_required") => "token_required",
        _ if failure.asks_for_credential() => "token_invalid",
        FailureKind::InvalidRequest | FailureKind::TooLarge => "invalid_request",
        FailureKind::Mismatch | FailureKind::InsufficientPermissions | FailureKind::CrossOrigin => {
            "forbidden"
        }
        FailureKind::UnknownPath => "not_found",
        FailureKind::RateLimited => "rate_limited",
        _ => "internal_error",
    };
    let mut body = json!({ "error": error, "message": failure.message });
    if error == "token_invalid" {
        add(&mut body, "token_error", failure.code.unwrap_or("malformed").into());
    }
    if let Some(id) = id {
        add(&mut body, "decision_id", json!(id));
    }
    body
}

fn rpc_error(failure: &Failure) -> Option<RpcError> {
    Some(match (failure.kind, failure.code) {
        (FailureKind::CredentialMissing, _) | (_, Some("token_required")) => rpc::TOKEN_REQUIRED,
        (FailureKind::CredentialRevoked, _) => rpc::TOKEN_REVOKED,
        (_, Some("audience_mismatch")) => rpc::AUDIENCE_MISMATCH,
        _ if failure.asks_for_credential() => rpc::TOKEN_INVALID,
        (FailureKind::RateLimited, _) => rpc::RATE_LIMITED,
        (FailureKind::InsufficientPermissions | FailureKind::Mismatch, _) => rpc::FORBIDDEN,
        _ => return None,
    })
}
