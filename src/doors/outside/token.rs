//! The exchange of an older token for one of the form of a JWT-SVID (RFC 8693, RFC 7523).
//!
//! INVARIANT (the body is the credential): this is the one door that reads a body before it knows who is calling, because the body
//! says so; a small one. The token goes through the same verification as everywhere.
//! INVARIANT (no widening): who gets a token, for which scopes and until when, is no more than the older one says.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::assertion::failure;
use super::blocking;
use super::form::{Form, JWT, Wrong};
use crate::authorize::attest::Attested;
use crate::doors::answer;
use crate::doors::body::Unread;
use crate::doors::context::arrival;
use crate::doors::edge::Edge;
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::Verified;
use crate::model::request::EntryPath;
use crate::registry::Registry;
use crate::registry::issue::NewToken;
use crate::registry::store::WriteError;

/// The name of this door in records.
const PROTOCOL: &str = "token";
/// The longest body, in bytes: twice the longest token.
const LONGEST_BODY: usize = 16 * 1024;

/// Answers it.
pub(super) async fn answer(
    edge: &Edge,
    registry: &Arc<Registry>,
    request: Request,
    started: Instant,
) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = match read(edge, &parts, body).await {
        Ok((form, parts)) => exchange(edge, registry, &parts, form, started).await,
        Err(wrong) => refused(edge, &parts, wrong, started).await,
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// What is asked for, and the request as if the token were its credential.
async fn read(edge: &Edge, parts: &Parts, body: axum::body::Body) -> Result<(Form, Parts), Wrong> {
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let invalid = |message: &str| Wrong::new("invalid_request", message);
    let media_type =
        parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(invalid("the body is to be `application/x-www-form-urlencoded`"));
    }
    if parts.headers.contains_key(AUTHORIZATION) {
        return Err(invalid("the token in the body is the only credential; send no `Authorization`"));
    }
    let bytes = unread.bytes(LONGEST_BODY).await.map_err(|failure| invalid(&failure.message))?;
    let form = Form::read(&bytes)?;
    let mut parts = parts.clone();
    let bearer = HeaderValue::try_from(format!("Bearer {}", form.token.expose()));
    let mut bearer =
        bearer.map_err(|_| Wrong::new("invalid_grant", "the token has characters that none has"))?;
    bearer.set_sensitive(true);
    parts.headers.insert(AUTHORIZATION, bearer);
    Ok((form, parts))
}

async fn exchange(
    edge: &Edge,
    registry: &Arc<Registry>,
    parts: &Parts,
    form: Form,
    started: Instant,
) -> Response {
    let mut code = None;
    let ask = async |verified: &Verified| {
        wanted(verified, form).map_err(|Wrong { code: wrong, message }| {
            code = Some(wrong);
            Failure::new(FailureKind::InsufficientPermissions, message)
        })
    };
    let mut arrival = arrival(parts, PROTOCOL, Ok(EntryPath::default()), started);
    arrival.context.operation = Some(format!("{} {}", parts.method, parts.uri.path()));
    let Attested { decision, asked } = match edge.authorizer.attest(arrival, ask).await {
        Ok(attested) => attested,
        Err(unrecorded) => return problem(code_of(unrecorded.failure().kind), &unrecorded.failure()),
    };
    let mut response = match (asked, &decision.failure) {
        (Some(new), _) => {
            let scope = new.scopes.join(" ");
            match blocking(registry, move |registry| registry.exchanged(&new)).await {
                Ok(issued) => {
                    let mut body = json!({
                        "access_token": issued.token.expose(), "token_type": "Bearer",
                        "expires_in": issued.expires_in, "issued_token_type": JWT,
                    });
                    if let Some(members) = body.as_object_mut().filter(|_| !scope.is_empty()) {
                        members.insert("scope".to_owned(), scope.into());
                    }
                    answer::json_value(StatusCode::OK, &body, false)
                }
                Err(error) => {
                    let code = rejected(&error);
                    let failure = failure(error);
                    problem(code.unwrap_or_else(|| code_of(failure.kind)), &failure)
                }
            }
        }
        (None, Some(failure)) => problem(code.unwrap_or_else(|| code_of(failure.kind)), failure),
        (None, None) => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
    };
    answer::identify(&mut response, decision.id, decision.context.request_id.as_deref());
    answer::limit(&mut response, decision.rate.as_ref());
    response
}

