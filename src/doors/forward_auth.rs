//! Forward authentication: a gateway asks about each request before it passes it on, and goes by the status of the answer.
//!
//! | path | for |
//! |---|---|
//! | `/authz/nginx` | nginx's `auth_request` |
//! | `/authz/forward` | Caddy's `forward_auth`, Traefik's `forwardAuth` |
//! | `/authz/oathkeeper` | Ory Oathkeeper's `remote_json` |
//! | `/authz/lambda` | an AWS Lambda authorizer |
//!
//! INVARIANT (success is allow): no answer has a status of 2xx but that to an allow; the answer of an authorizer says yes or no in its
//! body.
//! INVARIANT (believed, not asserted): what describes a request is taken from the configured proxies alone, whole or not at all; who is
//! calling is always verified.
//! INVARIANT (never this URL): a request that does not say what it is about is refused. The path of a door is never what is decided.
//!
//! Deliberately absent: how a described request is read (`wire`), and what a policy's answer may say (`verdict`).
//!
//! Reading order: [`config`] → [`settings`] → [`trusted`] → [`described`] → this file → [`asked`] → [`answer`] → [`oathkeeper`] →
//! [`lambda`].

mod answer;
mod asked;
pub mod config;
mod described;
mod lambda;
mod oathkeeper;
pub mod settings;
mod trusted;

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;

use self::asked::{decide, refuse};
use super::body::Unread;
use super::edge::Edge;
use super::wire::{Canonical, Content};
use crate::listen::Peer;

pub(super) use self::asked::Route;

/// Answers a request.
pub(super) async fn handle(edge: &Edge, route: Route, request: Request, started: Instant) -> Response {
    match route {
        Route::Nginx | Route::Forward => forward(edge, route, request, started).await,
        Route::Oathkeeper => oathkeeper::handle(edge, request, started).await,
        Route::Lambda => lambda::handle(edge, request, started).await,
    }
}

/// A request that is described by headers, beside those of the client.
async fn forward(edge: &Edge, route: Route, request: Request, started: Instant) -> Response {
    let (parts, body) = request.into_parts();
    let mut unread = Unread::new(&parts.headers, body, edge.limits);
    let peer = parts.extensions.get::<Peer>().copied();
    let trusted = &edge.forward_auth.trusted;
    let read = trusted.check(peer).and_then(|()| {
        let described = match route {
            Route::Nginx => described::nginx(&parts.headers, trusted),
            _ => described::forwarded(&parts.headers, trusted),
        };
        Canonical::read(described?)
    });
    let canonical = match read {
        Ok(canonical) => canonical,
        Err(failure) => {
            return answer::of(edge, route, None, refuse(edge, route, &parts, failure, started).await);
        }
    };
    // nginx sends no body, and may say that it has the client's.
    let ask = async || match route {
        Route::Forward => Ok(Some(Content { bytes: unread.bytes(usize::MAX).await?, truncated: false })),
        _ => Ok(None),
    };
    let decided = decide(edge, route, &parts, &canonical, ask, started).await;
    answer::of(edge, route, Some(&canonical), decided)
}
