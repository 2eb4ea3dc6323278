//! The webhooks of a Kubernetes API server: who may do what (SubjectAccessReview), and what is admitted (AdmissionReview).
//!
//! INVARIANT (asserted): the user of a review is what the API server says; as with AuthZEN, `pdp::input` has the rule who may say so.
//! INVARIANT (fail closed): what is not an allow is no allow, whatever went wrong. Who may not ask at all gets an HTTP status, which
//! makes the API server fall back on its `failurePolicy`.
//!
//! Reading order: [`config`] → this file → [`review`] → [`access`] → [`admission`].

mod access;
mod admission;
mod config;
mod review;
#[cfg(test)]
mod tests;

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

pub(in crate::doors) use self::config::Route;
pub use self::config::{Config, Door};
use self::review::Review;
use super::answer::{self, json_value};
use super::body::Unread;
use super::context::arrival;
use super::edge::Edge;
use super::status::status;
use crate::authorize::Question;
use crate::model::decision::Decision;
use crate::model::failure::{Failure, FailureKind};

/// The name of this door in records.
const PROTOCOL: &str = "kubernetes";

/// Path, route, and the name under which its requests are counted.
pub(super) const PATHS: [(&str, Route, &str); 2] = [
    ("/kubernetes/authorize", Route::Authorize, "kubernetes/authorize"),
    ("/kubernetes/admit", Route::Admit, "kubernetes/admit"),
];

/// Answers a request.
pub(super) async fn handle(edge: &Edge, route: Route, request: Request, started: Instant) -> Response {
    let Some(webhook) = edge.kubernetes.webhook(route) else { return answer::empty(StatusCode::NOT_FOUND) };
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        let mut response = answer::empty(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let mut asked = None;
    let ask = async || {
        let body = unread.object().await?;
        let review = match route {
            Route::Authorize => access::review(body),
            Route::Admit => admission::review(body),
        };
        let Review { input, version, uid } =
            review.map_err(|why| Failure::new(FailureKind::InvalidRequest, why))?;
        asked = Some((version, uid));
        Ok(Question {
            input: Some(input),
            about: edge.kubernetes.about().clone(),
            form: Some(webhook.form),
            input_parse: started.elapsed(),
            ..Question::default()
        })
    };
    let arrival = arrival(&parts, PROTOCOL, Ok(webhook.document.clone()), started);
    match (edge.authorizer.authorize(arrival, ask).await, asked) {
        (Ok(authorized), Some((version, uid))) if !authorized.decision.is_refused() => {
            let decision = &*authorized.decision;
            let body = match route {
                Route::Authorize => access::answer(&version, decision),
                Route::Admit => admission::answer(&version, &uid, decision),
            };
            let mut response = json_value(StatusCode::OK, &body, false);
            answer::mark(&mut response, decision);
            response
        }
        (Ok(authorized), _) => refused(&authorized.decision),
        (Err(unrecorded), _) => {
            let mut response = problem(&unrecorded.failure());
            answer::identify(&mut response, unrecorded.id, None);
            response
        }
    }
}

fn refused(decision: &Decision) -> Response {
    let internal = || Failure::new(FailureKind::Internal, "refused without a reason");
    let mut response = problem(&decision.failure.clone().unwrap_or_else(internal));
    answer::mark(&mut response, decision);
    response
}

/// An error as clients of Kubernetes know it: an object of the kind `Status`.
fn problem(failure: &Failure) -> Response {
    let code = status(failure.kind);
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": failure.message, "code": code.as_u16(),
    });
    let mut response = json_value(code, &body, false);
    answer::advise(&mut response, failure);
    response
}
