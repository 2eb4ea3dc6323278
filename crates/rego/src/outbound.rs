//! Calls that policy makes to other services (`http.send`, `net.lookup_ip_addr`), as values.
//!
//! The evaluator calls through [`Client`] and knows nothing of sockets; the host implements it and need know nothing of
//! policy.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// One HTTP request.
#[derive(Debug, Clone)]
pub struct Request {
    /// In upper case.
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty if there is none.
    pub body: Vec<u8>,
    /// Whether to follow redirects.
    pub follow_redirects: bool,
    /// The timeout of one attempt; `None` is the configured one, zero leaves only the deadline of the evaluation.
    pub timeout: Option<Duration>,
    /// The number of retries when no response arrives.
    pub retries: u32,
    /// TLS settings.
    pub tls: Tls,
}

/// TLS settings of a request.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Whether to trust the system's root certificates; `None` is yes unless `roots` has some.
    pub system_roots: Option<bool>,
    /// Additional root certificates, as PEM.
    pub roots: Vec<Vec<u8>>,
    /// The client's certificate and key, as PEM.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether to skip the verification of the server's certificate.
    pub unverified: bool,
    /// The name expected in the server's certificate; by default the URL's host.
    pub server_name: Option<String>,
}

/// Redacted: it may contain a private key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// A response with any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The reason phrase, e.g. `OK`.
    pub reason: String,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The request is invalid, or not allowed.
    Refused(String),
    /// The connection failed, or the response is not acceptable.
    Network {
        /// The last URL requested.
        url: String,
        /// What went wrong.
        cause: String,
    },
    /// No complete response within the timeout of the request.
    TimedOut {
        /// The last URL requested.
        url: String,
    },
    /// The deadline of the evaluation has passed.
    Deadline,
}

/// Makes calls for policy. Blocks the calling thread, never beyond `deadline`.
pub trait Client: Send + Sync + fmt::Debug {
    /// Sends a request.
    ///
    /// # Errors
    /// When there is no response.
    fn send(&self, request: &Request, deadline: Instant) -> Result<Response, Fault>;

    /// Resolves a host name.
    ///
    /// # Errors
    /// When the name has no addresses, or may not be resolved.
    fn look_up(&self, name: &str, deadline: Instant) -> Result<Vec<IpAddr>, Fault>;

    /// Reads a file that the TLS settings of a request name.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String>;
}
