//! The HTTP edge: maps requests to calls and recorded decisions to answers; it decides nothing.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::model::units::{ByteSize, Period};

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
