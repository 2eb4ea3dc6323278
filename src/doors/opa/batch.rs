//! `POST /v1/batch/data/{path}`: many inputs, one document, one snapshot.

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::render::{explanation_denied, shown_failure};
use super::{BATCH, failure, question, refused, target};
use crate::authorize::{Answered, AuthorizedBatch, Batch, BatchRefused};
use crate::doors::answer;
use crate::doors::body::{BatchEnvelope, Unread};
use crate::doors::edge::Edge;
use crate::doors::params::Params;
use crate::model::decision::Decision;
use crate::model::failure::{Failure, FailureKind};

/// Answers 200 when every item has an answer, 500 when none has, 207 in between; an item that failed carries its own
/// `http_status_code`, as text.
pub async fn batch(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, request_body) = request.into_parts();
    if parts.method != Method::POST {
        return answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let (arrival, params, well_formed) = target(&parts, BATCH, started);
    let request_id = arrival.context.request_id.clone();
    let mut unread = Unread::new(&parts.headers, request_body, edge.limits);
    let ask = async || {
        well_formed?;
        let BatchEnvelope { inputs, common_input } = unread.parse().await?;
        if inputs.is_empty() {
            return Err(Failure::new(FailureKind::InvalidRequest, "`inputs` is missing or empty"));
        }
        let inputs = inputs.into_iter().map(|(name, input)| (name, Ok(input))).collect();
        let question = question(&params, None, started);
        Ok(Batch { inputs, common: common_input, question, ..Batch::default() })
    };
    match edge.authorizer.authorize_batch(arrival, ask).await {
        Ok(batch) => answered(edge, &parts, &params, &batch, request_id.as_deref()),
        Err(BatchRefused::Refused(decision)) => refused(&decision),
        Err(BatchRefused::Unrecorded(unrecorded)) => failure::unrecorded(unrecorded),
    }
}

fn answered(
    edge: &Edge,
    parts: &Parts,
    params: &Params,
    batch: &AuthorizedBatch,
    request_id: Option<&str>,
) -> Response {
    let AuthorizedBatch { id, answers, explanation_denied: denied, rate } = batch;
    // A record's explanation is not the caller's.
    let shown = Shown { strict: params.strict_builtin_errors, explanation: params.explain && !denied };
    let (status, responses) = responses(answers, shown);
    let mut body = json!({ "batch_decision_id": id, "responses": responses });
    if let Some(members) = body.as_object_mut().filter(|_| *denied) {
        members.insert("warning".to_owned(), explanation_denied());
    }
    let text = body.to_string();
    let text = if params.pretty { answer::indent(&text) } else { text };
    let gzip = answer::accepts_gzip(&parts.headers);
    let mut response = answer::negotiated(status, text, gzip, edge.gzip_min_size);
    answer::identify(&mut response, *id, request_id);
    answer::limit(&mut response, rate.as_ref());
    let failure = answers.iter().find_map(|(_, answer)| match answer {
        Ok(decision) => decision.failure.clone(),
        Err(unrecorded) => Some(unrecorded.failure()),
    });
    if let Some(failure) = failure {
        answer::advise(&mut response, &failure);
    }
    response
}

/// What is shown of a decision.
#[derive(Clone, Copy)]
struct Shown {
    /// A built-in's error, as a failure of the item.
    strict: bool,
    explanation: bool,
}

fn responses(answers: &[Answered], shown: Shown) -> (StatusCode, Map<String, Value>) {
    let items: Vec<(&String, StatusCode, Value)> = answers
        .iter()
        .map(|(name, answer)| {
            let (status, item) = match answer {
                Ok(decision) => item(decision, shown),
                Err(unrecorded) => failed(&unrecorded.failure(), unrecorded.id),
            };
            (name, status, item)
        })
        .collect();
    let succeeded = items.iter().filter(|(_, status, _)| status.is_success()).count();
    let status = match succeeded {
        0 => shared_status(&items),
        some if some == items.len() => StatusCode::OK,
        _ => StatusCode::MULTI_STATUS,
    };
    let mixed = status == StatusCode::MULTI_STATUS;
    let responses = items.into_iter().map(|(name, status, mut item)| {
        if let Some(members) = item.as_object_mut().filter(|_| mixed || !status.is_success()) {
            members.insert("http_status_code".to_owned(), json!(status.as_str()));
        }
        (name.clone(), item)
    });
    (status, responses.collect())
}

/// Where nothing has an answer: the status that all items share (401, 503), else 500.
fn shared_status(items: &[(&String, StatusCode, Value)]) -> StatusCode {
    let mut statuses = items.iter().map(|(_, status, _)| *status);
    let first = statuses.next().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if statuses.all(|status| status == first) { first } else { StatusCode::INTERNAL_SERVER_ERROR }
}

fn item(decision: &Decision, shown: Shown) -> (StatusCode, Value) {
    if let Some(failure) = shown_failure(decision, shown.strict) {
        return failed(failure, decision.id);
    }
    let mut item = json!({ "decision_id": decision.id, "outcome": decision.outcome });
    if let (Some(members), Some(result)) = (item.as_object_mut(), &decision.result) {
        members.insert("result".to_owned(), json!(result));
    }
    let explanation = decision.explanation.as_ref().filter(|_| shown.explanation);
    if let (Some(members), Some(explanation)) = (item.as_object_mut(), explanation) {
        members.insert("explanation".to_owned(), json!(explanation));
    }
    (StatusCode::OK, item)
}

fn failed(failed: &Failure, id: uuid::Uuid) -> (StatusCode, Value) {
    let (status, code) = failure::status_and_code(failed.kind);
    let errors = failed.policy.iter().collect::<Vec<_>>();
    (status, json!({ "decision_id": id, "code": code, "message": failed.message, "errors": errors }))
}
