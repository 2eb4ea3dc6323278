//! `server:` in the configuration.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::management::{local, url};
use super::tls::TlsConfig;
use super::unix::UnixConfig;
use crate::model::units::{ByteSize, Period};

/// `server:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    #[serde(deserialize_with = "super::address::deserialize")]
    pub listen: SocketAddr,
    /// What calls are served TLS with; plain HTTP without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsConfig>,
    /// Where to listen besides, on a Unix socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unix: Option<UnixConfig>,
    /// The largest request body, also after decompression.
    pub max_body: ByteSize,
    /// The most inputs of one batch.
    pub max_batch_items: usize,
    /// The most bytes of all inputs of one batch together, each with what is common to them.
    pub max_batch_size: ByteSize,
    /// Answers at least this long are compressed for callers that accept gzip.
    pub gzip_min_size: ByteSize,
    /// The most connections at a time; further ones wait for a place.
    pub max_connections: usize,
    /// The most connections of one peer (an IPv4 address, or the first 64 bits of an IPv6 one); further ones are closed.
    pub max_connections_per_peer: usize,
    /// How long a connection may take to send a request's headers, from their first byte.
    pub header_timeout: Period,
    /// How long a request's body may take to arrive.
    pub body_timeout: Period,
    /// How long a peer may leave an answer untaken.
    pub write_timeout: Period,
    /// How long a connection may be open without a request.
    pub idle_timeout: Period,
    /// How long a drain may take on SIGTERM before what is left is cut off.
    pub shutdown_grace: Period,
    /// Names, besides `localhost`, under which callers reach the server, for the check of `Host` where identity is off.
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may call where identity is off, e.g. `https://console.example`.
    pub allowed_origins: Vec<String>,
}

impl Config {
    /// The URL where calls are taken on the machine that it runs on; none where nobody knows before it is bound.
    pub fn reached_at(&self) -> Option<String> {
        local(self.listen).map(|address| url(address, self.tls.is_some()))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8181)),
            tls: None,
            unix: None,
            max_body: ByteSize::mib(1),
            max_batch_items: 1000,
            max_batch_size: ByteSize::mib(16),
            gzip_min_size: ByteSize(1024),
            max_connections: 10_000,
            max_connections_per_peer: 1_000,
            header_timeout: Period::secs(10),
            body_timeout: Period::secs(10),
            write_timeout: Period::secs(30),
            idle_timeout: Period::secs(75),
            shutdown_grace: Period::secs(10),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
        }
    }
}
