//! The door of AuthZEN's Authorization API 1.0: evaluations, searches, and the metadata that describe them.
//!
//! INVARIANT (asserted): the subject of a body is what the PEP says. Whether the caller may ask about it is decided where the input is
//! assembled (`pdp::input`), nowhere here.
//! INVARIANT (same question, same body): nothing that differs between two answers to one question is in a body. Ids and timings are in
//! headers.
//! INVARIANT (whole entities): what a body says of subject, action or resource besides the members that the standard knows is ignored.
//!
//! Deliberately absent: signed metadata; candidates of searches, which a document of the policy lists.
//!
//! Reading order: [`config`] → [`door`] → this file → [`asked`] → [`answer`] → [`search`] → [`page`] → [`metadata`].

mod answer;
mod asked;
mod config;
mod door;
mod metadata;
mod page;
mod search;

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::header::{ALLOW, CACHE_CONTROL};
use http::{HeaderValue, Method, StatusCode};

use self::asked::Asked;
pub use self::config::{Config, SearchConfig};
pub use self::door::Door;
use self::door::PROTOCOL;
use self::metadata::Metadata;
use super::answer as answers;
use super::body::Unread;
use super::context::arrival;
use super::edge::Edge;
use crate::authorize::{Batch, BatchRefused};

/// How long metadata may be kept: no longer than a change of the configuration should take to be known.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Evaluation,
    Evaluations,
    Search(search::Kind),
    Metadata,
}

/// Path, route, and the name under which its requests are counted.
pub(super) const PATHS: [(&str, Route, &str); 7] = [
    ("/access/v1/evaluation", Route::Evaluation, "access/v1/evaluation"),
    ("/access/v1/evaluations", Route::Evaluations, "access/v1/evaluations"),
    ("/access/v1/search/subject", Route::Search(search::Kind::Subject), "access/v1/search"),
    ("/access/v1/search/resource", Route::Search(search::Kind::Resource), "access/v1/search"),
    ("/access/v1/search/action", Route::Search(search::Kind::Action), "access/v1/search"),
    (metadata::PATH, Route::Metadata, "authzen-configuration"),
    (metadata::BELOW, Route::Metadata, "authzen-configuration"),
];

/// Answers a request. Whatever the answer is, it has the request's id.
pub(super) async fn handle(edge: &Edge, route: Route, request: Request, started: Instant) -> Response {
    let id = request.headers().get(answers::REQUEST_ID).cloned();
    let wanted = if route == Route::Metadata { Method::GET } else { Method::POST };
    let head = route == Route::Metadata && *request.method() == Method::HEAD;
    let mut response = match route {
        _ if *request.method() != wanted && !head => {
            let mut response = answers::empty(StatusCode::METHOD_NOT_ALLOWED);
            let allowed = if route == Route::Metadata { "GET, HEAD" } else { "POST" };
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
            response
        }
        Route::Evaluation => evaluation(edge, request, started).await,
        Route::Evaluations => evaluations(edge, request, started).await,
        Route::Search(kind) => search::handle(edge, kind, request, started).await,
        Route::Metadata => described(edge.authzen.metadata(), request.uri().path()),
    };
    if let Some(id) = id {
        response.headers_mut().insert(answers::REQUEST_ID, id);
    }
    response
}

/// `POST /access/v1/evaluation`.
async fn evaluation(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, body) = request.into_parts();
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let ask = async || {
        let body = asked::read(&parts.headers, &mut unread).await?;
        let input = Asked::of(&body).and_then(|asked| asked.whole()).map_err(asked::invalid)?;
        Ok(edge.authzen.question(Some(input), started))
    };
    let arrival = arrival(&parts, PROTOCOL, Ok(edge.authzen.document().clone()), started);
    match edge.authorizer.authorize(arrival, ask).await {
        Ok(authorized) => answer::single(&authorized.decision),
        Err(unrecorded) => answer::unrecorded(&unrecorded),
    }
}

/// `POST /access/v1/evaluations`: a batch, or one evaluation where it lists none.
async fn evaluations(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, body) = request.into_parts();
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let mut single = false;
    let ask = async || {
        let body = asked::read(&parts.headers, &mut unread).await?;
        let (inputs, until) =
            match asked::batch(&body, edge.authzen.merges_defaults()).map_err(asked::invalid)? {
                Some(batch) => batch,
                None => {
                    single = true;
                    let input = Asked::of(&body).and_then(|asked| asked.whole()).map_err(asked::invalid)?;
                    (vec![(String::new(), Ok(input))], Default::default())
                }
            };
        Ok(Batch { inputs, until, common: None, question: edge.authzen.question(None, started) })
    };
    let arrival = arrival(&parts, PROTOCOL, Ok(edge.authzen.document().clone()), started);
    match edge.authorizer.authorize_batch(arrival, ask).await {
        Ok(batch) => match batch.answers.as_slice() {
            [(_, Ok(decision))] if single => answer::single(decision),
            [(_, Err(unrecorded))] if single => answer::unrecorded(unrecorded),
            _ => answer::several(edge, &parts.headers, &batch, started),
        },
        Err(BatchRefused::Refused(decision)) => answer::single(&decision),
        Err(BatchRefused::Unrecorded(unrecorded)) => answer::unrecorded(&unrecorded),
    }
}

/// The metadata, where the path is theirs.
fn described(metadata: Option<&Metadata>, path: &str) -> Response {
    let missing = |why: &str| answers::json_value(StatusCode::NOT_FOUND, &why, false);
    match metadata {
        None => missing("the server does not know its own address (`doors.authzen.public_url`)"),
        Some(metadata) if metadata.stands_at(path) => {
            let mut response = answers::json_text(StatusCode::OK, metadata.document.clone());
            response.headers_mut().insert(CACHE_CONTROL, KEPT);
            response
        }
        Some(_) => missing("there is no policy decision point of this path"),
    }
}
