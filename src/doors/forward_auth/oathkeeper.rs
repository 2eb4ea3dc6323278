//! Ory Oathkeeper's `remote_json`: the payload is the input, and the status of the answer is all that counts: 200 or 403.

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::{Method, StatusCode};
use verdict_rego::Value;

use super::answer;
use super::asked::Route;
use super::trusted::invalid;
use crate::authorize::Question;
use crate::doors::answer as answers;
use crate::doors::body::{Bare, Unread};
use crate::doors::context::arrival;
use crate::doors::edge::Edge;
use crate::doors::verdict;

/// Answers a request. Its payload asserts; only the credential that Oathkeeper passes on is verified.
pub(super) async fn handle(edge: &Edge, request: Request, started: Instant) -> Response {
    if *request.method() != Method::POST {
        return answers::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let (parts, body) = request.into_parts();
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let ask = async || {
        let Bare(payload) = unread.parse().await?;
        let payload =
            payload.ok_or_else(|| invalid("there is no payload: set `payload` of `remote_json`"))?;
        Ok(Question {
            input: Some(input(payload)),
            form: Some(verdict::form),
            input_parse: started.elapsed(),
            ..Question::default()
        })
    };
    let route = Route::Oathkeeper;
    let arrival = arrival(&parts, route.protocol(), Ok(edge.forward_auth.document.clone()), started);
    let decided = edge.authorizer.authorize(arrival, ask).await;
    answer::of(edge, route, None, decided.map(|authorized| authorized.decision))
}

/// The payload, or what stands in it as OPA has it: `{"input": …}`.
fn input(payload: Value) -> Value {
    let mut members = payload.members();
    let wrapped = match (members.next(), members.next()) {
        (Some(("input", input)), None) => Some(input.clone()),
        _ => None,
    };
    drop(members);
    wrapped.unwrap_or(payload)
}
