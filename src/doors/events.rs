//! Where issuers send their security events (RFC 8935).
//!
//! INVARIANT (a secret first): a body is read once the bearer token is that of a stream.
//! INVARIANT (recorded before it is done): the record says that an event came, and whether it was taken up; what it changed is in the
//! registry's audit log.
//! INVARIANT (acknowledged is in force): 202 is answered after the event is stored and in force, and at no other time.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::json;

use super::answer;
use super::body::Unread;
use super::context::arrival;
use super::edge::Edge;
use crate::authorize::in_force::InForce;
use crate::authorize::{Administered, Entrance};
use crate::events::stream::LONGEST_EVENT;
use crate::events::{Judged, Refused, Stream};
use crate::listen::Peer;
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::AuthContext;
use crate::model::request::EntryPath;

/// The path.
pub(super) const PATH: &str = "/v1/events";
/// The name of this door in records.
const PROTOCOL: &str = "events";
/// The media type of an event (RFC 8417 section 2.3).
const MEDIA_TYPE: &str = "application/secevent+jwt";

/// Answers a request.
pub(super) async fn handle(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, body) = request.into_parts();
    let unread = Unread::new(&parts.headers, body, edge.limits);
    let mut response = match parts.method {
        Method::POST => receive(edge, &parts, unread, started).await,
        _ => {
            let mut response = answer::empty(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            response
        }
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn receive(edge: &Edge, parts: &Parts, mut unread: Unread<'_>, started: Instant) -> Response {
    let (stream, refused) = (OnceLock::new(), OnceLock::new());
    let admit = |_: &AuthContext, in_force: &InForce| {
        let admitted = admit(edge, parts, in_force)?;
        Ok(stream.get_or_init(|| admitted).issuer().to_owned())
    };
    let ask = async || {
        let Some(stream) = stream.get() else {
            return Err(Failure::new(FailureKind::Internal, "there is no stream"));
        };
        let judged = match read(&parts.headers, &mut unread).await? {
            Ok(text) => stream.judge(&text).await,
            Err(refused) => Err(refused),
        };
        judged.map_err(|why| {
            let failure = failure_of(&why);
            let _ = refused.set(why);
            failure
        })
    };
    let mut arrival = arrival(parts, PROTOCOL, Ok(EntryPath::default()), started);
    arrival.context.operation = Some(format!("{} {PATH}", parts.method));
    let administered = edge.authorizer.administer(arrival, Entrance::Stream, admit, ask).await;
    let Administered { decision, attempt } = match administered {
        Ok(administered) => administered,
        Err(unrecorded) => return problem(None, &unrecorded.failure()),
    };
    let mut response = match (attempt, &decision.failure, stream.get()) {
        (Some((_, judged)), _, Some(stream)) => apply(stream, judged).await,
        (None, Some(failure), _) => problem(code_of(refused.get(), failure), failure),
        _ => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
    };
    answer::identify(&mut response, decision.id, decision.context.request_id.as_deref());
    response
}

/// The stream whose bearer token comes with the request.
fn admit(edge: &Edge, parts: &Parts, in_force: &InForce) -> Result<Arc<Stream>, Failure> {
    let now = edge.authorizer.now();
    let peer = parts.extensions.get::<Peer>().and_then(|peer| peer.address()).map(|address| address.ip());
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let bearer = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().and_then(bearer),
        (None, _) => return Err(Failure::new(FailureKind::CredentialMissing, "a bearer token is required")),
        _ => None,
    };
    let found = bearer.and_then(|token| edge.events.recognise(token, now));
    let (right, recent) = (found.is_some(), found.as_ref().is_some_and(|found| found.recent));
    in_force.authenticator.judge_secret(peer, right, recent)?;
    let found = found.ok_or_else(|| Failure::new(FailureKind::Internal, "there is no stream"))?;
    edge.events.passed(&found.stream, now);
    Ok(found.stream)
}

/// The token of `Bearer <token>` (RFC 6750 section 2.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The text of the event, where the body is one.
async fn read(headers: &HeaderMap, unread: &mut Unread<'_>) -> Result<Result<String, Refused>, Failure> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case(MEDIA_TYPE) {
        return Ok(Err(Refused::invalid("the body is to be `application/secevent+jwt`")));
    }
    let bytes = unread.bytes(LONGEST_EVENT).await?;
    let text = std::str::from_utf8(&bytes).map(|text| text.trim_end().to_owned());
    Ok(text.map_err(|_| Refused::invalid("the event is not a text")))
}

async fn apply(stream: &Stream, judged: Judged) -> Response {
    match stream.apply(judged).await {
        Ok(_) => answer::empty(StatusCode::ACCEPTED),
        Err(refused) => problem(refused.code(), &failure_of(&refused)),
    }
}

fn failure_of(refused: &Refused) -> Failure {
    let kind = match refused {
        Refused::Unavailable(_) => FailureKind::VerifierUnavailable,
        _ => FailureKind::InvalidRequest,
    };
    Failure::new(kind, refused.to_string())
}

/// The code of RFC 8935 section 2.4; none where the status says all there is to say.
fn code_of(refused: Option<&Refused>, failure: &Failure) -> Option<&'static str> {
    match (refused, failure.kind) {
        (Some(refused), _) => refused.code(),
        (None, FailureKind::CredentialMissing | FailureKind::CredentialInvalid) => {
            Some("authentication_failed")
        }
        (None, FailureKind::InvalidRequest | FailureKind::TooLarge) => Some("invalid_request"),
        _ => None,
    }
}

fn problem(code: Option<&'static str>, failure: &Failure) -> Response {
    let status = match (code, failure.kind) {
        (_, FailureKind::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        // All errors with a code (RFC 8935 section 2.3).
        (Some(_), _) => StatusCode::BAD_REQUEST,
        (None, kind) => super::status::status(kind),
    };
    let err = code.unwrap_or(failure.kind.name());
    let mut response =
        answer::json_value(status, &json!({ "err": err, "description": failure.message }), false);
    answer::advise(&mut response, failure);
    response.headers_mut().insert(CONTENT_LANGUAGE, HeaderValue::from_static("en"));
    response
}
