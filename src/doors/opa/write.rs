//! OPA's write API: `PUT`, `PATCH` and `DELETE` on `/v1/data`, `PUT` and `DELETE` on `/v1/policies`.
//!
//! INVARIANT (recorded first): who writes has the role `doors.opa.writes.role`, and what is attempted is recorded, with the digest
//! of the body, before it is done.
//! INVARIANT (answered is in force): a write is answered once it is kept and decides.

use std::time::Instant;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::Request;
use axum::response::Response;
use http::header::IF_NONE_MATCH;
use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};
use tokio::sync::Semaphore;

use super::{failure, patch};
use crate::authorize::{Attempt, Attempted, Role};
use crate::bundle::written::{Change, WriteError, WriteErrorKind};
use crate::doors::answer::{self, json_value};
use crate::doors::body::Unread;
use crate::doors::context::arrival;
use crate::doors::edge::Edge;
use crate::doors::params::Params;
use crate::model::failure::{Failure, FailureKind};
use crate::model::request::EntryPath;
use verdict_rego::Value;

/// The name of this door in records.
const PROTOCOL: &str = "management";
/// The path below which data is.
const DATA: &str = "/v1/data";
/// The path below which policies are.
const POLICIES: &str = "/v1/policies/";
/// The longest id of a policy, in bytes.
const LONGEST_ID: usize = 256;

/// Writers wait for each other here, and not on threads.
static WRITER: Semaphore = Semaphore::const_new(1);

/// `PUT`, `PATCH` and `DELETE /v1/data/{path}`.
pub(in crate::doors) async fn data(edge: &Edge, request: Request, started: Instant) -> Response {
    let read = |parts: &Parts, body: &[u8]| {
        let path = EntryPath::parse(parts.uri.path().strip_prefix(DATA).unwrap_or_default())?;
        let path = path.segments().to_vec();
        let document = || Value::from_json(body).map_err(|error| format!("body is malformed: {error}"));
        Ok(match parts.method {
            Method::PUT => {
                let only_new = parts.headers.get(IF_NONE_MATCH).is_some_and(|value| value == "*");
                Change::PutData { path, value: document()?, only_new }
            }
            Method::PATCH => Change::PatchData(patch::parse(&document()?, &path)?),
            _ => Change::DeleteData(path),
        })
    };
    write(edge, request, started, read).await
}

/// `PUT` and `DELETE /v1/policies/{id}`.
pub(in crate::doors) async fn policy(edge: &Edge, request: Request, started: Instant) -> Response {
    let read = |parts: &Parts, body: &[u8]| {
        let id = parts.uri.path().strip_prefix(POLICIES).unwrap_or_default();
        let id = percent_encoding::percent_decode_str(id).decode_utf8();
        let id = id.map_err(|_| "the id of the policy is not UTF-8".to_owned())?.into_owned();
        if id.is_empty() || id.len() > LONGEST_ID || id.chars().any(char::is_control) {
            return Err(format!(
                "the id of a policy has from 1 to {LONGEST_ID} bytes and no control characters"
            ));
        }
        if parts.method == Method::DELETE {
            return Ok(Change::DeletePolicy(id));
        }
        let source = std::str::from_utf8(body).map_err(|_| "the policy is not UTF-8".to_owned())?;
        Ok(Change::PutPolicy { id, source: source.to_owned() })
    };
    write(edge, request, started, read).await
}

async fn write(
    edge: &Edge,
    request: Request,
    started: Instant,
    read: impl Fn(&Parts, &[u8]) -> Result<Change, String>,
) -> Response {
    let (parts, body) = request.into_parts();
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let invalid = |message| Failure::new(FailureKind::InvalidRequest, message);
    let (parts, params) = (&parts, Params::parse(parts.uri.query()));
    let ask = async || {
        let body = unread.bytes(edge.limits.max).await?;
        let what = read(parts, &body).map_err(invalid)?;
        Ok(Attempt { what, recorded: Some(digest_of(&body)) })
    };
    let mut arrival = arrival(parts, PROTOCOL, Ok(EntryPath::default()), started);
    arrival.context.operation = Some(format!("{} {}", parts.method, parts.uri.path()));
    let role = Role { name: &edge.opa.writes.role, key: "doors.opa.writes.role" };
    let Attempted { decision, what } = match edge.authorizer.attempt(arrival, Some(role), ask).await {
        Ok(attempted) => attempted,
        Err(unrecorded) => return failure::unrecorded(unrecorded),
    };
    let mut response = match (what, &decision.failure) {
        (Some(change), _) => performed(edge, change, &params.unwrap_or_default()).await,
        (None, Some(failure)) => failure::problem(failure, Some(decision.id)),
        (None, None) => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
    };
    answer::mark(&mut response, &decision);
    response
}

/// What the record has of a body: enough to recognise it.
fn digest_of(body: &[u8]) -> Value {
    let sha256: String = digest(&SHA256, body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let digest = json!({ "bytes": body.len(), "sha256": sha256 });
    Value::from_serialize(&digest).unwrap_or(Value::Null)
}

async fn performed(edge: &Edge, change: Change, params: &Params) -> Response {
    let begun = Instant::now();
    let of_policy = matches!(change, Change::PutPolicy { .. } | Change::DeletePolicy(_));
    let trigger = edge.trigger.clone();
    let _place = WRITER.acquire().await;
    let written = tokio::task::spawn_blocking(move || trigger.write(&change)).await;
    match written {
        Ok(Ok(_)) if params.metrics => {
            let took = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            json_value(
                StatusCode::OK,
                &json!({ "metrics": { "timer_server_handler_ns": took } }),
                params.pretty,
            )
        }
        Ok(Ok(_)) if of_policy => answer::json_text(StatusCode::OK, "{}\n"),
        Ok(Ok(_)) => answer::empty(StatusCode::NO_CONTENT),
        Ok(Err(error)) => {
            tracing::info!(%error, "nothing was written through the API");
            not_written(&error)
        }
        Err(_) => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// With OPA's statuses and codes.
fn not_written(error: &WriteError) -> Response {
    let (status, code) = match error.kind {
        WriteErrorKind::Exists => return answer::empty(StatusCode::NOT_MODIFIED),
        WriteErrorKind::Invalid | WriteErrorKind::NotActivated => {
            (StatusCode::BAD_REQUEST, "invalid_parameter")
        }
        WriteErrorKind::NotFound => (StatusCode::NOT_FOUND, "resource_not_found"),
        WriteErrorKind::Conflict => (StatusCode::NOT_FOUND, "resource_conflict"),
        WriteErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_parameter"),
        WriteErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    let mut body = json!({ "code": code, "message": error.message });
    if let Some(members) = body.as_object_mut().filter(|_| !error.errors.is_empty()) {
        members.insert("message".to_owned(), Json::from("error(s) occurred while compiling module(s)"));
        members.insert("errors".to_owned(), json!(error.errors));
    }
    json_value(status, &body, true)
}
