//! What gateways are told: a status that each of them understands, and headers.

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::asked::Route;
use crate::decision_log::Unrecorded;
use crate::doors::answer as answers;
use crate::doors::edge::Edge;
use crate::doors::status::{opa_code, status};
use crate::doors::verdict::Effects;
use crate::doors::wire::Canonical;
use crate::model::decision::{Decision, Recorded};
use crate::model::failure::Failure;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const EMPTY: HeaderValue = HeaderValue::from_static("");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The answer to a described request.
pub(super) fn of(
    edge: &Edge,
    route: Route,
    canonical: Option<&Canonical>,
    decided: Result<Recorded<Decision>, Unrecorded>,
) -> Response {
    let decision = match decided {
        Ok(decision) => decision,
        Err(unrecorded) => {
            let mut response = problem(&unrecorded.failure(), &unrecorded.id.to_string());
            answers::identify(&mut response, unrecorded.id, None);
            return fit(route, response);
        }
    };
    let effects = Effects::of(&decision, &edge.routes);
    let mut response = if effects.allowed {
        allowed(edge, canonical, effects)
    } else {
        match &decision.failure {
            Some(failure) => problem(failure, &decision.id.to_string()),
            None => denied(effects, &decision),
        }
    };
    answers::mark(&mut response, &decision);
    if response.status() != StatusCode::OK {
        answers::step_up(&mut response, edge, &decision);
    }
    fit(route, response)
}

/// 200, and what the service behind is to be told: who is calling, and nothing that the client says about that.
fn allowed(edge: &Edge, canonical: Option<&Canonical>, effects: Effects) -> Response {
    let mut response = answers::empty(StatusCode::OK);
    let headers = response.headers_mut();
    // Gateways copy these over the client's own; a value that is missing would leave those in place.
    for name in canonical.iter().flat_map(|canonical| canonical.claims(&edge.routes)) {
        headers.insert(name.clone(), EMPTY);
    }
    for name in effects.request_headers_to_remove {
        headers.insert(name, EMPTY);
    }
    for (name, value) in effects.identity {
        headers.insert(name, value);
    }
    set(headers, effects.headers);
    set(headers, effects.response_headers_to_add);
    response
}

/// What policy says to the client, word for word.
fn denied(effects: Effects, decision: &Decision) -> Response {
    let status = effects.status.unwrap_or(StatusCode::FORBIDDEN);
    let mut response = match effects.body {
        Some(body) => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            response.headers_mut().insert(CONTENT_TYPE, TEXT);
            response
        }
        None => {
            let message = effects.reason.as_deref().unwrap_or("the request is denied");
            let body = json!({ "code": opa_code(status), "message": message, "decision_id": decision.id });
            answers::json_value(status, &body, false)
        }
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, NO_STORE);
    set(headers, effects.headers);
    response
}

/// Puts headers in place of those that are there.
fn set(headers: &mut http::HeaderMap, values: Vec<(http::HeaderName, HeaderValue)>) {
    for (name, _) in &values {
        headers.remove(name);
    }
    for (name, value) in values {
        headers.append(name, value);
    }
}

/// Why there was no decision. What failed within is for the record: clients see this answer.
fn problem(failure: &Failure, decision_id: &str) -> Response {
    let status = status(failure.kind);
    let message = match status.is_server_error() {
        true => "the request could not be decided",
        false => failure.message.as_str(),
    };
    let body = json!({ "code": opa_code(status), "message": message, "decision_id": decision_id });
    let mut response = answers::json_value(status, &body, false);
    answers::advise(&mut response, failure);
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

/// What a gateway does not know for a denial becomes one that it knows.
fn fit(route: Route, mut response: Response) -> Response {
    let status = response.status();
    let fitting = match (route, status) {
        (_, StatusCode::OK) => status,
        (Route::Nginx, StatusCode::UNAUTHORIZED) => status,
        (Route::Nginx | Route::Oathkeeper, status) if !status.is_server_error() => StatusCode::FORBIDDEN,
        _ => status,
    };
    *response.status_mut() = fitting;
    response
}
