//! What is refused whatever it asks, before anything but its head is looked at: what is no request as HTTP has them, and
//! pages of other origins where identity is off.

use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use super::context::request_context;
use super::edge::Edge;
use super::opa::refuse;
use crate::listen::{Malformed, Peer};
use crate::model::failure::{Failure, FailureKind};
use crate::model::request::EntryPath;

/// What the server can do at all.
pub(super) const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// Refuses a request if it must be, and records it. `asked` is the document that it asks for, or why its target names none;
/// nothing where it asks for nothing that identity guards.
///
/// # Errors
/// The answer.
pub(super) async fn check(
    edge: &Edge,
    asked: Option<Result<EntryPath, String>>,
    request: Request,
    started: Instant,
) -> Result<Request, Response> {
    if let Some(malformed) = request.extensions().get::<Malformed>().copied() {
        let failure = Failure::new(FailureKind::InvalidRequest, malformed.reason);
        let mut response = answer(edge, &request.into_parts().0, failure, started).await;
        // Without a record the answer is 503, whatever was wrong.
        if response.status() == StatusCode::BAD_REQUEST {
            *response.status_mut() = malformed.status;
        }
        if malformed.status == StatusCode::METHOD_NOT_ALLOWED {
            // As OPA does; what the server takes is in the head.
            *response.body_mut() = Body::empty();
            response.headers_mut().remove(CONTENT_TYPE);
            response.headers_mut().insert(ALLOW, METHODS);
        }
        return Err(response);
    }
    if !asked.is_some_and(|asked| is_open(edge, asked)) {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    match edge.origins.check(&parts) {
        Ok(()) => Ok(Request::from_parts(parts, body)),
        Err(failure) => Err(answer(edge, &parts, failure, started).await),
    }
}

/// Whether what is asked for is given to anybody.
fn is_open(edge: &Edge, asked: Result<EntryPath, String>) -> bool {
    let authenticator = &edge.authorizer.in_force().authenticator;
    // What is no path is refused later on; until then it is as open as anything here.
    authenticator.is_open_for_some() && asked.map_or(true, |path| authenticator.mode_for(&path).is_open())
}

async fn answer(edge: &Edge, parts: &Parts, failure: Failure, started: Instant) -> Response {
    let context = request_context(&parts.headers, parts.extensions.get::<Peer>().copied(), "opa");
    refuse(edge, None, failure, context, started).await
}
