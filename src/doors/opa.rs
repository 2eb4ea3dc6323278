//! The decision API in OPA's shapes: `/v1/data`, `/v0/data`, `POST /`, `/v1/batch/data`.
//!
//! Where OPA does badly, ours differs, and `docs/api.md` says so: exact envelopes, one spelling for a path, a decision
//! id and a record for every answer.

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode};

use super::answer;
use super::body::{Bare, Envelope, OpenEnvelope, Unread};
use super::context::arrival;
use super::edge::Edge;
use super::params::Params;
use crate::authorize::{Arrival, Authorized, Question};
use crate::decision_log::Unrecorded;
use crate::model::decision::{Decision, Recorded};
use crate::model::failure::{Failure, FailureKind};
use crate::model::request::{EntryPath, RequestContext};
use verdict_rego::Value;

mod batch;
mod compile;
pub mod config;
mod failure;
mod patch;
mod query;
mod render;
mod write;

pub use batch::batch;
pub use compile::{compile, filters};
use config::ExtraKeys;
pub(super) use query::query;
pub(super) use write::policy as write_policy;

/// The name of this door in records.
pub const PROTOCOL: &str = "opa";

/// The paths below which documents are asked for.
const V1: &str = "/v1/data";
const V0: &str = "/v0/data";
const BATCH: &str = "/v1/batch/data";

/// `GET` and `POST /v1/data/{path}`.
pub async fn v1(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, request_body) = request.into_parts();
    match parts.method {
        Method::GET | Method::HEAD | Method::POST => {}
        Method::PUT | Method::PATCH | Method::DELETE => {
            let request = Request::from_parts(parts, request_body);
            return match edge.opa.writes.enabled {
                true => write::data(edge, request, started).await,
                false => no_writes(edge, request, started).await,
            };
        }
        _ => return answer::empty(StatusCode::METHOD_NOT_ALLOWED),
    }
    let post = parts.method == Method::POST;
    let (arrival, params, well_formed) = target(&parts, V1, started);
    let mut unread = Unread::new(&parts.headers, request_body, edge.limits);
    let mut warn = false;
    let ask = async || {
        well_formed?;
        let OpenEnvelope { input, beside } = match post {
            true if edge.opa.extra_keys == ExtraKeys::Record => unread.parse().await?,
            true => unread.parse::<Envelope>().await?.into(),
            false => Envelope { input: params.input.as_deref().map(get_input).transpose()? }.into(),
        };
        warn = post && input.is_none();
        Ok(Question { beside, ..question(&params, input, started) })
    };
    let authorized = edge.authorizer.authorize(arrival, ask).await;
    answered(authorized, |authorized| render::v1(edge, &parts, authorized, &params, warn))
}

/// `POST /v0/data/{path}`: the body is the input, the answer is the bare document.
pub async fn v0(edge: &Edge, request: Request, started: Instant) -> Response {
    bare(edge, request, started, false).await
}

/// `POST /`: the default decision.
pub async fn default_decision(edge: &Edge, request: Request, started: Instant) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return answer::text_answer(
            StatusCode::OK,
            "verdict: POST a document here for the default decision, or {\"input\": …} to /v1/data/<path>\n",
        );
    }
    bare(edge, request, started, true).await
}

async fn bare(edge: &Edge, request: Request, started: Instant, default_path: bool) -> Response {
    let (parts, request_body) = request.into_parts();
    if parts.method != Method::POST {
        return answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let (mut arrival, mut params, well_formed) = target(&parts, V0, started);
    if default_path {
        arrival.path = Ok(edge.default_path.clone());
    }
    params.strict_paths = false;
    let mut unread = Unread::new(&parts.headers, request_body, edge.limits);
    let ask = async || {
        well_formed?;
        let Bare(input) = unread.parse().await?;
        Ok(question(&params, input, started))
    };
    let authorized = edge.authorizer.authorize(arrival, ask).await;
    answered(authorized, |authorized| render::v0(edge, &parts, authorized, params.pretty))
}

/// What the target of a request names: the document, or why none, and the parameters. Wrong parameters are a failure of the
/// call, once it is known who is calling.
fn target<'r>(
    parts: &'r Parts,
    prefix: &str,
    started: Instant,
) -> (Arrival<'r>, Params, Result<(), Failure>) {
    let invalid = |message| Failure::new(FailureKind::InvalidRequest, message);
    let path = EntryPath::parse(parts.uri.path().strip_prefix(prefix).unwrap_or_default()).map_err(invalid);
    let (params, well_formed) = match Params::parse(parts.uri.query()) {
        Ok(params) => (params, Ok(())),
        Err(error) => (Params::default(), Err(invalid(error))),
    };
    (arrival(parts, PROTOCOL, path, started), params, well_formed)
}

fn question(params: &Params, input: Option<Value>, started: Instant) -> Question {
    Question {
        input,
        strict_path: params.strict_paths,
        explain: params.explain,
        strict_builtin_errors: params.strict_builtin_errors,
        input_parse: started.elapsed(),
        ..Question::default()
    }
}

fn get_input(text: &str) -> Result<Value, Failure> {
    Value::from_json(text.as_bytes()).map_err(|error| {
        let message = format!("parameter contains malformed input document: {error}");
        Failure::new(FailureKind::InvalidRequest, message)
    })
}

/// The answer to what was decided, refusals included, or 503 where there is no record.
fn answered(
    authorized: Result<Authorized, Unrecorded>,
    render: impl FnOnce(&Authorized) -> Response,
) -> Response {
    match authorized {
        Ok(authorized) if authorized.decision.is_refused() => refused(&authorized.decision),
        Ok(authorized) => render(&authorized),
        Err(unrecorded) => failure::unrecorded(unrecorded),
    }
}

/// The answer to a call that was refused before policy was asked.
fn refused(decision: &Recorded<Decision>) -> Response {
    let internal = || Failure::new(FailureKind::Internal, "refused without a reason");
    let why = decision.failure.clone().unwrap_or_else(internal);
    let mut response = failure::problem(&why, Some(decision.id));
    answer::mark(&mut response, decision);
    answer::vary(&mut response);
    response
}

/// `PUT`, `PATCH`, `DELETE` on data where nothing is written. Only who is calling is looked at.
async fn no_writes(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, request_body) = request.into_parts();
    let (arrival, ..) = target(&parts, V1, started);
    let _unread = Unread::new(&parts.headers, request_body, edge.limits);
    let message = "data comes from bundles; change it there, it is reloaded at once, or have it written here \
                   (`doors.opa.writes.enabled`)";
    let ask = async || Err(Failure::new(FailureKind::InvalidRequest, message));
    answered(edge.authorizer.authorize(arrival, ask).await, |authorized| refused(&authorized.decision))
}

/// Records that what was asked was no call, and answers why.
pub(super) async fn refuse(
    edge: &Edge,
    path: Option<EntryPath>,
    failure: Failure,
    context: RequestContext,
    started: Instant,
) -> Response {
    match edge.authorizer.refuse(path, failure, context, started).await {
        Ok(decision) => refused(&decision),
        Err(unrecorded) => failure::unrecorded(unrecorded),
    }
}
