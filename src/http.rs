//! The HTTP edge: maps requests to calls and recorded decisions to answers; it decides nothing.
//!
//! INVARIANT (only what is recorded): an answer of the decision API is made from a `Recorded<Decision>`, or says 503.
//! INVARIANT (every door the same): a path is read in one place (`EntryPath::parse`), a body in one place ([`body`]).
//! INVARIANT (bounded): connections, headers, bodies and drains have limits ([`server`]).
//!
//! Deliberately absent: the write API for data and policies (bundles are the one source), ad-hoc queries, TLS.
//!
//! Reading order: [`router`] (every route) → [`opa`] (the decision API) → [`body`], [`context`], [`answer`] →
//! [`manage`] (health, status, config, policies, metrics) → [`server`] (the accept loop).

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::model::units::{ByteSize, Period};

pub mod answer;
pub mod body;
pub mod context;
pub mod manage;
pub mod opa;
pub mod params;
pub mod router;
pub mod server;

/// `server:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The largest request body, also after decompression.
    pub max_body: ByteSize,
    /// Answers at least this long are compressed for callers that accept gzip.
    pub gzip_min_size: ByteSize,
    /// The most connections at a time; further ones wait to be accepted.
    pub max_connections: usize,
    /// How long a connection may take to send a request's headers.
    pub header_timeout: Period,
    /// How long a request's body may take to arrive.
    pub body_timeout: Period,
    /// How long a drain may take on SIGTERM before what is left is cut off.
    pub shutdown_grace: Period,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8181)),
            max_body: ByteSize::mib(1),
            gzip_min_size: ByteSize(1024),
            max_connections: 10_000,
            header_timeout: Period::secs(10),
            body_timeout: Period::secs(10),
            shutdown_grace: Period::secs(10),
        }
    }
}
