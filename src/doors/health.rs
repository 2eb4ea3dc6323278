//! What probes ask: whether the process lives, whether decisions can be had, and what is counted.
//!
//! INVARIANT (names of nothing): whoever has shown no credential is told no name of a bundle, path or issuer.

use std::time::Instant;

use axum::response::Response;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::answer::{self, json_value};
use super::context::arrival;
use super::edge::Edge;
use super::params::Params;
use crate::authorize::{Arrival, Question};
use crate::bundle::status::{Report, Stale};
use crate::listen::CERTIFICATE_WARNING_DAYS;
use crate::model::clock::Timestamp;
use crate::model::decision::Outcome;
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::IdentityMode;
use crate::model::request::EntryPath;
use crate::telemetry::metrics;
use verdict_rego::Value as Rego;

const ENDING: &str = "a listener's certificate ends within days; have a new one issued";
const MISSING: &str = "a bundle that is in force or expected is missing from the bundle directory";

const UNCONFIRMED: &str = "a bundle cannot be fetched; the last one stays in force";

/// The name of this door in records.
const PROTOCOL: &str = "health";

/// Whether identity is off for all of policy, so that there are no strangers.
pub(super) fn is_open(edge: &Edge) -> bool {
    edge.authorizer.in_force().authenticator.mode_for(&EntryPath::default()) == IdentityMode::Off
}

/// What one component is doing, in OPA's words.
pub(super) const fn plugin_state(ok: bool) -> &'static str {
    if ok { "OK" } else { "NOT_READY" }
}

