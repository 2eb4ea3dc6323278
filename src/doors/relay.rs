//! Relay's door: `POST /v1/manifest/validate`, in Relay's shapes. A manifest is a call like every other one.
//!
//! INVARIANT (derived, not trusted): policy sees the agent and the organisation that were verified. What the manifest says of them
//! is compared before policy is asked (`pdp::gate`), and is in `input.asserted`.
//!
//! Deliberately absent: seals. What was decided is proved by the decision log.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::header::{HeaderName, WARNING};
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use super::answer::{self, json_value};
use super::body::{Bare, Unread};
use super::context::arrival;
use super::edge::Edge;
use super::status::status;
use crate::authorize::Question;
use crate::model::clock::Timestamp;
use crate::model::decision::{Decision, Outcome};
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::AuthContext;
use verdict_rego::Value;

/// The name of this door in records.
const PROTOCOL: &str = "relay";
/// RFC 9745: since when calls without a key are deprecated (2026-01-01).
const DEPRECATED: HeaderValue = HeaderValue::from_static("@1767225600");
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// The same for people who look at what their client receives.
const NO_KEY: HeaderValue =
    HeaderValue::from_static("299 - \"calls without X-Relay-API-Key are deprecated, and will be refused\"");
/// How often it is logged that there are calls without a key, in seconds.
const EVERY: i64 = 60;
/// Whatever is wrong with a credential.
pub(super) const INVALID_KEY: &str = "Invalid API key";
/// What a denial says whose policy gives no reason.
const VIOLATION: &str = "Policy violation";

/// `POST /v1/manifest/validate`.
pub(super) async fn validate(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, body) = request.into_parts();
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    if parts.method != Method::POST {
        return answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let ask = async || {
        let Bare(body) = unread.parse().await?;
        let input = manifest(body).map_err(|why| Failure::new(FailureKind::InvalidRequest, why))?;
        Ok(Question {
            input: Some(input),
            manifest: true,
            input_parse: started.elapsed(),
            ..Question::default()
        })
    };
    let arrival = arrival(&parts, PROTOCOL, Ok(edge.manifest_path.clone()), started);
    match edge.authorizer.authorize(arrival, ask).await {
        Ok(authorized) => answered(edge, &authorized.decision),
        Err(unrecorded) => {
            let mut response = problem(&unrecorded.failure());
            answer::identify(&mut response, unrecorded.id, None);
            response
        }
    }
}

/// The manifest in a body: the body itself, or `{"manifest": …, "dry_run": …}`, as Relay's client sends it. A dry run is
/// recorded like every other call.
fn manifest(body: Option<Value>) -> Result<Value, String> {
    let Some(mut body) = body.filter(Value::is_object) else {
        return Err("the body is not a JSON object".to_owned());
    };
    if let Some(wrapped) = body.remove("manifest") {
        let dry_run = body.remove("dry_run");
        if dry_run.is_some_and(|dry_run| dry_run.as_bool().is_none()) {
            return Err("`dry_run` is not a truth value".to_owned());
        }
        if let Some((other, _)) = body.members().next() {
            return Err(format!("`{other}` stands beside `manifest`; it has its place in it, or none"));
        }
        body = wrapped;
    }
    for member in ["provider", "method"] {
        let text = body.at(["action", member]).and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() {
            return Err(format!("the manifest has no `action.{member}`"));
        }
    }
    match body.get("agent") {
        Some(agent) if !agent.is_object() => Err("`agent` of the manifest is not an object".to_owned()),
        _ => Ok(body),
    }
}

fn answered(edge: &Edge, decision: &Decision) -> Response {
    let mut response = match &decision.failure {
        Some(failure) => problem(failure),
        None => decided(decision),
    };
    answer::mark(&mut response, decision);
    answer::step_up(&mut response, edge, decision);
    let unverified = !matches!(decision.auth, AuthContext::Verified(_));
    if unverified && !decision.is_refused() {
        response.headers_mut().insert(DEPRECATION, DEPRECATED);
        response.headers_mut().insert(WARNING, NO_KEY);
        warn(edge.authorizer.now());
    }
    response
}

