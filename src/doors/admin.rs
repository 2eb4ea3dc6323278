//! The admin API: organisations, agents, keys, delegations, roles, secrets, settings, revocations, and their logs.
//!
//! INVARIANT (always a credential): whoever calls is authenticated, also where identity is off. What it may do comes from the
//! registry (`actor`). The two that need none: the OpenAPI document, and the beginning of a registry, which has a token.
//! INVARIANT (recorded before it is done): the record says who attempts what. Only then is it attempted; whether it came to
//! something is in the registry's audit log, and in the metrics by status. So nothing is changed without a record, and what was
//! changed is answered as such.
//! INVARIANT (nobody waits here): what asks the database runs on threads that may block, a few at a time.
//! INVARIANT (one table): routes and the OpenAPI document are made of the same operations (`operation`).
//!
//! Deliberately absent: every rule about who may change what (`registry`), pages for browsers (`console`).
//!
//! Reading order: `operation` → `asked` → `actor` → this file → `render` → `organisations`, `agents`, `keys`, `signing`, `small` →
//! `relay`, `agentpack` (the same under the names of those systems) → `table` → `shapes` → `openapi`.

mod actor;
mod agentpack;
mod agents;
mod aip;
mod asked;
mod keys;
mod openapi;
mod operation;
mod organisations;
mod relay;
mod render;
mod shapes;
mod signing;
mod small;
mod table;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::response::Response;
use http::header::{ALLOW, AUTHORIZATION};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::Value;
use tokio::sync::Semaphore;

use self::asked::{Asked, Document, Invalid};
use self::operation::{Needs, Operation, Trouble, With, Work};
use self::table::operations;
use super::answer::{self, json_value};
use super::body::Unread;
use super::context::arrival;
use super::edge::Edge;
use crate::authorize::in_force::InForce;
use crate::authorize::{Administered, Arrival, Entrance};
use crate::listen::Peer;
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::AuthContext;
use crate::model::request::EntryPath;
use crate::registry::actor::{Actor, Power};
use crate::registry::{Directory as _, Registry};

/// The name of this door in records.
const PROTOCOL: &str = "management";
/// How many calls ask the database at a time.
static PLACES: Semaphore = Semaphore::const_new(8);
/// How long a call waits for a place.
const PATIENCE: Duration = Duration::from_secs(5);

/// Every path, with the name under which its requests are counted.
pub(super) fn paths() -> Vec<(&'static str, &'static str)> {
    let mut paths: Vec<&'static str> = operations().map(|operation| operation.path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().chain([openapi::PATH]).map(|path| (path, counted_as(path))).collect()
}

