//! Docker's authorization plugin: the daemon asks before it does what a client wants, and again before it gives away what came of it.
//!
//! INVARIANT (fail closed): only a decision that is an allow is answered with `Allow`.
//! INVARIANT (one meaning): what the client asked is read like every HTTP request that a gateway describes (`wire`); a path that can be
//! read in two ways is refused.
//! INVARIANT (asserted): the user is whom the daemon names; `pdp::input` has the rule who may say so.
//!
//! Reading order: [`config`] → this file → [`asked`].

mod asked;
mod config;

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value as Json, json};

use self::asked::input;
pub use self::config::{Config, Door};
use super::answer;
use super::body::Unread;
use super::context::arrival;
use super::edge::Edge;
use super::status::status;
use crate::authorize::Question;
use crate::model::decision::{Decision, Outcome};
use crate::model::failure::{Failure, FailureKind};
use verdict_rego::Value;

/// The name of this door in records.
const PROTOCOL: &str = "docker";
/// What plugins answer with.
const PLUGIN: HeaderValue = HeaderValue::from_static("application/vnd.docker.plugins.v1.1+json");
/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// What the plugin is.
    Activate,
    /// What a client asks of the daemon, before it is done; or what came of it, before it is told.
    Authorize,
}

/// Path, route, and the name under which its requests are counted.
pub(super) const PATHS: [(&str, Route, &str); 3] = [
    ("/Plugin.Activate", Route::Activate, "docker"),
    ("/AuthZPlugin.AuthZReq", Route::Authorize, "docker"),
    ("/AuthZPlugin.AuthZRes", Route::Authorize, "docker"),
];

/// Answers a request.
pub(super) async fn handle(edge: &Edge, route: Route, request: Request, started: Instant) -> Response {
    let Some(document) = edge.docker.document() else { return answer::empty(StatusCode::NOT_FOUND) };
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        let mut response = answer::empty(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    if route == Route::Activate {
        return told(StatusCode::OK, &json!({ "Implements": ["authz"] }));
    }
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let ask = async || {
        let body = unread.object().await?;
        let input = input(&body).map_err(|why| Failure::new(FailureKind::InvalidRequest, why))?;
        Ok(Question {
            input: Some(input),
            about: edge.docker.about().clone(),
            input_parse: started.elapsed(),
            ..Question::default()
        })
    };
    let arrival = arrival(&parts, PROTOCOL, Ok(document.clone()), started);
    match edge.authorizer.authorize(arrival, ask).await {
        Ok(authorized) => answered(&authorized.decision),
        Err(unrecorded) => {
            let mut response = failed(&unrecorded.failure(), true);
            answer::identify(&mut response, unrecorded.id, None);
            response
        }
    }
}

fn answered(decision: &Decision) -> Response {
    let mut response = match &decision.failure {
        Some(failure) => failed(failure, decision.is_refused()),
        None if decision.outcome == Outcome::Allow => told(StatusCode::OK, &json!({ "Allow": true })),
        None => {
            let said =
                decision.result.as_ref().and_then(|result| result.get("reason")).and_then(Value::as_str);
            let message = said.or(decision.reason.as_deref()).unwrap_or("the policy does not allow it");
            told(StatusCode::OK, &json!({ "Allow": false, "Msg": message }))
        }
    };
    answer::mark(&mut response, decision);
    response
}

/// What went wrong. The daemon takes an error and a status that is no success alike: it refuses its client.
fn failed(failure: &Failure, refused: bool) -> Response {
    let status = if refused { status(failure.kind) } else { StatusCode::OK };
    let mut response =
        told(status, &json!({ "Allow": false, "Msg": failure.message, "Err": failure.message }));
    answer::advise(&mut response, failure);
    response
}

fn told(status: StatusCode, body: &Json) -> Response {
    let mut response = answer::json_value(status, body, false);
    response.headers_mut().insert(CONTENT_TYPE, PLUGIN);
    response
}
