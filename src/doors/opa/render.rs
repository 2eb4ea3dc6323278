//! Decisions as OPA's clients expect them.

use std::fmt::Write;

use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};

use super::failure;
use crate::authorize::Authorized;
use crate::doors::answer;
use crate::doors::edge::Edge;
use crate::doors::params::Params;
use crate::model::decision::Decision;
use crate::model::failure::{Failure, FailureKind};

const MISSING_INPUT: &str =
    r#","warning":{"code":"api_usage_warning","message":"'input' key missing from the request"}"#;

/// The answer's warning where the caller asks for an explanation that it may not have.
pub(super) fn explanation_denied() -> Value {
    json!({
        "code": "explanation_denied",
        "message": "the caller may not ask for explanations (decision.explain)",
    })
}

/// The failure that a compatible answer must show as an error; `None` where OPA shows an undefined document, or one without
/// the rules that failed.
pub(super) fn shown_failure(decision: &Decision, strict_builtin_errors: bool) -> Option<&Failure> {
    decision.failure.as_ref().filter(|failure| {
        let builtin = failure.policy.as_ref().is_some_and(|error| {
            error.code == "eval_builtin_error" || error.code == "eval_type_error" && decision.result.is_some()
        });
        failure.kind != FailureKind::EvaluationFailed || !builtin || strict_builtin_errors
    })
}

/// `{"decision_id", "result"?, "metrics"?, "provenance"?, "rule_labels"?, "warning"?}`; `result` is missing where it is undefined.
pub(super) fn v1(
    edge: &Edge,
    parts: &Parts,
    authorized: &Authorized,
    params: &Params,
    warn: bool,
) -> Response {
    let decision = &authorized.decision;
    let mut response = match shown_failure(decision, params.strict_builtin_errors) {
        Some(failure) => failure::problem(failure, Some(decision.id)),
        None => {
            let mut body = item(decision);
            // Writing to a String cannot fail.
            if params.metrics {
                let _ = write!(body, ",\"metrics\":{}", metrics(decision));
            }
            // A record's explanation is not the caller's.
            if params.explain && !authorized.explanation_denied {
                let _ = write!(body, ",\"explanation\":{}", explanation(decision, params.pretty));
            }
            if params.provenance {
                let _ = write!(body, ",\"provenance\":{}", provenance(decision));
            }
            if let Some(labels) = decision.rule_labels.as_deref().filter(|_| params.rule_labels) {
                let _ = write!(body, ",\"rule_labels\":{labels}");
            }
            if authorized.explanation_denied {
                let _ = write!(body, ",\"warning\":{}", explanation_denied());
            } else if warn {
                body.push_str(MISSING_INPUT);
            }
            body.push_str(if params.pretty { "}" } else { "}\n" });
            let body = if params.pretty { answer::indent(&body) } else { body };
            let gzip = answer::accepts_gzip(&parts.headers);
            answer::negotiated(StatusCode::OK, body, gzip, edge.gzip_min_size)
        }
    };
    answer::mark(&mut response, decision);
    answer::step_up(&mut response, edge, decision);
    answer::vary(&mut response);
    response
}

/// The bare document, or 404 where it is undefined.
pub(super) fn v0(edge: &Edge, parts: &Parts, authorized: &Authorized, pretty: bool) -> Response {
    let decision = &authorized.decision;
    let mut response = match (&decision.result, shown_failure(decision, false)) {
        (_, Some(failure)) => failure::problem(failure, Some(decision.id)),
        (Some(result), None) => {
            let body = result.to_string();
            let body = if pretty { answer::indent(&body) } else { body };
            let gzip = answer::accepts_gzip(&parts.headers);
            answer::negotiated(StatusCode::OK, body, gzip, edge.gzip_min_size)
        }
        (None, None) => {
            let path = decision.path.as_ref().map(|path| path.segments().join(".")).unwrap_or_default();
            let missing = Failure::new(FailureKind::UnknownPath, format!("document undefined: data.{path}"));
            failure::problem(&missing, Some(decision.id))
        }
    };
    answer::mark(&mut response, decision);
    answer::step_up(&mut response, edge, decision);
    answer::vary(&mut response);
    response
}

/// The start of one answer's object: id and result, without the closing brace.
pub(super) fn item(decision: &Decision) -> String {
    let mut body = String::with_capacity(96);
    let _ = write!(body, "{{\"decision_id\":\"{}\"", decision.id.as_hyphenated());
    if let Some(result) = &decision.result {
        body.push_str(",\"result\":");
        verdict_rego::json::write(result, &mut body);
    }
    body
}

/// OPA's names; every document is prepared at activation, hence the constant hit.
fn metrics(decision: &Decision) -> Value {
    let nanos = |duration: std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let timings = &decision.timings;
    json!({
        "counter_server_query_cache_hit": 1,
        "timer_rego_input_parse_ns": nanos(timings.input_parse),
        "timer_rego_query_eval_ns": nanos(timings.eval),
        "timer_server_handler_ns": nanos(timings.total),
    })
}

/// As lines of text where it is for a person (`pretty`), else as the record has it; `null` where no rule decides.
fn explanation(decision: &Decision, pretty: bool) -> String {
    let text = match &decision.explanation {
        Some(explanation) if pretty => serde_json::to_string(&explanation.lines()),
        other => serde_json::to_string(other),
    };
    text.unwrap_or_else(|_| "null".to_owned())
}

/// Without `build_timestamp`: the binary has none, and clients take no empty one.
fn provenance(decision: &Decision) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "build_commit": crate::COMMIT,
        "build_hostname": "",
        "bundles": decision.revision.bundles,
        "generation": decision.revision.generation,
    })
}
