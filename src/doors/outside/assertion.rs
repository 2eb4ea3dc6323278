//! An agent asks for an assertion of its identity, with its own key.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde_json::json;

use super::blocking;
use crate::authorize::attest::Attested;
use crate::doors::answer;
use crate::doors::body::Unread;
use crate::doors::context::arrival;
use crate::doors::edge::Edge;
use crate::doors::status::{opa_code, status};
use crate::listen::Peer;
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::Verified;
use crate::model::request::EntryPath;
use crate::registry::actor::{Actor, Power};
use crate::registry::issue::{ASSERTION, Issued, NewAssertion};
use crate::registry::rejection::RejectionKind;
use crate::registry::store::WriteError;
use crate::registry::{ISSUER, Registry};

/// The name of this door in records.
const PROTOCOL: &str = "assertion";
/// The longest body, in bytes.
const LONGEST_BODY: usize = 8 * 1024;

/// Answers it.
pub(super) async fn answer(
    edge: &Edge,
    registry: &Arc<Registry>,
    request: Request,
    started: Instant,
) -> Response {
    let (parts, body) = request.into_parts();
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let peer = parts.extensions.get::<Peer>().and_then(|peer| peer.address()).map(|address| address.ip());
    let ask = async |verified: &Verified| {
        let mut actor = agent(verified)?;
        actor.peer = peer;
        let bytes = unread.bytes(LONGEST_BODY).await?;
        let new: NewAssertion = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::new(FailureKind::InvalidRequest, format!("the body is not what it is to be: {error}"))
        })?;
        Ok((actor, new))
    };
    let mut arrival = arrival(&parts, PROTOCOL, Ok(EntryPath::default()), started);
    arrival.context.operation = Some(format!("{} {}", parts.method, parts.uri.path()));
    let Attested { decision, asked } = match edge.authorizer.attest(arrival, ask).await {
        Ok(attested) => attested,
        Err(unrecorded) => return problem(&unrecorded.failure(), unrecorded.id),
    };
    let mut response = match (asked, &decision.failure) {
        (Some((actor, new)), _) => {
            let id = actor.agent().unwrap_or_default().to_owned();
            let issued = blocking(registry, move |registry| registry.assertion(&actor, &id, &new)).await;
            match issued {
                Ok(issued) => answer::json_value(StatusCode::OK, &shown(&issued), false),
                Err(error) => problem(&failure(error), decision.id),
            }
        }
        (None, Some(failure)) => problem(failure, decision.id),
        (None, None) => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
    };
    answer::identify(&mut response, decision.id, decision.context.request_id.as_deref());
    answer::limit(&mut response, decision.rate.as_ref());
    response.headers_mut().insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}

/// The agent that calls, with a key of its own and in its own name.
fn agent(verified: &Verified) -> Result<Actor, Failure> {
    let Verified { principal, key, delegation, restrictions, .. } = verified;
    let own = principal.issuer == ISSUER && principal.method == "api_key" && principal.actors.is_empty();
    match (&principal.agent, key) {
        (Some(id), Some(key)) if own && delegation.is_none() && restrictions.scopes.is_empty() => Ok(Actor {
            id: key.to_string(),
            power: Power::Agent { organisation: principal.tenant.clone(), id: id.clone() },
            peer: None,
        }),
        _ => Err(Failure::insufficient("an assertion is for an agent that calls with its own key")),
    }
}

fn shown(issued: &Issued) -> serde_json::Value {
    json!({
        "assertion": issued.token.expose(), "type": ASSERTION, "expires_in": issued.expires_in, "jti": issued.id,
    })
}

/// What went wrong in the registry, as doors say it.
pub(super) fn failure(error: WriteError) -> Failure {
    match error {
        WriteError::Rejected(rejection) => {
            let kind = match rejection.kind {
                RejectionKind::Invalid | RejectionKind::Conflict => FailureKind::InvalidRequest,
                RejectionKind::NotFound => FailureKind::UnknownPath,
                RejectionKind::Forbidden => FailureKind::InsufficientPermissions,
            };
            let field = rejection.field.map(|field| format!("`{field}` ")).unwrap_or_default();
            Failure::new(kind, format!("{field}{}", rejection.message))
        }
        WriteError::Store(error) => {
            tracing::error!("the registry cannot issue anything: {error}");
            Failure::new(FailureKind::VerifierUnavailable, "the registry cannot issue anything now")
        }
    }
}

fn problem(failure: &Failure, id: uuid::Uuid) -> Response {
    let status = status(failure.kind);
    answer::problem((status, opa_code(status)), failure, Some(id))
}
