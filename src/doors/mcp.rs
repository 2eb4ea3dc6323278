//! The doors for gateways of the Model Context Protocol (MCP): whether a message may pass, and which items of a list a client is shown.
//!
//! A gateway (or the middleware of a server) sends what it has, with the client's headers, whose credential says who is calling:
//!
//! - `POST /mcp/authorize[/{server}]`: a JSON-RPC message. 200 lets it pass; anything else is an answer for the client.
//! - `POST /mcp/filter[/{server}]`: a request for a list and the server's response. 200 with the response that the client may see.
//! - `/mcp/kuadrant`: a message that Kuadrant's router describes in headers.
//! - `POST /mcp/toolhive/decision`: a question of toolhive's HTTP authorizer.
//!
//! INVARIANT (the message decides): policy is asked about the message and never about headers that mirror it; a header that
//! contradicts the message is an error (`headers`).
//! INVARIANT (all of them): a message with several questions passes if policy allows each of them.
//! INVARIANT (unknown is denied): a method, a member or a subscription that is not known does not pass (`message`, `mapping`).
//!
//! Deliberately absent: forwarding; tool definitions that are learnt from what servers list; sessions, which are the server's;
//! remembering answers.
//!
//! Reading order: [`config`] → `rpc` → `message` → `headers` → `mapping` → `input` → `expression` → `coaz` → `tools` → `listing` → `answer` → this file → `toolhive` → `kuadrant` → [`described`] (messages that other doors are told of).

mod answer;
mod coaz;
pub mod config;
pub(super) mod described;
mod expression;
mod headers;
mod input;
mod kuadrant;
mod listing;
mod mapping;
mod message;
mod rpc;
mod toolhive;
mod tools;

use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{ALLOW, CACHE_CONTROL};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value as Json, json};

use self::answer::{Asked, Settled};
use self::config::Settings;
use self::input::Facts;
use self::listing::Listing;
use self::mapping::Resource;
use self::message::Message;
use self::rpc::Fault;
use super::answer::{self as answers, json_text, json_value};
use super::body::Unread;
use super::context::{arrival, request_context};
use super::edge::Edge;
use super::status::status;
use crate::authorize::{Batch, Question};
use crate::listen::Peer;
use crate::model::decision::Outcome;
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::AuthContext;
use crate::model::request::EntryPath;
use verdict_rego::Value;

/// The name of these doors in records.
const PROTOCOL: &str = "mcp";

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Authorize,
    Filter,
    Kuadrant,
    Toolhive,
}

const AUTHORIZE: &str = "/mcp/authorize";
const FILTER: &str = "/mcp/filter";

/// Path, route, and the name under which its requests are counted.
pub(super) const PATHS: [(&str, Route, &str); 7] = [
    (AUTHORIZE, Route::Authorize, "mcp/authorize"),
    ("/mcp/authorize/{server}", Route::Authorize, "mcp/authorize"),
    // Envoy puts the path that its client asked for behind the prefix.
    ("/mcp/authorize/{server}/{*asked}", Route::Authorize, "mcp/authorize"),
    (FILTER, Route::Filter, "mcp/filter"),
    ("/mcp/filter/{server}", Route::Filter, "mcp/filter"),
    ("/mcp/kuadrant", Route::Kuadrant, "mcp/kuadrant"),
    ("/mcp/toolhive/decision", Route::Toolhive, "mcp/toolhive"),
];

/// The document that a route asks for.
pub(super) fn document(edge: &Edge, route: Route) -> &EntryPath {
    let Settings { document, toolhive, .. } = &edge.mcp;
    match (route, toolhive) {
        (Route::Toolhive, Some(own)) => own,
        _ => document,
    }
}

/// Answers a request.
pub(super) async fn handle(edge: &Edge, route: Route, request: Request, started: Instant) -> Response {
    let (parts, body) = request.into_parts();
    // Kuadrant's router sends on what the client sent, of which only the headers count.
    if parts.method != Method::POST && route != Route::Kuadrant {
        return wrong_method(edge, &parts, started).await;
    }
    match route {
        Route::Authorize => authorize(edge, &parts, body, started).await,
        Route::Filter => filter(edge, &parts, body, started).await,
        Route::Kuadrant => kuadrant(edge, &parts, body, started).await,
        Route::Toolhive if edge.mcp.toolhive.is_some() => toolhive(edge, &parts, body, started).await,
        Route::Toolhive => answers::text_answer(StatusCode::NOT_FOUND, "404 page not found\n"),
    }
}

