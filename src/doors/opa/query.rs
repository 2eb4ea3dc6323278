//! `GET` and `POST /v1/query`: ad-hoc queries, for whoever manages the server.
//!
//! INVARIANT (no decision): a query reads policy and data and decides nothing; it is recorded as a call of management. Its input is
//! the caller's own words, and it calls nobody (`http.send`).

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::{Map, Value as Json, json};

use super::failure;
use crate::authorize::adhoc::{AdHoc, Answered, NotAnswered};
use crate::doors::answer::{self, json_value};
use crate::doors::body::{FromDocument, Unread, members};
use crate::doors::context::arrival;
use crate::doors::edge::Edge;
use crate::doors::params::Params;
use crate::model::failure::{Failure, FailureKind};
use crate::model::request::EntryPath;
use verdict_rego::Value;
use verdict_rego::query::Row;

/// The name of this door in records.
const PROTOCOL: &str = "management";

/// `{"query": …, "input": …}`.
#[derive(Debug, Default)]
struct QueryEnvelope {
    query: Option<String>,
    input: Option<Value>,
}

impl FromDocument for QueryEnvelope {
    fn from_document(document: Value) -> Result<Self, String> {
        let mut envelope = Self::default();
        for (key, member) in members(document, &["query", "input"])? {
            if key.as_str() == Some("query") {
                let text = member.as_str().ok_or("`query` is not a string")?;
                envelope.query = Some(text.to_owned());
            } else {
                envelope.input = Some(member);
            }
        }
        Ok(envelope)
    }
}

/// Answers a query.
pub(in crate::doors) async fn query(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, body) = request.into_parts();
    if !matches!(parts.method, Method::GET | Method::HEAD | Method::POST) {
        return answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let invalid = |message: String| Failure::new(FailureKind::InvalidRequest, message);
    let params = Params::parse(parts.uri.query());
    let pretty = params.as_ref().is_ok_and(|params| params.pretty);
    let post = parts.method == Method::POST;
    let ask = async || {
        let params = params.map_err(invalid)?;
        let QueryEnvelope { query, input } = match post {
            true => unread.parse().await?,
            false => QueryEnvelope { query: params.query, input: None },
        };
        let missing = if post { "missing field `query`" } else { "missing parameter `q`" };
        let text = query.filter(|text| !text.trim().is_empty()).ok_or_else(|| invalid(missing.to_owned()))?;
        Ok(AdHoc { text, input })
    };
    let mut arrival = arrival(&parts, PROTOCOL, Ok(EntryPath::default()), started);
    arrival.context.operation = Some(format!("{} {}", parts.method, parts.uri.path()));
    let Answered { decision, rows } = match edge.authorizer.query(arrival, ask).await {
        Ok(answered) => answered,
        Err(unrecorded) => return failure::unrecorded(unrecorded),
    };
    let mut response = match (&rows, &decision.failure) {
        (Some(Ok(rows)), _) => {
            let body = shown(rows).to_string();
            let body = if pretty { answer::indent(&body) } else { body };
            answer::negotiated(StatusCode::OK, body, answer::accepts_gzip(&parts.headers), edge.gzip_min_size)
        }
        (Some(Err(NotAnswered::Wrong(errors))), _) => {
            let parsing = errors.iter().any(|error| error.code == "rego_parse_error");
            let doing = if parsing { "parsing" } else { "compiling" };
            let message = format!("error(s) occurred while {doing} query");
            let body = json!({ "code": "invalid_parameter", "message": message, "errors": errors });
            json_value(StatusCode::BAD_REQUEST, &body, true)
        }
        (Some(Err(NotAnswered::Failed(failure))), _) | (None, Some(failure)) => {
            failure::problem(failure, Some(decision.id))
        }
        (None, None) => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
    };
    answer::mark(&mut response, &decision);
    response
}

/// `{"result": [{bindings}]}`, or `{}` where there is no result.
fn shown(rows: &[Row]) -> Json {
    let bindings = |row: &Row| -> Map<String, Json> {
        row.bindings.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
    };
    match rows {
        [] => json!({}),
        rows => json!({ "result": rows.iter().map(bindings).collect::<Vec<_>>() }),
    }
}
