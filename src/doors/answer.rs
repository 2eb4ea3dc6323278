//! Answers on the wire: JSON, errors in OPA's shape, compression, and the headers that every decision has.

use std::io::Write;

use axum::body::Body;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::edge::Edge;
use crate::model::decision::{Decision, Outcome};
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::AuthContext;
use crate::model::rate::RateStanding;
use verdict_rego::PolicyError;

/// The decision's id.
pub const DECISION_ID: HeaderName = HeaderName::from_static("verdict-decision-id");
/// How the decision ended: `allow`, `deny`, `value`, `undefined`, `error`, `refused`.
pub const OUTCOME: HeaderName = HeaderName::from_static("verdict-outcome");
/// Why, where there is something to say.
pub const REASON: HeaderName = HeaderName::from_static("verdict-reason");
/// The limit that a caller is nearest to, and how it stands (draft-ietf-httpapi-ratelimit-headers-10).
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The next token of the caller's session (AIP).
pub const NEXT_TOKEN: HeaderName = HeaderName::from_static("x-aip-next-token");
/// The caller's own id, given back.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The most scopes of a policy's that a challenge names.
const MOST_SCOPES: usize = 64;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A JSON answer with a body that is JSON already.
pub fn json_text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// A JSON answer, indented where `pretty` says so.
pub fn json_value(status: StatusCode, value: &impl Serialize, pretty: bool) -> Response {
    let text = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    match text {
        Ok(text) => json_text(status, text),
        Err(_) => text_answer(StatusCode::INTERNAL_SERVER_ERROR, "the answer does not serialise\n"),
    }
}

/// An error in the shape that Relay's clients know: `{"detail": …}`.
pub fn detail(status: StatusCode, text: &str) -> Response {
    json_value(status, &json!({ "detail": text }), false)
}

/// A plain text answer.
pub fn text_answer(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// An answer of a status alone.
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// An error in OPA's shape: `{"code", "message", "errors"?, "decision_id"?}`.
pub fn problem((status, code): (StatusCode, &str), failure: &Failure, decision_id: Option<Uuid>) -> Response {
    let errors = policy_errors(failure);
    let message = match errors.is_empty() {
        true => failure.message.as_str(),
        false => "error(s) occurred while evaluating query",
    };
    let mut body = json!({ "code": code, "message": message });
    if let Some(members) = body.as_object_mut() {
        if !errors.is_empty() {
            members.insert("errors".to_owned(), json!(errors));
        }
        if let Some(id) = decision_id {
            members.insert("decision_id".to_owned(), json!(id));
        }
    }
    let mut response = json_value(status, &body, true);
    advise(&mut response, failure);
    response
}

/// Adds what a caller can do about a failure: present another credential, or try again.
pub fn advise(response: &mut Response, failure: &Failure) {
    let status = response.status();
    let headers = response.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => {
            for challenge in challenges(failure) {
                headers.append(WWW_AUTHENTICATE, challenge);
            }
        }
        // RFC 6750 section 3.1: the credential is good, and does not reach as far as this.
        StatusCode::FORBIDDEN if failure.kind == FailureKind::InsufficientPermissions => {
            let known = failure.challenges.iter().filter_map(|text| challenge_text(text));
            let usual = HeaderValue::from_static("Bearer error=\"insufficient_scope\"");
            headers.insert(WWW_AUTHENTICATE, known.into_iter().next().unwrap_or(usual));
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            // Whole seconds, rounded up: sooner would be too soon (RFC 9110 section 10.2.3).
            let wait = failure.retry_after.map_or(1, |wait| wait.as_millis().div_ceil(1000).max(1));
            headers
                .insert(RETRY_AFTER, header_text(&wait.to_string()).unwrap_or(HeaderValue::from_static("1")));
        }
        _ => {}
    }
}

fn policy_errors(failure: &Failure) -> Vec<PolicyError> {
    match (failure.kind, &failure.policy) {
        (_, Some(error)) => vec![PolicyError::clone(error)],
        (FailureKind::DeadlineExceeded, None) => {
            vec![PolicyError { code: "eval_cancel_error", message: failure.message.clone(), location: None }]
        }
        _ => Vec::new(),
    }
}

/// A challenge for each scheme that would do (RFC 9110 section 11.6.1). That of bearer tokens says why the one that was
/// presented was not taken (RFC 6750 section 3), and nothing where none was presented.
fn challenges(failure: &Failure) -> Vec<HeaderValue> {
    let bearer = "Bearer".to_owned();
    let schemes =
        if failure.challenges.is_empty() { std::slice::from_ref(&bearer) } else { &*failure.challenges };
    let described = |scheme: &String| {
        let parameters =
            scheme.strip_prefix("Bearer").filter(|rest| rest.is_empty() || rest.starts_with(' '));
        let Some(parameters) = parameters.filter(|_| failure.kind != FailureKind::CredentialMissing) else {
            return challenge_text(scheme);
        };
        let more = if parameters.is_empty() { String::new() } else { format!(",{parameters}") };
        let description: String = failure.message.replace(['"', '\\'], "'").chars().take(200).collect();
        let text = format!("Bearer error=\"invalid_token\", error_description=\"{description}\"{more}");
        challenge_text(&text)
    };
    schemes.iter().filter_map(described).collect()
}

