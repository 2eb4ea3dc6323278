//! What a call shows of its caller before anything else of it is read: untrusted until `identity` has verified it.

use std::fmt;
use std::net::SocketAddr;

use super::client_certificate::ClientCertificate;
use http::{HeaderMap, HeaderName};

/// What a door hands to `identity`: all that can carry or bind a credential, and nothing of the body.
///
/// INVARIANT (before the body): it is made of what arrived before the body, so that who is calling can be decided before
/// the body is read, decompressed or parsed.
#[derive(Clone, Copy)]
pub struct Presented<'r> {
    /// The request's method, e.g. `POST`; a proof of possession names it (RFC 9449 section 4.2).
    pub method: &'r str,
    /// The host and port that the caller means (`Host` or `:authority`); empty where it names none.
    pub authority: &'r str,
    /// The path of the request's target, as it was sent.
    pub path: &'r str,
    /// The peer's address, where there is one.
    pub peer: Option<SocketAddr>,
    /// The certificate of the connection, as TLS has verified it.
    pub certificate: Option<&'r ClientCertificate>,
    /// The certificate of the gateway that describes the caller's request. It is no credential of the caller's.
    pub gateway: Option<&'r ClientCertificate>,
    headers: &'r HeaderMap,
}

impl<'r> Presented<'r> {
    /// What a request with these headers shows.
    pub const fn new(method: &'r str, authority: &'r str, path: &'r str, headers: &'r HeaderMap) -> Self {
        Self { method, authority, path, peer: None, certificate: None, gateway: None, headers }
    }

    /// With the peer's address.
    pub const fn from_peer(self, peer: Option<SocketAddr>) -> Self {
        Self { peer, ..self }
    }

    /// With the certificate of the connection.
    pub const fn with_certificate(self, certificate: Option<&'r ClientCertificate>) -> Self {
        Self { certificate, ..self }
    }

    /// As a gateway with this certificate describes it.
    pub const fn through(self, gateway: Option<&'r ClientCertificate>) -> Self {
        Self { gateway, ..self }
    }

    /// Every value of a header, as it was sent.
    pub fn header(&self, name: &HeaderName) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        self.headers.get_all(name).iter().map(|value| value.as_bytes())
    }
}

/// Headers alone: for fixtures and tests of credentials that nothing else binds.
impl<'r> From<&'r HeaderMap> for Presented<'r> {
    fn from(headers: &'r HeaderMap) -> Self {
        Self::new("POST", "", "/", headers)
    }
}

/// Headers carry secrets.
impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, peer, .. } = self;
        f.debug_struct("Presented")
            .field("method", method)
            .field("path", path)
            .field("peer", peer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_header() {
        let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, "Bearer s3cr3t".parse().unwrap())]);
        assert!(!format!("{:?}", Presented::from(&headers)).contains("s3cr3t"));
    }
}
