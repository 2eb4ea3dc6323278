//! From a recorded decision to what Envoy is told.
//!
//! INVARIANT (nothing inside out): what a client is shown is a status, what it can do about it, the decision's id, and what policy
//! says to it. Why a decision could not be had is for the operator: it is in the record, and in the dynamic metadata.

use axum::body::Body;
use axum::response::Response;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{
    HeaderValue as ProtoHeader, HeaderValueOption, QueryParameter,
};
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckResponse, DeniedHttpResponse, OkHttpResponse};
use envoy_types::pb::envoy::r#type::v3::{HttpStatus, StatusCode as EnvoyStatus};
use envoy_types::pb::google::protobuf::{BoolValue, Struct};
use envoy_types::pb::google::rpc::Status as ProtoStatus;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;
use tonic::{Code, Status};
use verdict_rego::Value;

use super::protojson;
use crate::decision_log::Unrecorded;
use crate::doors::edge::Edge;
use crate::doors::status::{opa_code, status};
use crate::doors::verdict::Effects;
use crate::doors::wire::Canonical;
use crate::doors::{answer, grpc};
use crate::model::decision::{Decision, Recorded};

/// Which headers Envoy's HTTP service is to take from a request.
const TO_REMOVE: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The answer to `Check`. `canonical` is the request, as far as it could be read.
pub(super) fn to_check(
    edge: &Edge,
    decision: &Recorded<Decision>,
    canonical: Option<&Canonical>,
) -> Response {
    let effects = Effects::of(decision, &edge.routes);
    let (code, http) = match effects.allowed {
        true => (Code::Ok, HttpResponse::OkResponse(allowed(edge, decision, canonical, &effects))),
        false => (Code::PermissionDenied, HttpResponse::DeniedResponse(denied(edge, decision, &effects))),
    };
    grpc::answered(&CheckResponse {
        status: Some(ProtoStatus { code: code.into(), ..ProtoStatus::default() }),
        dynamic_metadata: Some(metadata(decision, &effects)),
        http_response: Some(http),
    })
}

/// The answer of the HTTP service.
pub(super) fn to_http(edge: &Edge, decision: &Recorded<Decision>, canonical: Option<&Canonical>) -> Response {
    let effects = Effects::of(decision, &edge.routes);
    if !effects.allowed {
        let (mut response, body) = refusal(edge, decision, &effects);
        *response.body_mut() = Body::from(body);
        return response;
    }
    let mut response = answer::empty(StatusCode::OK);
    let (set, removed) = upstream(edge, canonical, &effects);
    let to_client = effects.response_headers_to_add.iter().cloned();
    for (name, value) in set.into_iter().chain(to_client) {
        response.headers_mut().append(name, value);
    }
    let removed: Vec<&str> = removed.iter().map(HeaderName::as_str).collect();
    if let Some(names) = HeaderValue::try_from(removed.join(",")).ok().filter(|names| !names.is_empty()) {
        response.headers_mut().insert(TO_REMOVE, names);
    }
    answer::mark(&mut response, decision);
    response
}

/// There is no record, and so no decision: Envoy does what it is configured to do without one.
pub(super) fn unrecorded(unrecorded: &Unrecorded) -> Response {
    let failure = unrecorded.failure();
    let mut response = grpc::failed(Status::unavailable(failure.message));
    answer::identify(&mut response, unrecorded.id, None);
    response
}

/// The same over HTTP.
pub(super) fn unrecorded_over_http(unrecorded: &Unrecorded) -> Response {
    let failure = unrecorded.failure();
    let mut response = answer::problem((status(failure.kind), failure.kind.name()), &failure, None);
    answer::identify(&mut response, unrecorded.id, None);
    response
}

/// What the service behind gets: headers, one by one, and those that it does not get. What is set counts: Envoy removes last.
fn upstream(
    edge: &Edge,
    canonical: Option<&Canonical>,
    effects: &Effects,
) -> (Vec<(HeaderName, HeaderValue)>, Vec<HeaderName>) {
    let told = effects
        .identity
        .iter()
        .filter(|(name, value)| !value.is_empty() && !effects.headers.iter().any(|(other, _)| other == name));
    let set: Vec<_> = told.chain(&effects.headers).cloned().collect();
    let claims = canonical.into_iter().flat_map(|canonical| canonical.claims(&edge.routes));
    let mut removed: Vec<_> = claims.chain(effects.identity.iter().map(|(name, _)| name)).cloned().collect();
    removed.retain(|name| !set.iter().any(|(other, _)| other == name));
    removed.extend(effects.request_headers_to_remove.iter().cloned());
    removed.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    removed.dedup();
    (set, removed)
}