/// `v1/agents` for all below it.
fn counted_as(path: &'static str) -> &'static str {
    let path = path.strip_prefix('/').unwrap_or(path);
    let end = path.match_indices('/').nth(1).map_or(path.len(), |(at, _)| at);
    path.get(..end).unwrap_or(path)
}

/// Answers a request for one of the paths.
pub(super) async fn handle(edge: &Edge, path: &'static str, request: Request, started: Instant) -> Response {
    let (parts, body) = request.into_parts();
    let unread = Unread::new(&parts.headers, body, edge.limits);
    if path == openapi::PATH {
        return openapi::answer(&parts.method);
    }
    let Some(registry) = &edge.registry else { return answer::empty(StatusCode::NOT_FOUND) };
    let found = operations().find(|operation| operation.path == path && operation.is_asked_by(&parts.method));
    let mut response = match found {
        Some(operation) => call(&Called { edge, registry, operation, parts: &parts }, unread, started).await,
        None => not_allowed(path),
    };
    render::unstored(&mut response);
    response
}

fn not_allowed(path: &str) -> Response {
    let methods = operations().filter(|operation| operation.path == path).map(|operation| operation.method);
    let mut response = answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    if let Ok(methods) = HeaderValue::try_from(methods.collect::<Vec<_>>().join(", ")) {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

/// A call of an operation.
struct Called<'a> {
    edge: &'a Edge,
    registry: &'a Arc<Registry>,
    operation: &'static Operation,
    parts: &'a Parts,
}

/// What is left to do, and how its answer is to look.
struct Prepared {
    work: Work,
    pretty: bool,
}

/// Says who calls, reads what it wants, records that, and then does it.
async fn call(called: &Called<'_>, mut unread: Unread<'_>, started: Instant) -> Response {
    let Called { edge, operation, parts, .. } = called;
    let asked = Asked::read(operation.path, operation.query, parts.uri.path(), parts.uri.query());
    let about = asked.as_ref().ok().and_then(|asked| about(operation, asked));
    let mut field = None;
    let admit = |auth: &AuthContext, in_force: &InForce| called.admit(auth, in_force, about.as_deref());
    let ask = async || {
        let document = match operation.body {
            Some(_) => unread.parse::<Document>().await?,
            None => Document::default(),
        };
        asked.and_then(|asked| prepare(operation, asked.with(document))).map_err(|invalid| {
            let Invalid { field: about, message } = invalid;
            let message = about.as_ref().map_or(message.clone(), |field| format!("`{field}` {message}"));
            field = about;
            Failure::new(FailureKind::InvalidRequest, message)
        })
    };
    let recorded = edge.authorizer.administer(called.arrival(started), called.entrance(), admit, ask).await;
    let Administered { decision, attempt } = match recorded {
        Ok(administered) => administered,
        Err(unrecorded) => {
            return render::problem(operation.dialect, &unrecorded.failure(), None, Some(unrecorded.id));
        }
    };
    let mut response = match (attempt, &decision.failure) {
        (Some((actor, Prepared { work, pretty })), _) => match called.perform(actor, work).await {
            Ok(_) if operation.answer.is_none() => answer::empty(operation.status),
            Ok(value) => json_value(operation.status, &value, pretty),
            Err(trouble) => render::trouble(operation.dialect, &trouble, decision.id),
        },
        (None, Some(failure)) if called.is_begun() => render::begun(failure, decision.id),
        (None, Some(failure)) => {
            render::problem(operation.dialect, failure, field.as_deref(), Some(decision.id))
        }
        (None, None) => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
    };
    answer::identify(&mut response, decision.id, decision.context.request_id.as_deref());
    answer::limit(&mut response, decision.rate.as_ref());
    response
}

fn prepare(operation: &Operation, asked: Asked) -> Result<Prepared, Invalid> {
    let pretty = asked.pretty();
    (operation.prepare)(asked).map(|work| Prepared { work, pretty })
}

/// The organisation that a call is about, as far as its target says.
fn about(operation: &Operation, asked: &Asked) -> Option<String> {
    let is_in_path = operation.path.starts_with("/v1/orgs/{id}");
    let named = asked.organisation().or_else(|| asked.parameter(relay::ORGANISATION));
    named.or_else(|| is_in_path.then(|| asked.id()))
}

impl<'a> Called<'a> {
    fn arrival(&self, started: Instant) -> Arrival<'a> {
        let mut arrival = arrival(self.parts, PROTOCOL, Ok(EntryPath::default()), started);
        arrival.context.operation = Some(format!("{} {}", self.parts.method, self.parts.uri.path()));
        arrival
    }

    fn entrance(&self) -> Entrance {
        if self.operation.needs == Needs::Token { Entrance::Token } else { Entrance::Credential }
    }

    /// Whether it wants to begin what has been begun.
    fn is_begun(&self) -> bool {
        self.operation.needs == Needs::Token
            && self.edge.bootstrap.as_ref().is_none_or(|token| token.is_spent())
    }

    /// Who it is, if it may attempt this.
    fn admit(&self, auth: &AuthContext, in_force: &InForce, about: Option<&str>) -> Result<Actor, Failure> {
        let peer =
            self.parts.extensions.get::<Peer>().and_then(|peer| peer.address()).map(|address| address.ip());
        if self.operation.needs == Needs::Token {
            self.check_token()?;
            return Ok(Actor { id: "bootstrap".to_owned(), power: Power::Operator, peer });
        }
        let records = self.registry.records();
        let records =
            records.map_err(|error| Failure::new(FailureKind::VerifierUnavailable, error.to_string()))?;
        let forbidden = |message: &str| Failure::new(FailureKind::InsufficientPermissions, message);
        if let Some(operation) = self.operation.delegated
            && let Some(actor) = actor::delegated(auth, peer)
        {
            let (path, input) = agentpack::asked(operation);
            in_force.settings.gate.check(auth, &path, Some(&input))?;
            return Ok(actor);
        }
        let operators = &in_force.settings.management_role;
        let actor = actor::resolve(auth, operators, &records, about, peer);
        let actor = actor.ok_or_else(|| {
            forbidden(
                "the credential has no power here: it is none of an operator, admin, bridge, agent or device, and no member's \
                 (whose token names no organisation says which one with `?organisation=`)",
            )
        })?;
        self.operation.needs.check(&actor).map_err(|rejection| forbidden(&rejection.message))?;
        Ok(actor)
    }

    fn check_token(&self) -> Result<(), Failure> {
        if self.is_begun() {
            let message = "the registry has been begun; an operator makes whatever else is needed";
            return Err(Failure::new(FailureKind::InsufficientPermissions, message));
        }
        let mut values = self.parts.headers.get_all(AUTHORIZATION).iter();
        let bearer = match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok().and_then(bearer),
            _ => None,
        };
        let right = self.edge.bootstrap.as_ref().zip(bearer).is_some_and(|(token, text)| token.is(text));
        let message = "this needs the bootstrap token as bearer token; it is in `bootstrap-token` in the state directory";
        if right { Ok(()) } else { Err(Failure::new(FailureKind::CredentialInvalid, message)) }
    }

    /// Does it, on a thread that may block.
    async fn perform(&self, actor: Actor, work: Work) -> Result<Value, Trouble> {
        let Ok(Ok(place)) = tokio::time::timeout(PATIENCE, PLACES.acquire()).await else {
            return Err(Trouble::Busy);
        };
        let (registry, token) = (Arc::clone(self.registry), self.edge.bootstrap.clone());
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&With { registry: &registry, token: token.as_deref(), actor: &actor })
        });
        done.await.unwrap_or(Err(Trouble::Panicked))
    }
}

/// The token of `Bearer <token>` (RFC 6750 section 2.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