/// Component and whether it is well.
pub(super) fn plugins(edge: &Edge) -> [(&'static str, bool); 3] {
    [
        ("bundle", bundles_are_fresh(edge)),
        ("decision_logs", true),
        ("identity", some_keys(edge) && !old_keys(edge)),
    ]
}

pub(super) fn bundles_are_fresh(edge: &Edge) -> bool {
    edge.bundles.report().is_active() && staleness(edge).is_none()
}

/// Why what is active is too old, if it is.
fn staleness(edge: &Edge) -> Option<Stale> {
    let max_stale = edge.authorizer.in_force().settings.max_stale;
    edge.bundles.report().staleness(edge.authorizer.now(), max_stale)
}

/// Whether the keys of at least one issuer are known, if there are issuers.
fn some_keys(edge: &Edge) -> bool {
    let issuers = edge.authorizer.in_force().authenticator.status();
    issuers.is_empty() || issuers.iter().any(|issuer| issuer.generation > 0)
}

/// Whether an issuer's tokens are refused because its keys are too old. One is enough: its callers get no decisions here.
fn old_keys(edge: &Edge) -> bool {
    edge.authorizer.in_force().authenticator.status().iter().any(|issuer| issuer.too_old)
}

fn unwell(error: &str) -> Response {
    json_value(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": error }), false)
}

/// `GET /health`: 200 with `{}`, or 500 with what is wrong, as far as the parameters ask.
pub(super) fn health(edge: &Edge, parts: &Parts) -> Response {
    let params = Params::parse(parts.uri.query()).unwrap_or_default();
    if params.bundles && !edge.bundles.report().is_active() {
        return unwell("one or more bundles are not activated");
    }
    let counted = |name: &str| !params.exclude_plugins.iter().any(|excluded| excluded == name);
    if params.plugins && plugins(edge).iter().any(|(name, ok)| !ok && counted(name)) {
        return unwell("one or more plugins are not up");
    }
    match aip(edge) {
        Some(body) => json_value(StatusCode::OK, &body, false),
        None => answer::json_text(StatusCode::OK, "{}\n"),
    }
}

/// What AIP's clients look for, where a policy in force says that there is a server (v1alpha2 section 6.3). The hash names nothing.
fn aip(edge: &Edge) -> Option<serde_json::Value> {
    let in_force = edge.authorizer.in_force();
    let policies = &in_force.settings.tool_calls.policies;
    policies.iter().find(|policy| policy.server.is_some())?;
    let uptime = edge.authorizer.now().unix_seconds().saturating_sub(edge.metrics.started());
    let hash = policies.only().map(|policy| policy.hash.as_str());
    Some(json!({
        "status": "healthy", "version": "v1alpha2", "policy_hash": hash, "uptime_seconds": uptime.max(0),
    }))
}

/// How long the certificate is valid that ends first, in seconds; none where there is no TLS.
fn certificate_seconds_left(edge: &Edge) -> Option<i64> {
    let now = edge.authorizer.now().unix_seconds();
    edge.metrics.tls.report().values().map(|certificate| certificate.not_after.saturating_sub(now)).min()
}

/// Whether decisions can be had.
pub(super) fn is_ready(edge: &Edge) -> bool {
    reasons(edge, &edge.bundles.report()).is_empty()
}

/// Why decisions cannot be had.
fn reasons(edge: &Edge, report: &Report) -> Vec<&'static str> {
    let mut reasons = Vec::new();
    if !report.is_active() {
        reasons.push("no bundle is active yet");
    } else if !bundles_are_fresh(edge) {
        reasons.push(match staleness(edge) {
            Some(Stale::Remote) => {
                "a bundle could not be confirmed by its service for longer than `bundles.max_stale`"
            }
            Some(Stale::Expired) => "the signature of a bundle has expired",
            Some(Stale::Reload) | None => "reloading has failed for longer than `bundles.max_stale`",
        });
    }
    if !report.missing.is_empty() && !reasons.is_empty() {
        reasons.push(MISSING);
    }
    if !some_keys(edge) {
        reasons.push("no issuer's keys could be obtained");
    }
    if old_keys(edge) {
        reasons.push("identity: keys too old");
    }
    if certificate_seconds_left(edge).is_some_and(|left| left < 0) {
        reasons.push("a listener's certificate has expired");
    }
    reasons
}

/// `GET /health/ready`: whether decisions can be had, 200 or 503 with the reasons.
pub(super) fn ready(edge: &Edge, trusted: bool) -> Response {
    let report = edge.bundles.report();
    let reasons = reasons(edge, &report);
    if reasons.is_empty() {
        let mut body = json!({ "ready": true, "generation": report.generation });
        let missing = (!report.missing.is_empty()).then_some(MISSING);
        let left = certificate_seconds_left(edge);
        let unasked = report.remote.values().any(|remote| remote.error.is_some()).then_some(UNCONFIRMED);
        let ending = left.filter(|left| *left < CERTIFICATE_WARNING_DAYS * 86_400).map(|_| ENDING);
        let warnings: Vec<_> = missing.into_iter().chain(unasked).chain(ending).collect();
        if let Some(body) = body.as_object_mut().filter(|_| !warnings.is_empty()) {
            body.insert("warnings".to_owned(), json!(warnings));
        }
        return json_value(StatusCode::OK, &body, false);
    }
    let body = match report.error.as_deref().filter(|_| trusted) {
        Some(error) => json!({ "ready": false, "reasons": reasons, "error": error }),
        None => json!({ "ready": false, "reasons": reasons }),
    };
    json_value(StatusCode::SERVICE_UNAVAILABLE, &body, false)
}

/// `GET /health/identity`: what AgentVault's probes ask of, 200 where all of it is well, else 503. Without trust domains it is a rule
/// like any other.
pub(super) async fn identity(edge: &Edge, parts: &Parts, started: Instant) -> Response {
    let Some(spiffe) = edge.authorizer.in_force().authenticator.spiffe_health() else {
        return rule(edge, parts, started).await;
    };
    let now = edge.authorizer.now().unix_seconds();
    let served_with = edge.metrics.tls.report();
    let all = [
        ("spire_agent", spiffe.agents),
        // What this server shows, which may be an X.509-SVID that a helper of SPIRE writes.
        ("svid_valid", served_with.iter().all(|(_, certificate)| certificate.not_after > now)),
        ("opa_responsive", bundles_are_fresh(edge)),
        ("bundle_fresh", spiffe.fresh),
    ];
    let status = match all.iter().all(|(_, well)| *well) {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body: serde_json::Map<_, _> =
        all.iter().map(|(name, well)| ((*name).to_owned(), json!(well))).collect();
    json_value(status, &body, false)
}

/// `GET /health/{rule}`: whether `data.system.health.{rule}` is true for `{plugin_state, plugins_ready}`. A call like every
/// other: identity as configured for that document, a deadline, a record.
pub(super) async fn rule(edge: &Edge, parts: &Parts, started: Instant) -> Response {
    let rule = parts.uri.path().strip_prefix("/health/").unwrap_or_default();
    let path = EntryPath::parse(&format!("system/health/{rule}"));
    let name = path
        .as_ref()
        .map_or_else(|_| "health check".to_owned(), |path| format!("health check (data.{})", path.join(".")));
    let plugins = plugins(edge);
    let states: serde_json::Map<_, _> =
        plugins.iter().map(|(name, ok)| ((*name).to_owned(), json!(plugin_state(*ok)))).collect();
    let ready = plugins.iter().all(|(_, ok)| *ok);
    let input = Rego::from_serialize(&json!({ "plugin_state": states, "plugins_ready": ready })).ok();
    let path = path.map_err(|error| Failure::new(FailureKind::InvalidRequest, error));
    let ask = async || Ok(Question { input, input_parse: started.elapsed(), ..Question::default() });
    // Whoever probes is not to be told that the server is ill because it probes often.
    let arrival = Arrival { counted: false, ..arrival(parts, PROTOCOL, path, started) };
    let Ok(authorized) = edge.authorizer.authorize(arrival, ask).await else {
        return unwell(&format!("{name} could not be recorded"));
    };
    let decision = &authorized.decision;
    let mut response = match (decision.outcome, &decision.result) {
        (Outcome::Allow, Some(result)) if result.as_bool() == Some(true) => {
            answer::json_text(StatusCode::OK, "{}\n")
        }
        (Outcome::Undefined, _) => unwell(&format!("{name} was undefined")),
        (Outcome::Refused, _) => {
            unwell(&format!("{name} was refused: {}", decision.reason.as_deref().unwrap_or_default()))
        }
        (Outcome::Error, _) => {
            unwell(&format!("{name} failed: {}", decision.reason.as_deref().unwrap_or_default()))
        }
        _ => unwell(&format!("{name} returned unexpected value")),
    };
    answer::mark(&mut response, decision);
    response
}

/// `GET /metrics` in the OpenMetrics text format; where there is an AIP server, as plain text for who does not ask for that.
pub(super) fn metrics(edge: &Edge, parts: &Parts, trusted: bool) -> Response {
    // It becomes stale as time passes, so nobody but the reader can say when.
    let stale = edge.bundles.report().is_active() && !bundles_are_fresh(edge);
    edge.metrics.bundles.stale.set(i64::from(stale));
    edge.metrics.bundles.missing.set(i64::try_from(edge.bundles.report().missing.len()).unwrap_or(i64::MAX));
    let confirmed = edge.bundles.report().remote.values().map(|remote| remote.confirmed_at).min().flatten();
    edge.metrics.bundles.confirmed.set(confirmed.map_or(0, Timestamp::unix_seconds));
    let text = if trusted { edge.metrics.render() } else { edge.metrics.render_without_names() };
    let mut response = answer::json_text(StatusCode::OK, text);
    let accept = parts.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let plain = aip(edge).is_some() && !accept.contains("application/openmetrics-text");
    let kind = if plain { "text/plain; version=0.0.4; charset=utf-8" } else { metrics::CONTENT_TYPE };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
