//! What outsiders need of a registry: the keys of its organisations, the cards and assertions of its agents, and the exchange of
//! older tokens. On the listener of decisions, because outsiders reach no other.
//!
//! INVARIANT (no credential, nothing new): what is given to anybody is what is to be known to anybody. What is not there and what
//! is not in force are answered alike.
//! INVARIANT (recorded before it is given): an assertion and an exchanged token leave after the record of the call.
//! INVARIANT (nobody waits here): what may ask the database runs on threads that may block, a few at a time.
//!
//! Deliberately absent: who may have what (`registry`), and how assertions of others are verified (`identity`).
//!
//! Reading order: this file → [`published`] → [`assertion`] → [`form`] → [`token`].

mod assertion;
mod form;
mod published;
mod token;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::response::Response;
use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};
use tokio::sync::Semaphore;

use super::answer;
use super::edge::Edge;
use crate::registry::Registry;
use crate::registry::store::{StoreError, StoreErrorKind, WriteError};

/// How many calls may ask the database at a time.
static PLACES: Semaphore = Semaphore::const_new(8);
/// How long a call waits for a place.
const PATIENCE: Duration = Duration::from_secs(5);

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Jwks,
    Bundle,
    Card,
    Assertion,
    Token,
}

/// Every path, with the name under which its requests are counted.
pub(super) const PATHS: [(&str, Asked, &str); 6] = [
    ("/v1/orgs/{id}/jwks.json", Asked::Jwks, "v1/orgs"),
    ("/v1/orgs/{id}/spiffe-bundle", Asked::Bundle, "v1/orgs"),
    ("/v1/agents/{id}/card.jwt", Asked::Card, "v1/agents"),
    ("/v1/assertions", Asked::Assertion, "v1/assertions"),
    ("/oauth/token", Asked::Token, "oauth/token"),
    ("/api/v1/teg/token", Asked::Token, "oauth/token"),
];

/// Answers a request for one of them.
pub(super) async fn handle(edge: &Edge, asked: Asked, request: Request, started: Instant) -> Response {
    let Some(registry) = &edge.registry else { return answer::empty(StatusCode::NOT_FOUND) };
    let reads = matches!(asked, Asked::Jwks | Asked::Bundle | Asked::Card);
    let right = match *request.method() {
        Method::GET | Method::HEAD => reads,
        Method::POST => !reads,
        _ => false,
    };
    if !right {
        let mut response = answer::empty(StatusCode::METHOD_NOT_ALLOWED);
        let methods = HeaderValue::from_static(if reads { "GET, HEAD" } else { "POST" });
        response.headers_mut().insert(ALLOW, methods);
        return response;
    }
    match asked {
        Asked::Assertion => assertion::answer(edge, registry, request, started).await,
        Asked::Token => token::answer(edge, registry, request, started).await,
        Asked::Jwks | Asked::Bundle | Asked::Card => published::answer(registry, asked, request).await,
    }
}

/// Does what may block, on a thread that may.
async fn blocking<T: Send + 'static>(
    registry: &Arc<Registry>,
    work: impl FnOnce(&Registry) -> Result<T, WriteError> + Send + 'static,
) -> Result<T, WriteError> {
    let Ok(Ok(place)) = tokio::time::timeout(PATIENCE, PLACES.acquire()).await else {
        return Err(StoreError::new(StoreErrorKind::Locked, "too many others are at it").into());
    };
    let registry = Arc::clone(registry);
    let done = tokio::task::spawn_blocking(move || {
        let _place = place;
        work(&registry)
    });
    done.await.unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::Other, "it panicked").into()))
}