/// The token that this caller may have for the one that it presented.
fn wanted(verified: &Verified, form: Form) -> Result<NewToken, Wrong> {
    let Verified { principal, delegation, restrictions, expires_at, .. } = verified;
    let grant = |message: &str| Err(Wrong::new("invalid_grant", message));
    if principal.method != "jwt" {
        return grant("the token is not a JWT of an issuer that is trusted here");
    }
    if delegation.is_some() || !principal.actors.is_empty() || !restrictions.scopes.is_empty() {
        return grant("the token is of somebody who acts for another, or is for some operations only");
    }
    let Some(agent) = &principal.agent else { return grant("the token names no agent of the registry") };
    let scopes = form.scopes.unwrap_or_else(|| principal.scopes.clone());
    if !scopes.iter().all(|scope| principal.scopes.contains(scope)) {
        return Err(Wrong::new("invalid_scope", "the token does not have all of these scopes"));
    }
    Ok(NewToken { agent: agent.clone(), audience: form.audience, scopes, not_after: *expires_at })
}

/// The code of what the registry does not do.
fn rejected(error: &WriteError) -> Option<&'static str> {
    match error {
        WriteError::Rejected(rejection) => Some(match rejection.field {
            Some("audience") => "invalid_target",
            _ => "invalid_grant",
        }),
        WriteError::Store(_) => None,
    }
}

/// RFC 6749 section 5.2, and for what is not the caller's fault section 4.1.2.1.
const fn code_of(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::CredentialMissing
        | FailureKind::CredentialInvalid
        | FailureKind::CredentialExpired
        | FailureKind::CredentialRevoked
        | FailureKind::CredentialReplayed
        | FailureKind::Mismatch
        | FailureKind::InsufficientPermissions
        | FailureKind::UnknownPath => "invalid_grant",
        FailureKind::RateLimited
        | FailureKind::VerifierUnavailable
        | FailureKind::PolicyUnavailable
        | FailureKind::RecordUnavailable => "temporarily_unavailable",
        FailureKind::Misconfigured | FailureKind::Internal => "server_error",
        _ => "invalid_request",
    }
}

fn problem(code: &'static str, failure: &Failure) -> Response {
    let status = match code {
        "temporarily_unavailable" if failure.kind == FailureKind::RateLimited => {
            StatusCode::TOO_MANY_REQUESTS
        }
        "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
        "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let description = failure.message.replace(['"', '\\'], "'");
    let mut response =
        answer::json_value(status, &json!({ "error": code, "error_description": description }), false);
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        let wait = failure.retry_after.map_or(1, |wait| wait.as_millis().div_ceil(1000).max(1));
        if let Ok(wait) = HeaderValue::try_from(wait.to_string()) {
            response.headers_mut().insert(RETRY_AFTER, wait);
        }
    }
    response
}

/// Refuses what is no token request, and records it.
async fn refused(edge: &Edge, parts: &Parts, wrong: Wrong, started: Instant) -> Response {
    let Wrong { code, message } = wrong;
    let failure = Failure::new(FailureKind::InvalidRequest, message);
    let mut context = arrival(parts, PROTOCOL, Ok(EntryPath::default()), started).context;
    context.operation = Some(format!("{} {}", parts.method, parts.uri.path()));
    match edge.authorizer.refuse(None, failure, context, started).await {
        Ok(decision) => match &decision.failure {
            Some(failure) => {
                let mut response = problem(code, failure);
                answer::identify(&mut response, decision.id, decision.context.request_id.as_deref());
                response
            }
            None => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
        },
        Err(unrecorded) => problem("temporarily_unavailable", &unrecorded.failure()),
    }
}