/// What policy answered. Only an allow approves.
fn decided(decision: &Decision) -> Response {
    let approved = decision.outcome == Outcome::Allow;
    let said = decision.result.as_ref().and_then(|result| result.get("reason")).and_then(Value::as_str);
    let reason = match said.or(decision.reason.as_deref()) {
        None if !approved => Some(VIOLATION),
        reason => reason,
    };
    let id = decision.input.as_ref().and_then(|input| input.get("manifest_id")).and_then(Value::as_str);
    let bundles = decision.revision.bundles.iter().map(|(name, bundle)| match bundle.revision.as_str() {
        "" => name.clone(),
        revision => format!("{name}@{revision}"),
    });
    let body = json!({
        "manifest_id": id.map_or_else(|| decision.id.to_string(), str::to_owned),
        "approved": approved,
        "reason": reason,
        "denial_reason": reason.filter(|_| !approved),
        "policy_version": bundles.collect::<Vec<_>>().join(","),
        "seal": null,
        "timestamp": decision.at.rfc3339(),
        "decision_id": decision.id,
    });
    json_value(StatusCode::OK, &body, false)
}

/// `{"detail": …}`. All that is wrong with a credential has one text, and so has all that a caller may not do.
fn problem(failure: &Failure) -> Response {
    let mut response = answer::detail(status(failure.kind), detail(failure));
    answer::advise(&mut response, failure);
    response
}

/// What Relay's clients are told of a failure.
fn detail(failure: &Failure) -> &str {
    match failure.kind {
        _ if failure.asks_for_credential() => INVALID_KEY,
        FailureKind::InsufficientPermissions => "Insufficient permissions",
        _ => &failure.message,
    }
}

/// Says now and then that somebody calls without a key: a client that nobody has changed yet calls often.
fn warn(now: Timestamp) {
    static NEXT: AtomicI64 = AtomicI64::new(i64::MIN);
    static CALLS: AtomicU64 = AtomicU64::new(0);
    CALLS.fetch_add(1, Ordering::Relaxed);
    let (now, next) = (now.unix_seconds(), NEXT.load(Ordering::Relaxed));
    if now >= next && NEXT.compare_exchange(next, now + EVERY, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        let calls = CALLS.swap(0, Ordering::Relaxed);
        tracing::warn!(
            calls,
            "manifests are validated for callers without a key, which is deprecated; set `identity.mode: required` once none does"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_comes_as_it_is_or_wrapped() {
        let bare = r#"{"action": {"provider": "stripe", "method": "pay"}, "agent": {"agent_id": "a"}}"#;
        for body in [bare.to_owned(), format!(r#"{{"manifest": {bare}, "dry_run": true}}"#)] {
            let read = manifest(Value::from_json(body.as_bytes()).ok());
            assert_eq!(read, Ok(Value::from_json(bare.as_bytes()).unwrap()), "{body}");
        }
        for (body, why) in [
            ("[]", "not a JSON object"),
            ("{}", "no `action.provider`"),
            (r#"{"action": {"provider": "stripe"}}"#, "no `action.method`"),
            (r#"{"action": {"provider": ["stripe"], "method": "pay"}}"#, "no `action.provider`"),
            (r#"{"action": {"provider": "s", "method": "m"}, "agent": "a"}"#, "`agent` of the manifest"),
            (r#"{"manifest": {}, "action": {"provider": "s", "method": "m"}}"#, "`action` stands beside"),
            (r#"{"manifest": {"action": {"provider": "s", "method": "m"}}, "dry_run": 1}"#, "`dry_run`"),
            (r#"{"manifest": 1}"#, "no `action.provider`"),
        ] {
            let wrong = manifest(Value::from_json(body.as_bytes()).ok()).unwrap_err();
            assert!(wrong.contains(why), "{body}: {wrong}");
        }
        assert!(manifest(None).is_err());
    }
}
