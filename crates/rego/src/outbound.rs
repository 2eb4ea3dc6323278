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
    /// In capitals.
    pub method: String,
    /// Absolute.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Empty where there is none.
    pub body: Vec<u8>,
    /// Whether redirects are followed.
    pub follow_redirects: bool,
    /// How long one attempt may take; `None` is as configured, zero is without a limit but the evaluation's.
    pub timeout: Option<Duration>,
    /// How often it is tried again when there was no answer at all.
    pub retries: u32,
    /// How the connection is encrypted.
    pub tls: Tls,
}

/// How a connection is encrypted, where the request says so.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Whether the system's root certificates count; `None` is yes unless there are others.
    pub system_roots: Option<bool>,
    /// Further root certificates, as PEM.
    pub roots: Vec<Vec<u8>>,
    /// The client's certificate and key, as PEM.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether the server's certificate is not looked at.
    pub unverified: bool,
    /// The name that the server's certificate must have; the URL's host without it.
    pub server_name: Option<String>,
}

/// A key may be in it.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// An answer, of whatever status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// What stands behind the code, e.g. `OK`.
    pub reason: String,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The request cannot be made, or is not allowed.
    Refused(String),
    /// No connection, or it broke, or its answer cannot be taken.
    Network {
        /// What was asked last.
        url: String,
        /// What went wrong.
        cause: String,
    },
    /// No complete answer within the request's own time.
    TimedOut {
        /// What was asked last.
        url: String,
    },
    /// The evaluation's time is over.
    Deadline,
}

/// Makes calls for policy. Blocks the calling thread, never beyond `deadline`.
pub trait Client: Send + Sync + fmt::Debug {
    /// Sends a request.
    ///
    /// # Errors
    /// When there is no answer.
    fn send(&self, request: &Request, deadline: Instant) -> Result<Response, Fault>;

    /// The addresses of a name.
    ///
    /// # Errors
    /// When there are none, or they may not be asked for.
    fn look_up(&self, name: &str, deadline: Instant) -> Result<Vec<IpAddr>, Fault>;

    /// A file that a request names for its TLS.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String>;
}
