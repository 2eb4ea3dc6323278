//! Answers in AuthZEN's shapes: a decision with the context that policy gives it, and errors as a text.

use std::fmt::Write;
use std::time::Instant;

use axum::response::Response;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use crate::authorize::AuthorizedBatch;
use crate::decision_log::Unrecorded;
use crate::doors::answer::{self, json_value};
use crate::doors::edge::Edge;
use crate::doors::status::status;
use crate::model::decision::{Decision, Outcome};
use crate::model::failure::Failure;

/// How long the server took (W3C Server Timing).
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The answer to one evaluation.
pub(super) fn single(decision: &Decision) -> Response {
    let mut response = match &decision.failure {
        Some(failure) => problem(failure),
        None => {
            let mut body = String::with_capacity(64);
            write_decision(&mut body, decision);
            answer::json_text(StatusCode::OK, body)
        }
    };
    answer::mark(&mut response, decision);
    let timings = &decision.timings;
    let text = format!("eval;dur={}, total;dur={}", millis(timings.eval), millis(timings.total));
    time(&mut response, text);
    response
}

/// The answers to a batch, as far as it went, in the order of its items.
pub(super) fn several(
    edge: &Edge,
    headers: &HeaderMap,
    batch: &AuthorizedBatch,
    started: Instant,
) -> Response {
    let mut body = String::with_capacity(32 + 20 * batch.answers.len());
    body.push_str("{\"evaluations\":[");
    for (n, (_, answer)) in batch.answers.iter().enumerate() {
        if n > 0 {
            body.push(',');
        }
        match answer {
            Ok(decision) => match &decision.failure {
                Some(failure) => write_failure(&mut body, failure),
                None => write_decision(&mut body, decision),
            },
            Err(unrecorded) => write_failure(&mut body, &unrecorded.failure()),
        }
    }
    body.push_str("]}");
    whole(edge, headers, batch, body, started)
}

/// An answer that several decisions make.
pub(super) fn whole(
    edge: &Edge,
    headers: &HeaderMap,
    batch: &AuthorizedBatch,
    body: String,
    started: Instant,
) -> Response {
    let gzip = answer::accepts_gzip(headers);
    let mut response = answer::negotiated(StatusCode::OK, body, gzip, edge.gzip_min_size);
    answer::identify(&mut response, batch.id, None);
    answer::limit(&mut response, batch.rate.as_ref());
    time(&mut response, format!("total;dur={}", millis(started.elapsed())));
    response
}

/// `{"decision", "context"?}`; `context` is what the policy's result has under this name.
fn write_decision(body: &mut String, decision: &Decision) {
    // Writing to a String cannot fail.
    let _ = write!(body, "{{\"decision\":{}", decision.outcome == Outcome::Allow);
    let context = decision.result.as_ref().and_then(|result| result.get("context"));
    if let Some(context) = context.filter(|context| context.is_object()) {
        body.push_str(",\"context\":");
        verdict_rego::json::write(context, body);
    }
    body.push('}');
}

/// An item that failed is denied, and says why.
fn write_failure(body: &mut String, failure: &Failure) {
    let error = json!({ "status": status(failure.kind).as_u16(), "message": failure.message });
    let _ = write!(body, "{{\"decision\":false,\"context\":{{\"error\":{error}}}}}");
}

/// An error: its message, as a text of JSON.
pub(super) fn problem(failure: &Failure) -> Response {
    let mut response = json_value(status(failure.kind), &failure.message, false);
    answer::advise(&mut response, failure);
    response
}

/// The answer where there is no record, and so no decision.
pub(super) fn unrecorded(unrecorded: &Unrecorded) -> Response {
    let mut response = problem(&unrecorded.failure());
    response.headers_mut().insert(answer::OUTCOME, HeaderValue::from_static("error"));
    answer::identify(&mut response, unrecorded.id, None);
    response
}

fn time(response: &mut Response, text: String) {
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().insert(SERVER_TIMING, value);
    }
}

fn millis(duration: std::time::Duration) -> f64 {
    // To the microsecond.
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
