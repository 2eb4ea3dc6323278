//! What operators read: health, readiness, status, configuration, policies, metrics.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::answer::{self, json_value};
use super::context::credential;
use super::params::Params;
use super::router::Edge;
use crate::bundle::status::{Report, Status};
use crate::model::decision::Outcome;
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::IdentityMode;
use crate::model::request::EntryPath;
use crate::pdp;
use crate::telemetry::metrics;
use verdict_rego::{Module, Value as Rego};

/// What health, status and configuration are told from.
#[derive(Debug)]
pub struct Manage {
    /// How the bundles are doing.
    pub bundles: Arc<Status>,
    /// What follows the configuration, and changes when it is loaded again.
    pub settings: ArcSwap<Settings>,
}

/// What management shows of the configuration.
#[derive(Debug)]
pub struct Settings {
    /// `bundles.max_stale`.
    pub max_stale: Duration,
    /// The labels of every record.
    pub labels: Value,
    /// The effective configuration, without secrets.
    pub effective: Value,
    /// The default decision's path.
    pub default_path: String,
}

/// What one component is doing, in OPA's words.
fn plugin_state(ok: bool) -> &'static str {
    if ok { "OK" } else { "NOT_READY" }
}

/// Component and whether it is well.
fn plugins(edge: &Edge) -> [(&'static str, bool); 3] {
    let bundles = bundles_are_fresh(edge, &edge.manage.bundles.report());
    [("bundle", bundles), ("decision_logs", true), ("identity", some_keys(edge) && !old_keys(edge))]
}

fn bundles_are_fresh(edge: &Edge, report: &Report) -> bool {
    report.is_active() && !report.is_stale(edge.authorizer.now(), edge.manage.settings.load().max_stale)
}

/// Whether the keys of at least one issuer are known, if there are issuers.
fn some_keys(edge: &Edge) -> bool {
    let issuers = edge.authorizer.authenticator().status();
    issuers.is_empty() || issuers.iter().any(|issuer| issuer.generation > 0)
}

/// Whether an issuer's tokens are refused because its keys are too old. One is enough: its callers get no decisions here.
fn old_keys(edge: &Edge) -> bool {
    edge.authorizer.authenticator().status().iter().any(|issuer| issuer.too_old)
}

/// `GET /health`: 200 with `{}`, or 500 with what is wrong, as far as the parameters ask.
pub fn health(edge: &Edge, parts: &Parts) -> Response {
    let params = Params::parse(parts.uri.query()).unwrap_or_default();
    let unwell =
        |error: &str| json_value(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": error }), false);
    if params.bundles && !edge.manage.bundles.report().is_active() {
        return unwell("one or more bundles are not activated");
    }
    let counted = |name: &str| !params.exclude_plugins.iter().any(|excluded| excluded == name);
    if params.plugins && plugins(edge).iter().any(|(name, ok)| !ok && counted(name)) {
        return unwell("one or more plugins are not up");
    }
    answer::json_text(StatusCode::OK, "{}\n")
}

/// `GET /health/ready`: whether decisions can be had, 200 or 503 with the reasons.
pub fn ready(edge: &Edge) -> Response {
    let report = edge.manage.bundles.report();
    let mut reasons = Vec::new();
    if !report.is_active() {
        reasons.push("no bundle is active yet");
    } else if !bundles_are_fresh(edge, &report) {
        reasons.push("reloading has failed for longer than `bundles.max_stale`");
    }
    let missing = "a bundle that is in force or expected is missing from the bundle directory";
    if !report.missing.is_empty() && !reasons.is_empty() {
        reasons.push(missing);
    }
    if !some_keys(edge) {
        reasons.push("no issuer's keys could be obtained");
    }
    if old_keys(edge) {
        reasons.push("identity: keys too old");
    }
    match reasons.is_empty() {
        true => {
            let mut body = json!({ "ready": true, "generation": report.generation });
            if let Some(body) = body.as_object_mut().filter(|_| !report.missing.is_empty()) {
                body.insert("warnings".to_owned(), json!([missing]));
            }
            json_value(StatusCode::OK, &body, false)
        }
        false => {
            let error = report.error.as_deref();
            let body = json!({ "ready": false, "reasons": reasons, "error": error });
            json_value(StatusCode::SERVICE_UNAVAILABLE, &body, false)
        }
    }
}

/// `GET /health/{rule}`: whether `data.system.health.{rule}` is true for `{plugin_state, plugins_ready}`.
pub fn health_rule(edge: &Edge, parts: &Parts) -> Response {
    let rule = parts.uri.path().strip_prefix("/health/").unwrap_or_default();
    let unwell =
        |error: String| json_value(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": error }), false);
    let path = match EntryPath::parse(&format!("system/health/{rule}")) {
        Ok(path) => path,
        Err(error) => return unwell(error),
    };
    let name = format!("health check (data.{})", path.segments().join("."));
    let plugins = plugins(edge);
    let states: serde_json::Map<_, _> =
        plugins.iter().map(|(name, ok)| ((*name).to_owned(), json!(plugin_state(*ok)))).collect();
    let ready = plugins.iter().all(|(_, ok)| *ok);
    let input = Rego::from_serialize(&json!({ "plugin_state": states, "plugins_ready": ready })).ok();
    let (snapshot, now) = (edge.authorizer.snapshot(), edge.authorizer.now());
    let limits = edge.authorizer.limits(&path);
    let answer = pdp::decide(&snapshot, &path, input, now, &limits);
    match (answer.outcome, answer.result) {
        (Outcome::Allow, Some(result)) if result.as_bool() == Some(true) => {
            answer::json_text(StatusCode::OK, "{}\n")
        }
        (Outcome::Undefined, _) => unwell(format!("{name} was undefined")),
        (Outcome::Error, _) => unwell(format!("{name} failed: {}", answer.reason.unwrap_or_default())),
        _ => unwell(format!("{name} returned unexpected value")),
    }
}

/// `GET /metrics` in the OpenMetrics text format.
pub fn metrics(edge: &Edge) -> Response {
    // It becomes stale as time passes, so nobody but the reader can say when.
    let report = edge.manage.bundles.report();
    edge.metrics.bundles.stale.set(i64::from(report.is_active() && !bundles_are_fresh(edge, &report)));
    edge.metrics.bundles.missing.set(i64::try_from(report.missing.len()).unwrap_or(i64::MAX));
    let mut response = answer::json_text(StatusCode::OK, edge.metrics.render());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE));
    response
}

/// What is no decision but tells of policy or configuration needs a credential wherever decisions do.
async fn admitted(edge: &Edge, parts: &Parts) -> Result<Params, Response> {
    let authenticator = edge.authorizer.authenticator();
    if authenticator.mode_for(&EntryPath::default()) != IdentityMode::Off {
        let admitted = authenticator.authenticate(IdentityMode::Required, &credential(&parts.headers)).await;
        admitted.map_err(|failure| answer::problem(&failure, None))?;
    }
    let invalid = |message| answer::problem(&Failure::new(FailureKind::InvalidRequest, message), None);
    Params::parse(parts.uri.query()).map_err(invalid)
}

/// `GET /v1/status`: OPA's status, with what is known of issuers and reloads.
pub async fn status(edge: &Edge, parts: &Parts) -> Response {
    let params = match admitted(edge, parts).await {
        Ok(params) => params,
        Err(refused) => return refused,
    };
    let report = edge.manage.bundles.report();
    let settings = edge.manage.settings.load();
    let time = |at: Option<crate::model::clock::Timestamp>| at.map(crate::model::clock::Timestamp::rfc3339);
    let issuers: Vec<Value> = edge
        .authorizer
        .authenticator()
        .status()
        .into_iter()
        .map(|issuer| {
            json!({
                "issuer": issuer.issuer, "source": issuer.source, "keys": issuer.keys,
                "generation": issuer.generation, "too_old": issuer.too_old, "last_success": time(issuer.last_success),
                "last_error": issuer.last_error, "warnings": issuer.warnings,
            })
        })
        .collect();
    let plugins: serde_json::Map<_, _> = plugins(edge)
        .into_iter()
        .map(|(name, ok)| (name.to_owned(), json!({ "state": plugin_state(ok) })))
        .collect();
    let log = &edge.metrics.log;
    let body = json!({ "result": {
        "labels": settings.labels,
        "bundles": report.bundles,
        "plugins": plugins,
        "decision_logs": { "records": log.records.get(), "failures": log.failures.get() },
        "identity": { "issuers": issuers },
        "reload": {
            "generation": report.generation, "activations": report.activations, "failures": report.failures,
            "failing_since": time(report.failing_since), "last_scan": time(report.last_scan),
            "stale": report.is_active() && !bundles_are_fresh(edge, &report),
            "error_kind": report.error_kind, "error": report.error, "missing": report.missing,
        },
    }});
    json_value(StatusCode::OK, &body, params.pretty)
}

/// `GET /v1/config`: OPA's keys under `result`, the effective configuration under `verdict`.
pub async fn config(edge: &Edge, parts: &Parts) -> Response {
    let params = match admitted(edge, parts).await {
        Ok(params) => params,
        Err(refused) => return refused,
    };
    let settings = edge.manage.settings.load();
    let body = json!({
        "result": {
            "labels": settings.labels,
            "default_decision": format!("/{}", settings.default_path),
            "default_authorization_decision": "/system/authz/allow",
            "decision_logs": settings.effective.get("decision_log"),
        },
        "verdict": settings.effective,
    });
    json_value(StatusCode::OK, &body, params.pretty)
}

/// `GET /v1/policies`: every module in force.
pub async fn policies(edge: &Edge, parts: &Parts) -> Response {
    let params = match admitted(edge, parts).await {
        Ok(params) => params,
        Err(refused) => return refused,
    };
    let snapshot = edge.authorizer.snapshot();
    let modules: Vec<Value> =
        snapshot.program.module_packages().map(|(module, package)| shown(module, package)).collect();
    json_value(StatusCode::OK, &json!({ "result": modules }), params.pretty)
}

/// `GET /v1/policies/{id}`: one module.
pub async fn policy(edge: &Edge, parts: &Parts) -> Response {
    let params = match admitted(edge, parts).await {
        Ok(params) => params,
        Err(refused) => return refused,
    };
    let id = parts.uri.path().strip_prefix("/v1/policies/").unwrap_or_default();
    let id = percent_encoding::percent_decode_str(id).decode_utf8_lossy();
    let snapshot = edge.authorizer.snapshot();
    match snapshot.program.module_packages().find(|(module, _)| module.id == id) {
        Some((module, package)) => {
            json_value(StatusCode::OK, &json!({ "result": shown(module, package) }), params.pretty)
        }
        None => {
            let body = json!({
                "code": "resource_not_found",
                "message": format!("storage_not_found_error: policy id {:?}", id),
            });
            json_value(StatusCode::NOT_FOUND, &body, true)
        }
    }
}

/// A module in OPA's shape; of its syntax tree only the package is given.
fn shown(module: &Module, package: &[String]) -> Value {
    let path = package.iter().map(|segment| json!({ "type": "string", "value": segment }));
    let path: Vec<Value> = std::iter::once(json!({ "type": "var", "value": "data" })).chain(path).collect();
    json!({ "id": module.id, "raw": module.source, "ast": { "package": { "path": path } } })
}

/// What cannot be written from here: policies belong to the bundles; all else is only read.
pub fn not_readable(policy: bool, parts: &Parts) -> Response {
    if policy && matches!(parts.method.as_str(), "PUT" | "DELETE") {
        let message = "policies are owned by the bundles; change them there, they are reloaded at once";
        return answer::problem(&Failure::new(FailureKind::InvalidRequest, message), None);
    }
    answer::empty(StatusCode::METHOD_NOT_ALLOWED)
}