fn allowed(
    edge: &Edge,
    decision: &Decision,
    canonical: Option<&Canonical>,
    effects: &Effects,
) -> OkHttpResponse {
    let (mut set, removed) = upstream(edge, canonical, effects);
    let mut marked = answer::empty(StatusCode::OK);
    mark(&mut marked, decision);
    // Whose request it was is for the log of the service behind; the rest is for the client.
    set.extend(marked.headers_mut().remove(answer::DECISION_ID).map(|id| (answer::DECISION_ID, id)));
    let to_client = effects.response_headers_to_add.iter().map(|(name, value)| (name, value));
    let to_client =
        to_client.map(|(name, value)| option(name, value, HeaderAppendAction::AppendIfExistsOrAdd));
    let marks = options(marked.headers().iter());
    let parameter =
        |(key, value): &(String, String)| QueryParameter { key: key.clone(), value: value.clone() };
    OkHttpResponse {
        headers: options(set.iter().map(|(name, value)| (name, value))),
        headers_to_remove: removed.iter().map(|name| name.as_str().to_owned()).collect(),
        response_headers_to_add: to_client.chain(marks).collect(),
        query_parameters_to_set: effects.query_parameters_to_set.iter().map(parameter).collect(),
        query_parameters_to_remove: effects.query_parameters_to_remove.clone(),
        ..OkHttpResponse::default()
    }
}

fn denied(edge: &Edge, decision: &Decision, effects: &Effects) -> DeniedHttpResponse {
    let (mut response, body) = refusal(edge, decision, effects);
    response.headers_mut().remove(answer::OUTCOME);
    response.headers_mut().remove(answer::REASON);
    DeniedHttpResponse {
        status: Some(HttpStatus { code: known(response.status()).into() }),
        headers: options(response.headers().iter()),
        body,
    }
}

/// What Envoy knows no status for would be an error to it, and not a denial.
fn known(status: StatusCode) -> EnvoyStatus {
    EnvoyStatus::try_from(i32::from(status.as_u16())).unwrap_or(EnvoyStatus::Forbidden)
}

/// What the client of a denied request gets, without its body, and the body.
fn refusal(edge: &Edge, decision: &Decision, effects: &Effects) -> (Response, String) {
    let failure = decision.failure.as_ref();
    let code = failure.map_or(StatusCode::FORBIDDEN, |failure| status(failure.kind));
    let mut response = answer::empty(effects.status.unwrap_or(code));
    if let Some(failure) = failure {
        answer::advise(&mut response, failure);
    }
    answer::step_up(&mut response, edge, decision);
    let (kind, body) = match &effects.body {
        Some(body) => (TEXT, body.clone()),
        None => (JSON, explained(response.status(), decision, effects)),
    };
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    for (name, _) in &effects.headers {
        response.headers_mut().remove(name);
    }
    for (name, value) in &effects.headers {
        response.headers_mut().append(name, value.clone());
    }
    answer::mark(&mut response, decision);
    (response, body)
}

/// The body of a denial that policy says nothing to. What failed within is for the record.
fn explained(status: StatusCode, decision: &Decision, effects: &Effects) -> String {
    let message = match &decision.failure {
        None => effects.reason.as_deref().unwrap_or("the request is denied"),
        Some(_) if status.is_server_error() => "the request could not be decided",
        Some(failure) => failure.message.as_str(),
    };
    json!({ "code": opa_code(status), "message": message, "decision_id": decision.id }).to_string()
}

/// As every answer to a decision is marked, without what is for operators.
fn mark(response: &mut Response, decision: &Decision) {
    answer::mark(response, decision);
    for name in [answer::OUTCOME, answer::REASON, answer::REQUEST_ID] {
        response.headers_mut().remove(name);
    }
}

/// What Envoy's access log and other filters can see.
fn metadata(decision: &Decision, effects: &Effects) -> Struct {
    let mut members = effects.dynamic_metadata.clone().unwrap_or_else(Value::object);
    members.insert("decision_id", Value::from(decision.id.to_string()));
    members.insert("outcome", Value::from(decision.outcome.name()));
    if let Some(reason) = effects.reason.as_deref().or(decision.reason.as_deref()) {
        members.insert("reason", Value::from(reason));
    }
    protojson::to_struct(&members)
}

/// Headers that replace what is there; further values of one name are added to the first.
fn options<'h>(headers: impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)>) -> Vec<HeaderValueOption> {
    let mut seen: HeaderMap<()> = HeaderMap::default();
    headers
        .map(|(name, value)| match seen.insert(name, ()) {
            None => option(name, value, HeaderAppendAction::OverwriteIfExistsOrAdd),
            Some(()) => option(name, value, HeaderAppendAction::AppendIfExistsOrAdd),
        })
        .collect()
}

#[expect(deprecated, reason = "Envoy adds a second value to a request by this member alone")]
fn option(name: &HeaderName, value: &HeaderValue, action: HeaderAppendAction) -> HeaderValueOption {
    let (key, raw_value) = (name.as_str().to_owned(), value.as_bytes().to_vec());
    let header = match String::from_utf8(raw_value) {
        Ok(value) => ProtoHeader { key, value, raw_value: Vec::new() },
        Err(other) => ProtoHeader { key, value: String::new(), raw_value: other.into_bytes() },
    };
    let append = (action == HeaderAppendAction::AppendIfExistsOrAdd).then_some(BoolValue { value: true });
    HeaderValueOption { header: Some(header), append, append_action: action.into(), keep_empty_value: false }
}
