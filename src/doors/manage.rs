//! What operators read and confirm: status, configuration, policies, removals of bundles.
//!
//! INVARIANT (the same way): a call of management is authenticated, authorized for a role and recorded like every other
//! call, whichever listener it comes in by.

mod policies;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{self, json_value};
use super::body::Unread;
use super::context::arrival;
use super::edge::Edge;
use super::health::{bundles_are_fresh, plugin_state, plugins};
use super::params::Params;
use super::status::{opa_code, status};
use crate::authorize::in_force::InForce;
use crate::decision_log::Unrecorded;
use crate::model::clock::Timestamp;
use crate::model::failure::{Failure, FailureKind};
use crate::model::request::EntryPath;

/// The name of this door in records.
const PROTOCOL: &str = "management";

/// What can be done here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Status,
    Config,
    Policies,
    Policy,
    ConfirmRemoval,
}

fn problem(failure: &Failure, decision_id: Option<Uuid>) -> Response {
    let status = status(failure.kind);
    let code = if failure.kind == FailureKind::UnknownPath { "resource_not_found" } else { opa_code(status) };
    answer::problem((status, code), failure, decision_id)
}

/// Authenticates, asks for the role, records, and only then does what was asked for. No body is read.
pub(super) async fn manage(
    edge: &Edge,
    operation: Operation,
    request: Request,
    started: Instant,
) -> Response {
    let (parts, body) = request.into_parts();
    let _unread = Unread::new(&parts.headers, body, edge.limits);
    let nowhere = Ok(EntryPath::default());
    let mut arrival = arrival(&parts, PROTOCOL, nowhere, started);
    arrival.context.operation = Some(format!("{} {}", parts.method, parts.uri.path()));
    let recorded = match edge.authorizer.manage(arrival).await {
        Ok(recorded) => recorded,
        Err(unrecorded) => return unavailable(&unrecorded),
    };
    let mut response = match &recorded.failure {
        Some(failure) => problem(failure, Some(recorded.id)),
        None => perform(edge, operation, &parts).await,
    };
    answer::mark(&mut response, &recorded);
    response
}

fn unavailable(unrecorded: &Unrecorded) -> Response {
    problem(&unrecorded.failure(), Some(unrecorded.id))
}

async fn perform(edge: &Edge, operation: Operation, parts: &Parts) -> Response {
    let (in_force, now) = (edge.authorizer.in_force(), edge.authorizer.now());
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let params = match Params::parse(parts.uri.query()) {
        Ok(params) => params,
        Err(error) => return problem(&Failure::new(FailureKind::InvalidRequest, error), None),
    };
    match operation {
        Operation::ConfirmRemoval if parts.method == Method::POST => confirm_removal(edge, parts),
        Operation::Policy if matches!(parts.method, Method::PUT | Method::DELETE) => {
            let message = "policies come from bundles; change them there, they are reloaded at once, or have them written here \
                           (`doors.opa.writes.enabled`)";
            problem(&Failure::new(FailureKind::InvalidRequest, message), None)
        }
        Operation::ConfirmRemoval => answer::empty(StatusCode::METHOD_NOT_ALLOWED),
        _ if !reads => answer::empty(StatusCode::METHOD_NOT_ALLOWED),
        Operation::Status => json_value(StatusCode::OK, &server_status(edge, &in_force, now), params.pretty),
        Operation::Config => json_value(StatusCode::OK, &config(&in_force), params.pretty),
        Operation::Policies | Operation::Policy => policies(parts, in_force, &params).await,
    }
}

/// `POST /v1/bundles/{name}/removal`: a bundle that vanished from the directory is meant to be gone. Its
/// activation without it is not waited for.
fn confirm_removal(edge: &Edge, parts: &Parts) -> Response {
    let name = parts.uri.path().strip_prefix("/v1/bundles/").and_then(|rest| rest.strip_suffix("/removal"));
    let name = percent_encoding::percent_decode_str(name.unwrap_or_default()).decode_utf8_lossy();
    match edge.trigger.confirm_removal(&name) {
        Ok(()) => json_value(StatusCode::ACCEPTED, &json!({ "result": { "bundle": name } }), false),
        Err(error) => problem(&Failure::new(FailureKind::InvalidRequest, error.to_string()), None),
    }
}