async fn wrong_method(edge: &Edge, parts: &Parts, started: Instant) -> Response {
    let failure = Failure::new(FailureKind::InvalidRequest, "messages of MCP are asked about with `POST`");
    let context = request_context(&parts.headers, parts.extensions.get::<Peer>().copied(), PROTOCOL);
    let refused = edge.authorizer.refuse(None, failure, context, started).await;
    let mut response = answers::empty(StatusCode::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    match refused {
        Ok(decision) => answers::mark(&mut response, &decision),
        Err(unrecorded) => return answer::of_unrecorded(&unrecorded, &Asked::new(edge.mcp.denial_code)),
    }
    response
}

/// The server that a path names.
fn server(parts: &Parts, prefix: &str) -> Result<Option<String>, Failure> {
    let invalid = |message: String| Failure::new(FailureKind::InvalidRequest, message);
    let rest = parts.uri.path().strip_prefix(prefix).unwrap_or_default();
    let path = EntryPath::parse(rest).map_err(invalid)?;
    Ok(path.segments().first().cloned())
}

/// The client of a verified caller's token (RFC 8693 section 4.3).
fn agent(auth: &AuthContext) -> Option<&str> {
    match auth {
        AuthContext::Verified(verified) => verified.principal.claims.get("client_id")?.as_str(),
        AuthContext::Unchecked | AuthContext::Anonymous => None,
    }
}

/// The verified claims of a caller's token.
fn claims(auth: &AuthContext) -> Json {
    let AuthContext::Verified(verified) = auth else { return json!({}) };
    let mut claims = verified.principal.claims.clone();
    claims.entry("sub").or_insert_with(|| verified.principal.id.as_str().into());
    Json::Object(claims)
}

/// The questions of a batch, and why there are none, where that is the message's fault.
fn batch(asked: &mut Asked, read: Result<Vec<Value>, Fault>, question: Question) -> Result<Batch, Failure> {
    match read {
        Ok(inputs) => {
            let inputs = inputs.into_iter().enumerate().map(|(n, input)| (n.to_string(), input));
            let inputs = inputs.map(|(name, input)| (name, Ok(input))).collect();
            Ok(Batch { inputs, question, ..Batch::default() })
        }
        Err(fault) => {
            let failure = fault.failure();
            asked.fault = Some(fault);
            Err(failure)
        }
    }
}

async fn authorize(edge: &Edge, parts: &Parts, body: Body, started: Instant) -> Response {
    let mut asked = Asked::new(edge.mcp.denial_code);
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let server = server(parts, AUTHORIZE);
    let ask = async |auth: &AuthContext| {
        let server = server?;
        let bytes = unread.bytes(usize::MAX).await?;
        let mut passes = false;
        let read = (|| {
            let document = message::document(&bytes)?;
            asked.id = message::id(&document)?;
            let message = Message::of(document)?;
            let version = headers::version(&parts.headers, &message)?;
            let server = server.as_deref();
            let facts = Facts { message: &message, version, server, listed_by: None, agent: agent(auth) };
            let tool = edge.mcp.tools(server).and_then(|tools| tools.called(&message));
            if let Some(tool) = tool.filter(|_| version == Some(headers::MODERN)) {
                tool.check_headers(&parts.headers, &message)?;
            }
            match tool.and_then(|tool| tool.mapping.as_ref()) {
                Some(mapping) => {
                    let evaluations = mapping.evaluations(&message.params, &claims(auth))?;
                    Ok(evaluations.iter().map(|evaluation| facts.mapped(evaluation)).collect())
                }
                None => questions(&facts, &mut passes),
            }
        })();
        batch(&mut asked, read, Question { passes, input_parse: started.elapsed(), ..Question::default() })
    };
    let arrival = arrival(parts, PROTOCOL, Ok(edge.mcp.document.clone()), started);
    let authorized = edge.authorizer.authorize_batch_of(arrival, ask).await;
    answer::of_message(edge, &authorized, &asked)
}

/// A question for each resource of a message; one that says that it passes where it has none.
fn questions(facts: &Facts<'_>, passes: &mut bool) -> Result<Vec<Value>, Fault> {
    let resources = mapping::resources(facts.message, facts.server)?;
    *passes = resources.is_empty();
    let inputs = |all: &[Resource]| all.iter().map(|resource| facts.input(resource)).collect();
    Ok(match resources.as_slice() {
        [] => inputs(&[mapping::server(facts.server)]),
        all => inputs(all),
    })
}

async fn kuadrant(edge: &Edge, parts: &Parts, body: Body, started: Instant) -> Response {
    let mut asked = Asked::new(edge.mcp.denial_code);
    let _unread = Unread::new(&parts.headers, body, edge.limits);
    let ask = async |auth: &AuthContext| {
        let mut passes = false;
        let read = kuadrant::message(&parts.headers).and_then(|(message, server)| {
            let facts =
                Facts { message: &message, version: None, server, listed_by: None, agent: agent(auth) };
            questions(&facts, &mut passes)
        });
        batch(&mut asked, read, Question { passes, input_parse: started.elapsed(), ..Question::default() })
    };
    let arrival = arrival(parts, PROTOCOL, Ok(edge.mcp.document.clone()), started);
    let authorized = edge.authorizer.authorize_batch_of(arrival, ask).await;
    answer::of_message(edge, &authorized, &asked)
}

async fn filter(edge: &Edge, parts: &Parts, body: Body, started: Instant) -> Response {
    let mut asked = Asked::new(edge.mcp.denial_code);
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let server = server(parts, FILTER);
    let mut listing = None;
    let ask = async |auth: &AuthContext| {
        let server = server?;
        let bytes = unread.bytes(usize::MAX).await?;
        let read = Listing::read(&bytes).map(|read| {
            asked.id = read.message.id.as_ref().and_then(|id| serde_json::to_value(id).ok());
            let facts = Facts {
                message: &read.message,
                version: None,
                server: server.as_deref(),
                listed_by: None,
                agent: agent(auth),
            };
            let questions = read.questions(&facts);
            listing = Some(read);
            questions
        });
        batch(&mut asked, read, Question { input_parse: started.elapsed(), ..Question::default() })
    };
    let arrival = arrival(parts, PROTOCOL, Ok(edge.mcp.document.clone()), started);
    let authorized = match edge.authorizer.authorize_batch_of(arrival, ask).await {
        Ok(authorized) => authorized,
        Err(refused) => return answer::of_refused(edge, &refused, &asked),
    };
    let answers = || authorized.answers.iter().map(|(_, answer)| answer);
    // A list that is shown without a record of each item would be an answer without a record.
    if let Some(unrecorded) = answers().find_map(|answer| answer.as_ref().err()) {
        return answer::of_unrecorded(unrecorded, &asked);
    }
    let whole = match (Settled::of(answers().take(1)), listing) {
        (Some(Settled::Allowed(decision)), Some(listing)) => Some((decision, listing)),
        (Some(Settled::Denied(decision)), _) => return answer::of_denied(edge, decision, &asked),
        _ => None,
    };
    let Some((decision, listing)) = whole else {
        return answers::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let allowed =
        answers().skip(1).map(|answer| answer.as_ref().is_ok_and(|answer| answer.outcome == Outcome::Allow));
    let mut response = match listing.filtered(allowed) {
        Ok(shown) => json_text(StatusCode::OK, shown),
        Err(fault) => {
            asked.fault = Some(fault);
            return answer::of_denied(edge, decision, &asked);
        }
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    answers::mark(&mut response, decision);
    response
}

async fn toolhive(edge: &Edge, parts: &Parts, body: Body, started: Instant) -> Response {
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let ask = async || {
        let bytes = unread.bytes(usize::MAX).await?;
        let read = message::document(&bytes).and_then(|asked| toolhive::input(&asked));
        let input = read.map_err(|fault| fault.failure())?;
        let about = edge.mcp.about.clone();
        Ok(Question { input: Some(input), about, input_parse: started.elapsed(), ..Question::default() })
    };
    let path = Ok(document(edge, Route::Toolhive).clone());
    match edge.authorizer.authorize(arrival(parts, PROTOCOL, path, started), ask).await {
        Ok(authorized) => {
            let decision = &authorized.decision;
            let allow = decision.outcome == Outcome::Allow;
            let code = decision.failure.as_ref().map_or(StatusCode::OK, |failure| status(failure.kind));
            let mut response = json_value(code, &json!({ "allow": allow }), false);
            if let Some(failure) = &decision.failure {
                answers::advise(&mut response, failure);
            }
            answers::mark(&mut response, decision);
            response
        }
        Err(unrecorded) => {
            let failure = unrecorded.failure();
            let mut response = json_value(status(failure.kind), &json!({ "allow": false }), false);
            answers::advise(&mut response, &failure);
            answers::identify(&mut response, unrecorded.id, None);
            response
        }
    }
}