/// A challenge, whose parts are short: it is never cut in the middle of one.
fn challenge_text(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&text.chars().map(visible).collect::<String>()).ok()
}

/// Says, of a denial whose document lists `required_scopes`, which scopes a token needs: in one challenge (RFC 6750 section 3.1), also where
/// the answer itself is a success (RFC 9110 section 11.6.1), so that whoever asked for somebody can pass it on.
pub fn step_up(response: &mut Response, edge: &Edge, decision: &Decision) {
    let required = decision.result.as_ref().and_then(|result| result.get("required_scopes"));
    let Some(required) = required.filter(|_| decision.outcome == Outcome::Deny) else { return };
    let required = required.elements().into_iter().filter_map(verdict_rego::Value::as_str);
    let required: Vec<&str> = required.take(MOST_SCOPES).collect();
    let in_force = edge.authorizer.in_force();
    let challenges = in_force.authenticator.challenges();
    let challenge = match &decision.auth {
        AuthContext::Verified(verified) => {
            let held = &verified.principal.scopes;
            if required.iter().all(|scope| held.iter().any(|own| own == scope)) {
                return;
            }
            challenges.insufficient_scope(required)
        }
        AuthContext::Anonymous if !required.is_empty() => challenges.token_with_scope(required),
        AuthContext::Anonymous | AuthContext::Unchecked => return,
    };
    if let Some(challenge) = challenge_text(&challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
}

/// Adds the id of a decision, or of a batch, and the caller's own id.
pub fn identify(response: &mut Response, id: Uuid, request_id: Option<&str>) {
    let headers = response.headers_mut();
    let mut buffer = Uuid::encode_buffer();
    if let Ok(id) = HeaderValue::from_str(id.as_hyphenated().encode_lower(&mut buffer)) {
        headers.insert(DECISION_ID, id);
    }
    if let Some(id) = request_id.and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert(REQUEST_ID, id);
    }
}

/// Adds what every answer to a decision carries: id, outcome, reason, the caller's own id.
pub fn mark(response: &mut Response, decision: &Decision) {
    identify(response, decision.id, decision.context.request_id.as_deref());
    let headers = response.headers_mut();
    headers.insert(OUTCOME, HeaderValue::from_static(decision.outcome.name()));
    if let Some(reason) = decision.reason.as_deref().and_then(header_text) {
        headers.insert(REASON, reason);
    }
    limit(response, decision.rate.as_ref());
    if let AuthContext::Verified(verified) = &decision.auth
        && let Some(token) = &verified.next_token
        && let Ok(mut token) = HeaderValue::try_from(token.expose())
    {
        token.set_sensitive(true);
        response.headers_mut().insert(NEXT_TOKEN, token);
    }
}

/// Adds how the caller stands with its rate limits, to what it got and to what it asked for too often.
pub fn limit(response: &mut Response, rate: Option<&RateStanding>) {
    let status = response.status();
    let Some(rate) = rate.filter(|_| status.is_success() || status == StatusCode::TOO_MANY_REQUESTS) else {
        return;
    };
    let RateStanding { name, quota, window, remaining, reset } = rate;
    let headers = response.headers_mut();
    for (header, text) in [
        (RATE_LIMIT_POLICY, format!("\"{name}\";q={quota};w={window}")),
        (RATE_LIMIT, format!("\"{name}\";r={remaining};t={reset}")),
    ] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(header, value);
        }
    }
}

/// Text that may stand in a header: visible ASCII and spaces, at most 256 of them.
fn header_text(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&text.chars().take(256).map(visible).collect::<String>()).ok()
}

fn visible(c: char) -> char {
    if matches!(c, ' '..='~') { c } else { '?' }
}

/// Whether the caller takes gzip (RFC 9110 section 12.5.3).
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let takes = |part: &str| {
        let mut pieces = part.split(';').map(str::trim);
        let coding = pieces.next().unwrap_or_default();
        let refused = pieces
            .any(|piece| matches!(piece.strip_prefix("q=").map(str::parse::<f32>), Some(Ok(q)) if q == 0.0));
        (coding.eq_ignore_ascii_case("gzip") || coding == "*") && !refused
    };
    let mut values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.any(|value| value.split(',').any(takes))
}

/// A JSON answer that may be compressed, and says so in `Vary`.
pub fn negotiated(status: StatusCode, body: String, gzip: bool, min_size: usize) -> Response {
    let packed = if gzip && body.len() >= min_size { pack(body.as_bytes()) } else { None };
    let mut response = match packed {
        None => json_text(status, body),
        Some(packed) => {
            let mut response = json_text(status, packed);
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        }
    };
    vary(&mut response);
    response
}

/// Says that the answer depends on `Accept-Encoding`.
pub fn vary(response: &mut Response) {
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
}

fn pack(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// Indents JSON that was made compact.
pub fn indent(compact: &str) -> String {
    let tree = serde_json::from_str::<Value>(compact);
    tree.and_then(|tree| serde_json::to_string_pretty(&tree)).unwrap_or_else(|_| compact.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_where_it_is_not_refused() {
        for (value, expected) in [
            ("gzip", true),
            ("br, gzip;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap())]);
            assert_eq!(accepts_gzip(&headers), expected, "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn headers_hold_no_line_ends() {
        assert_eq!(header_text("a\r\nb\u{e9}").unwrap(), "a??b?");
    }
}
