//! The doors of the Agent Identity Protocol: `POST /v1/validate`, `GET /v1/jwks`, and `POST /v1/sessions`, which opens a session.
//!
//! INVARIANT (header first): a token in the body counts only where there is no `Authorization` header. Then a small body is read
//! before it is known who is calling, because it says so.
//! INVARIANT (nothing is passed over): a member of a body that is not known is an error.
//!
//! Deliberately absent: what is decided (`authorize::tool_calls`, `aip`), and revocation, which is an operation of the admin API.
//!
//! Reading order: this file → [`asked`] → [`answer`].

mod answer;
mod asked;

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value as Json, json};

use self::asked::{Asked, NewSession};
use super::answer::{self as answers, json_value};
use super::body::Unread;
use super::context::arrival;
use super::edge::Edge;
use crate::authorize::Question;
use crate::authorize::attest::Attested;
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::Verified;
use crate::model::request::EntryPath;

/// The name of this door in records.
const PROTOCOL: &str = "aip";
/// The longest body that is read before it is known who is calling, in bytes.
const LONGEST_UNKNOWN: usize = 64 << 10;
/// The longest request for a session, in bytes.
const LONGEST_SESSION: usize = 4 << 10;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Validate,
    Jwks,
    Sessions,
}

/// Answers a request.
pub(super) async fn handle(edge: &Edge, route: Route, request: Request, started: Instant) -> Response {
    let wanted = if route == Route::Jwks { Method::GET } else { Method::POST };
    let head = route == Route::Jwks && *request.method() == Method::HEAD;
    if *request.method() != wanted && !head {
        let mut response = answers::empty(StatusCode::METHOD_NOT_ALLOWED);
        let allowed = if route == Route::Jwks { "GET, HEAD" } else { "POST" };
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        return response;
    }
    match route {
        Route::Validate => validate(edge, request, started).await,
        Route::Jwks => jwks(edge),
        Route::Sessions => open(edge, request, started).await,
    }
}

/// `GET /v1/jwks`: what anybody verifies session tokens with.
fn jwks(edge: &Edge) -> Response {
    let keys = edge.authorizer.in_force().authenticator.session_keys();
    let mut response = json_value(StatusCode::OK, &keys, false);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}

/// `POST /v1/validate`: whether a tool may be called.
async fn validate(edge: &Edge, request: Request, started: Instant) -> Response {
    edge.metrics.aip.requests.inc();
    let (parts, body) = request.into_parts();
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let early = match parts.headers.contains_key(AUTHORIZATION) {
        true => None,
        false => Some(unread.bytes(LONGEST_UNKNOWN).await.and_then(|bytes| Asked::read(&bytes))),
    };
    let token = early.as_ref().and_then(|early| early.as_ref().ok()?.token.as_ref());
    let shown = token.map(|token| with_token(&parts, token.expose()));
    let mut id = None;
    let ask = async || {
        let asked = match early {
            Some(early) => early?,
            None => Asked::read(&unread.bytes(usize::MAX).await?)?,
        };
        id.clone_from(&asked.id);
        Ok(Question { input_parse: started.elapsed(), ..asked.question() })
    };
    let document = edge.authorizer.in_force().settings.tool_calls.document.clone();
    let arrival = arrival(shown.as_ref().unwrap_or(&parts), PROTOCOL, Ok(document), started);
    match edge.authorizer.authorize(arrival, ask).await {
        Ok(authorized) => answer::decided(&authorized.decision, id.as_ref(), edge.authorizer.now()),
        Err(unrecorded) => answer::problem(&unrecorded.failure(), unrecorded.id),
    }
}

/// The request as if the token of its body stood where credentials do.
fn with_token(parts: &Parts, token: &str) -> Parts {
    let mut parts = parts.clone();
    let bearer = HeaderValue::try_from(format!("Bearer {token}"));
    // What is no header is no token either, and is refused like one.
    let mut bearer = bearer.unwrap_or_else(|_| HeaderValue::from_static("Bearer ?"));
    bearer.set_sensitive(true);
    parts.headers.insert(AUTHORIZATION, bearer);
    parts
}

/// `POST /v1/sessions`: the first token of a session, for a verified caller who may open it.
async fn open(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, body) = request.into_parts();
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let mut arrival = arrival(&parts, PROTOCOL, Ok(EntryPath::default()), started);
    arrival.context.operation = Some(format!("{} {}", parts.method, parts.uri.path()));
    let in_force = edge.authorizer.in_force();
    let ask = async |verified: &Verified| {
        let NewSession { policy } = NewSession::read(&unread.bytes(LONGEST_SESSION).await?)?;
        let policies = &in_force.settings.tool_calls.policies;
        let agent = verified.principal.agent.as_deref();
        let found = match &policy {
            Some(name) => policies.named(name),
            None => policies.of_caller(agent),
        };
        let unknown = || Failure::new(FailureKind::UnknownPath, "there is no such policy");
        in_force.authenticator.open_session(verified, found.ok_or_else(unknown)?)
    };
    let Attested { decision, asked } = match edge.authorizer.attest(arrival, ask).await {
        Ok(attested) => attested,
        Err(unrecorded) => return answer::problem(&unrecorded.failure(), unrecorded.id),
    };
    let mut response = match (asked, &decision.failure) {
        (Some(opened), _) => {
            let body: Json = json!({
                "token": opened.token.expose(), "token_type": "Bearer", "session_id": opened.session,
                "policy": opened.policy, "expires_at": opened.expires_at, "expires_in": opened.ttl.as_secs(),
            });
            json_value(StatusCode::CREATED, &body, false)
        }
        (None, Some(failure)) => answer::problem(failure, decision.id),
        (None, None) => answers::empty(StatusCode::INTERNAL_SERVER_ERROR),
    };
    answers::mark(&mut response, &decision);
    answer::unstored(&mut response);
    response
}
