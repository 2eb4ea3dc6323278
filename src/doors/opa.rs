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
use super::body::{self, Bare, Envelope};
use super::context::{credential, request_context};
use super::params::Params;
use super::router::Edge;
use crate::authorize::Call;
use crate::listen::Peer;
use crate::model::failure::{Failure, FailureKind};
use crate::model::request::EntryPath;
use verdict_rego::Value;

mod batch;
mod render;

pub use batch::batch;

/// The paths below which documents are asked for.
const V1: &str = "/v1/data";
const V0: &str = "/v0/data";
const BATCH: &str = "/v1/batch/data";

/// A request, once it is known what it asks; or why it asks nothing.
struct Asked {
    path: Option<EntryPath>,
    params: Params,
    /// The input, and whether its absence is worth a warning; or what was wrong.
    input: Result<Option<Value>, Failure>,
}

/// `GET` and `POST /v1/data/{path}`.
pub async fn v1(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, request_body) = request.into_parts();
    match parts.method {
        Method::GET | Method::HEAD | Method::POST => {}
        Method::PUT | Method::PATCH | Method::DELETE => return no_writes(edge, &parts, started).await,
        _ => return answer::empty(StatusCode::METHOD_NOT_ALLOWED),
    }
    let post = parts.method == Method::POST;
    let asked = ask(&parts, V1, async |params| {
        if !post {
            return params.input.as_deref().map(get_input).transpose();
        }
        let bytes = body::read(&parts.headers, request_body, edge.limits).await?;
        body::parse::<Envelope>(&parts.headers, &bytes).map(|envelope| envelope.input)
    })
    .await;
    let warn = post && matches!(asked.input, Ok(None));
    let params = asked.params.clone();
    match decide(edge, &parts, asked, started).await {
        Ok(authorized) => render::v1(edge, &parts, &authorized, &params, warn),
        Err(response) => response,
    }
}

/// `POST /v0/data/{path}`: the body is the input, the answer is the bare document.
pub async fn v0(edge: &Edge, request: Request, started: Instant) -> Response {
    bare(edge, request, started, None).await
}

/// `POST /`: the default decision.
pub async fn default_decision(edge: &Edge, request: Request, started: Instant) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return answer::text_answer(
            StatusCode::OK,
            "verdict: POST a document here for the default decision, or {\"input\": …} to /v1/data/<path>\n",
        );
    }
    bare(edge, request, started, Some(edge.default_path.clone())).await
}

async fn bare(edge: &Edge, request: Request, started: Instant, path: Option<EntryPath>) -> Response {
    let (parts, request_body) = request.into_parts();
    if parts.method != Method::POST {
        return answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let read = async |_: &Params| {
        let bytes = body::read(&parts.headers, request_body, edge.limits).await?;
        body::parse::<Bare>(&parts.headers, &bytes).map(|Bare(input)| input)
    };
    let mut asked = match path {
        None => ask(&parts, V0, read).await,
        Some(path) => {
            let params = Params::parse(parts.uri.query()).unwrap_or_default();
            let input = read(&params).await;
            Asked { path: Some(path), params, input }
        }
    };
    asked.params.strict_paths = false;
    let pretty = asked.params.pretty;
    match decide(edge, &parts, asked, started).await {
        Ok(authorized) => render::v0(edge, &parts, &authorized, pretty),
        Err(response) => response,
    }
}

/// Reads path, parameters and input; the first thing that is wrong is kept, with the path if that was right.
async fn ask(
    parts: &Parts,
    prefix: &str,
    input: impl AsyncFnOnce(&Params) -> Result<Option<Value>, Failure>,
) -> Asked {
    let invalid = |message| Failure::new(FailureKind::InvalidRequest, message);
    let path = EntryPath::parse(parts.uri.path().strip_prefix(prefix).unwrap_or_default());
    let params = Params::parse(parts.uri.query());
    match (path, params) {
        (Ok(path), Ok(params)) => {
            let input = input(&params).await;
            Asked { path: Some(path), params, input }
        }
        (Err(error), params) => {
            Asked { path: None, params: params.unwrap_or_default(), input: Err(invalid(error)) }
        }
        (Ok(path), Err(error)) => {
            Asked { path: Some(path), params: Params::default(), input: Err(invalid(error)) }
        }
    }
}

fn get_input(text: &str) -> Result<Value, Failure> {
    Value::from_json(text.as_bytes()).map_err(|error| {
        let message = format!("parameter contains malformed input document: {error}");
        Failure::new(FailureKind::InvalidRequest, message)
    })
}

/// Decides what was asked, or records why nothing could be.
async fn decide(
    edge: &Edge,
    parts: &Parts,
    asked: Asked,
    started: Instant,
) -> Result<crate::authorize::Authorized, Response> {
    let context = request_context(&parts.headers, parts.extensions.get::<Peer>().copied(), "opa");
    let Asked { path, params, input } = asked;
    let call = match (path, input) {
        (Some(path), Ok(input)) => Call {
            path,
            credential: credential(&parts.headers),
            input,
            context,
            strict_path: params.strict_paths,
            explain: params.explain,
            started,
            input_parse: started.elapsed(),
        },
        (path, Err(failure)) => return Err(refuse(edge, path, failure, context, started).await),
        (None, Ok(_)) => return Err(answer::empty(StatusCode::NOT_FOUND)),
    };
    edge.authorizer.authorize(call).await.map_err(answer::unrecorded)
}

/// Records that what was asked was no call, and answers why.
pub(super) async fn refuse(
    edge: &Edge,
    path: Option<EntryPath>,
    failure: Failure,
    context: crate::model::request::RequestContext,
    started: Instant,
) -> Response {
    match edge.authorizer.refuse(path, failure.clone(), context, started).await {
        Ok(decision) => {
            let mut response = answer::problem(&failure, Some(decision.id));
            answer::mark(&mut response, &decision);
            answer::vary(&mut response);
            response
        }
        Err(unrecorded) => answer::unrecorded(unrecorded),
    }
}

/// `PUT`, `PATCH`, `DELETE` on data: what bundles own cannot be written from here.
async fn no_writes(edge: &Edge, parts: &Parts, started: Instant) -> Response {
    let context = request_context(&parts.headers, parts.extensions.get::<Peer>().copied(), "opa");
    let message = "data is owned by the bundles; change it there, it is reloaded at once";
    refuse(edge, None, Failure::new(FailureKind::InvalidRequest, message), context, started).await
}
