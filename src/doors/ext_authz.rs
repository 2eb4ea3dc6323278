//! Envoy's external authorization: `envoy.service.auth.v3.Authorization/Check` in gRPC, and the HTTP service.
//!
//! INVARIANT (the caller is the client): who is calling is what the described request presents. The connection is the gateway's, whose
//! own certificate says no more than whether it may pass on its client's (`identity.proxies`).
//! INVARIANT (a denial is a denial): where there is a record, the answer is an allow or a denial, malformed checks included. An error of
//! gRPC, which Envoy can be told to let through (`failure_mode_allow`), is left for what could not be recorded.
//! INVARIANT (message first): the credential is in the message, so that is read, within the limits of every body, before it is known who
//! is calling.
//!
//! Deliberately absent: version 2 of the API, and checks of connections without an HTTP request.
//!
//! Reading order: [`config`] → [`over_grpc`] → [`attributes`] (what is asked) → [`protojson`] → [`asked`] → [`answer`] → [`over_http`].

mod answer;
mod asked;
mod attributes;
pub mod config;
mod over_grpc;
mod over_http;
mod protojson;

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;

use super::edge::Edge;

pub use self::config::Config;

/// The service's name in gRPC.
pub(super) const SERVICE: &str = "envoy.service.auth.v3.Authorization";
/// Where it is called.
pub(super) const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// How it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// By `Check`.
    Grpc,
    /// With the request itself, below a prefix.
    Http,
}

/// Answers a gateway.
pub(super) async fn handle(edge: &Edge, mode: Mode, request: Request, started: Instant) -> Response {
    match mode {
        Mode::Grpc => over_grpc::check(edge, request, started).await,
        Mode::Http => over_http::check(edge, request, started).await,
    }
}