/// `GET /v1/status`: OPA's status, with what is known of issuers, reloads and background tasks.
fn server_status(edge: &Edge, in_force: &InForce, now: Timestamp) -> Value {
    let report = edge.bundles.report();
    let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
    let issuers = in_force.authenticator.status().into_iter().map(|issuer| {
        json!({
            "issuer": issuer.issuer, "source": issuer.source, "keys": issuer.keys,
            "generation": issuer.generation, "too_old": issuer.too_old, "last_success": time(issuer.last_success),
            "last_error": issuer.last_error, "warnings": issuer.warnings,
        })
    });
    let directory = in_force.authenticator.directory_status().map(|directory| {
        let counts = directory.counts;
        json!({
            "source": directory.source, "generation": directory.generation,
            "organisations": counts.organisations, "agents": counts.agents, "keys": counts.keys,
            "delegations": counts.delegations, "roles": counts.roles, "revocations": counts.revocations,
            "last_success": time(directory.last_success), "last_error": directory.last_error,
        })
    });
    let certificates = edge.metrics.tls.report().into_iter().map(|(listener, state)| {
        let not_after = Timestamp::from_unix_seconds(state.not_after).rfc3339();
        (listener.to_owned(), json!({ "not_after": not_after, "last_error": state.last_error }))
    });
    let certificates: serde_json::Map<_, _> = certificates.collect();
    let remote: serde_json::Map<_, _> =
        report.remote.iter().map(|(name, one)| (name.clone(), one.shown(now))).collect();
    let plugins = plugins(edge).into_iter();
    let plugins: serde_json::Map<_, _> =
        plugins.map(|(name, ok)| (name.to_owned(), json!({ "state": plugin_state(ok) }))).collect();
    let log = &edge.metrics.log;
    json!({ "result": {
        "labels": in_force.settings.shown.labels,
        "time": now.rfc3339(),
        "bundles": report.bundles,
        "plugins": plugins,
        "decision_logs": { "records": log.records.get(), "failures": log.failures.get() },
        "identity": { "issuers": issuers.collect::<Vec<_>>(), "directory": directory },
        "tasks": edge.tasks.report(),
        "certificates": certificates,
        "remote_bundles": remote,
        "reload": {
            "generation": report.generation, "activations": report.activations, "failures": report.failures,
            "failing_since": time(report.failing_since), "last_scan": time(report.last_scan),
            "stale": report.is_active() && !bundles_are_fresh(edge),
            "error_kind": report.error_kind, "error": report.error, "missing": report.missing,
        },
    }})
}

/// `GET /v1/config`: OPA's keys under `result`, the effective configuration under `verdict`.
fn config(in_force: &InForce) -> Value {
    let shown = &in_force.settings.shown;
    json!({
        "result": {
            "labels": shown.labels,
            "default_decision": format!("/{}", shown.default_path),
            "default_authorization_decision": "/system/authz/allow",
            "decision_logs": shown.effective.get("decision_log"),
        },
        "verdict": shown.effective,
    })
}

/// `GET /v1/policies`, or one of them.
async fn policies(parts: &Parts, in_force: Arc<InForce>, params: &Params) -> Response {
    let id = parts.uri.path().strip_prefix("/v1/policies/").filter(|id| !id.is_empty());
    let id = id.map(|id| percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned());
    let found = match &id {
        None => policies::all(in_force).await,
        Some(id) => policies::one(in_force, id.clone()).await,
    };
    match found {
        Some(found) => json_value(StatusCode::OK, &json!({ "result": found }), params.pretty),
        None => {
            let message = format!("storage_not_found_error: policy id {:?}", id.unwrap_or_default());
            problem(&Failure::new(FailureKind::UnknownPath, message), None)
        }
    }
}
