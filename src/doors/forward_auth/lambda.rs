//! AWS Lambda authorizers: a function posts the event that API Gateway gave it, and returns the answer's body as it is.
//!
//! Events of format 2.0 are answered with a simple response (`isAuthorized`), those of 1.0 and of `TOKEN` authorizers with an IAM
//! policy for the one method that was called.
//!
//! INVARIANT (the body says no): whatever goes wrong, the body is a valid response, and it denies.
//! INVARIANT (event first): the credential stands in the event, so a small body is read before it is known who is calling; only from
//! proxies that are trusted.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value as Json, json};
use verdict_rego::Value;

use super::asked::{Route, decide, refuse};
use super::trusted::invalid;
use crate::decision_log::Unrecorded;
use crate::doors::answer as answers;
use crate::doors::body::Unread;
use crate::doors::edge::Edge;
use crate::doors::status::status;
use crate::doors::verdict::Effects;
use crate::doors::wire::query::written;
use crate::doors::wire::{Canonical, Described};
use crate::listen::Peer;
use crate::model::decision::{Decision, Recorded};
use crate::model::failure::Failure;

/// The longest event that is read, in bytes: API Gateway passes on at most 10 KiB of headers.
const MAX_EVENT: usize = 128 << 10;

/// Answers a request.
pub(super) async fn handle(edge: &Edge, request: Request, started: Instant) -> Response {
    if *request.method() != Method::POST {
        return answers::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let (parts, body) = request.into_parts();
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let event = match edge.forward_auth.trusted.check(parts.extensions.get::<Peer>().copied()) {
        Ok(()) => read(&mut unread).await,
        Err(failure) => Err(failure),
    };
    let form = event.as_ref().map_or(Form::Simple, |event| event.form.clone());
    let decided = match event.and_then(|event| event.canonical()) {
        Ok(canonical) => decide(edge, Route::Lambda, &parts, &canonical, async || Ok(None), started).await,
        Err(failure) => refuse(edge, Route::Lambda, &parts, failure, started).await,
    };
    answer(edge, &form, decided)
}

/// What the answer looks like.
#[derive(Debug, Clone)]
enum Form {
    /// `{"isAuthorized", "context"}`
    Simple,
    /// An IAM policy for this ARN.
    Policy(String),
}

/// An event, as far as it describes a request.
struct Event {
    form: Form,
    method: String,
    target: String,
    headers: HeaderMap,
    protocol: Option<String>,
    source: Option<SocketAddr>,
}

impl Event {
    fn canonical(&self) -> Result<Canonical, Failure> {
        let scheme = self.headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        Canonical::read(Described {
            method: &self.method,
            target: &self.target,
            scheme,
            protocol: self.protocol.as_deref(),
            headers: self.headers.clone(),
            source: self.source,
            ..Described::default()
        })
    }
}

async fn read(unread: &mut Unread<'_>) -> Result<Event, Failure> {
    let bytes = unread.bytes(MAX_EVENT).await?;
    let event = Value::from_json(&bytes);
    let event = event.map_err(|error| invalid(format!("the body is not an event in JSON: {error}")))?;
    let text = |path: &[&str]| event.at(path.iter().copied()).and_then(Value::as_str);
    if text(&["type"]) == Some("TOKEN") {
        return token(&event);
    }
    match text(&["version"]) {
        Some("2.0") => second(&event),
        // Events of REST APIs have no version.
        None | Some("1.0") => first(&event),
        Some(_) => Err(invalid("the event's `version` is neither `1.0` nor `2.0`")),
    }
}

fn text<'v>(event: &'v Value, path: &[&str]) -> Result<&'v str, Failure> {
    let found = event.at(path.iter().copied()).and_then(Value::as_str);
    found.ok_or_else(|| invalid(format!("the event has no `{}`", path.join("."))))
}

/// Payload format 2.0 (HTTP APIs).
fn second(event: &Value) -> Result<Event, Failure> {
    let http = ["requestContext", "http"];
    let raw = event.get("rawQueryString").and_then(Value::as_str).unwrap_or_default();
    let path = text(event, &["rawPath"])?;
    let mut headers = single(event.get("headers"))?;
    for cookie in event.get("cookies").map(Value::elements).unwrap_or_default() {
        add(&mut headers, "cookie", cookie)?;
    }
    Ok(Event {
        form: Form::Simple,
        method: text(event, &[http[0], http[1], "method"])?.to_owned(),
        target: if raw.is_empty() { path.to_owned() } else { format!("{path}?{raw}") },
        headers,
        protocol: event.at([http[0], http[1], "protocol"]).and_then(Value::as_str).map(str::to_owned),
        source: source(event.at([http[0], http[1], "sourceIp"]))?,
    })
}

/// Payload format 1.0 (REST APIs, and HTTP APIs that ask for it): headers and parameters with all their values.
fn first(event: &Value) -> Result<Event, Failure> {
    let mut headers = HeaderMap::new();
    match event.get("multiValueHeaders").filter(|headers| headers.is_object()) {
        Some(several) => {
            for (name, values) in several.members() {
                for value in values.elements() {
                    add(&mut headers, name, value)?;
                }
            }
        }
        None => headers = single(event.get("headers"))?,
    }
    let mut parameters: Vec<(String, String)> = Vec::new();
    let several = event.get("multiValueQueryStringParameters").filter(|several| several.is_object());
    let pairs = several.or_else(|| event.get("queryStringParameters"));
    for (name, values) in pairs.into_iter().flat_map(Value::members) {
        let values = if values.as_str().is_some() { vec![values] } else { values.elements() };
        for value in values {
            let value =
                value.as_str().ok_or_else(|| invalid("the event has a parameter that is not text"))?;
            parameters.push((name.to_owned(), value.to_owned()));
        }
    }
    let (path, query) = (text(event, &["path"])?, written(parameters.iter()));
    Ok(Event {
        form: Form::Policy(text(event, &["methodArn"]).or_else(|_| text(event, &["routeArn"]))?.to_owned()),
        method: text(event, &["httpMethod"])?.to_owned(),
        target: if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") },
        headers,
        protocol: event.at(["requestContext", "protocol"]).and_then(Value::as_str).map(str::to_owned),
        source: source(event.at(["requestContext", "identity", "sourceIp"]))?,
    })
}

/// A `TOKEN` authorizer's: the token, and a method and path in the ARN (`arn:…:<api>/<stage>/<method>/<path>`).
fn token(event: &Value) -> Result<Event, Failure> {
    let arn = text(event, &["methodArn"])?;
    let mut parts = arn.splitn(6, ':').nth(5).unwrap_or_default().splitn(4, '/').skip(2);
    let (Some(method), path) = (parts.next(), parts.next().unwrap_or_default()) else {
        return Err(invalid("the event's `methodArn` names no method"));
    };
    let mut headers = HeaderMap::new();
    let token = event.get("authorizationToken");
    add(
        &mut headers,
        "authorization",
        token.ok_or_else(|| invalid("the event has no `authorizationToken`"))?,
    )?;
    let (method, target) = (method.to_owned(), format!("/{path}"));
    Ok(Event { form: Form::Policy(arn.to_owned()), method, target, headers, protocol: None, source: None })
}

/// An object of headers with one text each.
fn single(headers: Option<&Value>) -> Result<HeaderMap, Failure> {
    let mut read = HeaderMap::new();
    for (name, value) in headers.into_iter().flat_map(Value::members) {
        add(&mut read, name, value)?;
    }
    Ok(read)
}

/// Names that differ by case alone are one header with several values.
fn add(headers: &mut HeaderMap, name: &str, value: &Value) -> Result<(), Failure> {
    let wrong = || invalid("the event has a header that HTTP does not have");
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
    let text = value.as_str().ok_or_else(wrong)?;
    let mut value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| wrong())?;
    value.set_sensitive(true);
    headers.try_append(name, value).map_err(|_| wrong())?;
    Ok(())
}

fn source(address: Option<&Value>) -> Result<Option<SocketAddr>, Failure> {
    let Some(text) = address.and_then(Value::as_str) else { return Ok(None) };
    let address = text.parse::<IpAddr>().map_err(|_| invalid("the event's `sourceIp` is no address"))?;
    Ok(Some(SocketAddr::new(address, 0)))
}

fn answer(edge: &Edge, form: &Form, decided: Result<Recorded<Decision>, Unrecorded>) -> Response {
    let decision = match decided {
        Ok(decision) => decision,
        Err(unrecorded) => {
            let context = Map::from_iter([("decision_id".to_owned(), json!(unrecorded.id))]);
            let status = status(unrecorded.failure().kind);
            let mut response = answers::json_value(status, &said(form, false, "anonymous", context), false);
            answers::identify(&mut response, unrecorded.id, None);
            return response;
        }
    };
    let effects = Effects::of(&decision, &edge.routes);
    let status = decision.failure.as_ref().map_or(StatusCode::OK, |failure| status(failure.kind));
    let input = decision.input.as_ref().filter(|_| !decision.is_refused());
    let principal = input.and_then(|input| input.at(["subject", "id"])).and_then(Value::as_str);
    let body = said(form, effects.allowed, principal.unwrap_or("anonymous"), context(&decision, &effects));
    let mut response = answers::json_value(status, &body, false);
    answers::mark(&mut response, &decision);
    response
}

/// What mapping templates and services get to see: texts alone, under names without `-`.
fn context(decision: &Decision, effects: &Effects) -> Map<String, Json> {
    let mut context = Map::new();
    let told = effects.allowed.then_some(effects.identity.iter().chain(&effects.headers));
    for (name, value) in told.into_iter().flatten() {
        if let Ok(text) = std::str::from_utf8(value.as_bytes()) {
            context.insert(name.as_str().replace('-', "_"), json!(text));
        }
    }
    if let Some(reason) = effects.reason.as_ref().filter(|_| !effects.allowed) {
        context.insert("reason".to_owned(), json!(reason));
    }
    context.insert("decision_id".to_owned(), json!(decision.id));
    context.insert("outcome".to_owned(), json!(decision.outcome.name()));
    context
}

fn said(form: &Form, allowed: bool, principal: &str, context: Map<String, Json>) -> Json {
    match form {
        Form::Simple => json!({ "isAuthorized": allowed, "context": context }),
        Form::Policy(arn) => json!({
            "principalId": principal,
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Action": "execute-api:Invoke",
                    "Effect": if allowed { "Allow" } else { "Deny" },
                    "Resource": arn,
                }],
            },
            "context": context,
        }),
    }
}
