//! HTTP requests as gateways describe them, and the one meaning that each of them has, for every door alike.
//!
//! INVARIANT (one meaning): what a gateway, Verdict and the service behind could understand differently is refused before anybody
//! is asked ([`Canonical::read`]); what is left is written in one way.
//! INVARIANT (the same for every door): the input is made of the request alone ([`input`]), so that the same facts give the same
//! decision, whichever gateway asks.
//! INVARIANT (no secrets, no claims): what carries a credential that was verified, and what says who is calling in other words, is not
//! in the input.
//!
//! Deliberately absent: whether the gateway may be believed (its door says that), routes (`routing`), and answers (`verdict`).
//!
//! Reading order: this file → [`path`], [`query`], [`authority`], [`headers`] → [`input`].

mod authority;
mod headers;
mod input;
pub(in crate::doors) mod path;
pub(in crate::doors) mod query;
pub mod shown;

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use http::HeaderMap;

use crate::model::failure::{Failure, FailureKind};
use crate::model::presented::Presented;

/// The longest target that is looked at, in bytes.
const MAX_TARGET: usize = 16 << 10;
/// The longest method, in bytes.
const MAX_METHOD: usize = 32;

/// The body of a described request, as far as the gateway passed it on.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    pub bytes: Bytes,
    /// Whether there was more.
    pub truncated: bool,
}

/// An HTTP request as a gateway describes it: nothing of it is trusted.
#[derive(Default)]
pub(super) struct Described<'a> {
    pub method: &'a str,
    /// Path and query as the client sent them.
    pub target: &'a str,
    pub scheme: Option<&'a str>,
    /// Host and port as the client named them.
    pub authority: Option<&'a str>,
    /// `HTTP/1.1`
    pub protocol: Option<&'a str>,
    /// The client's; duplicates are kept.
    pub headers: HeaderMap,
    pub body: Option<Content>,
    /// The client.
    pub source: Option<SocketAddr>,
    /// Where the gateway took the request.
    pub destination: Option<SocketAddr>,
}

/// The same, with one meaning.
pub(super) struct Canonical {
    pub method: String,
    /// `http` or `https`.
    pub scheme: Option<&'static str>,
    /// In lower case, without port.
    pub host: Option<String>,
    /// None where it is the scheme's own.
    pub port: Option<u16>,
    /// The segments, percent-encoded in one way, without a slash at the end.
    pub path: String,
    /// Decoded.
    pub segments: Vec<String>,
    /// Decoded, in the order of the request.
    pub query: Vec<(String, String)>,
    /// The client's; none names its host.
    pub headers: HeaderMap,
    pub protocol: Option<String>,
    pub content: Option<Content>,
    pub source: Option<SocketAddr>,
    pub destination: Option<SocketAddr>,
    /// Host and port as they were sent, for proofs of possession.
    sent_authority: String,
    /// The path as it was sent, for the same.
    sent_path: String,
}

impl Canonical {
    /// Reads a described request.
    ///
    /// # Errors
    /// [`FailureKind::InvalidRequest`] with what is ambiguous or malformed, and where.
    pub(super) fn read(described: Described<'_>) -> Result<Self, Failure> {
        Self::understood(described).map_err(|why| Failure::new(FailureKind::InvalidRequest, why))
    }

    fn understood(described: Described<'_>) -> Result<Self, String> {
        let Described { method, target, scheme, authority, protocol, mut headers, .. } = described;
        check_method(method)?;
        headers::check(&headers)?;
        let scheme = scheme.map(scheme_of).transpose()?;
        let target = Target::read(target)?;
        let named = [authority, target.authority, headers::host(&headers)?];
        let named: Vec<&str> = named.into_iter().flatten().collect();
        let sent_authority = named.first().copied().unwrap_or_default().to_owned();
        let place = authority::agreed(&named, scheme.or(target.scheme))?;
        if scheme.is_some() && target.scheme.is_some() && scheme != target.scheme {
            return Err("ambiguous request: its target and the gateway name different schemes".to_owned());
        }
        headers.remove(http::header::HOST);
        let segments = path::segments(target.path)?;
        Ok(Self {
            method: method.to_owned(),
            scheme: scheme.or(target.scheme),
            host: place.as_ref().map(|place| place.host.clone()),
            port: place.and_then(|place| place.port),
            path: path::written(&segments),
            segments,
            query: query::pairs(target.query.unwrap_or_default())?,
            protocol: protocol.map(protocol_of).transpose()?,
            headers,
            content: described.body,
            source: described.source,
            destination: described.destination,
            sent_authority,
            sent_path: target.path.to_owned(),
        })
    }

    /// What identity needs: the credentials of the client's request. The gateway's own certificate is none of them.
    pub(super) fn presented(&self) -> Presented<'_> {
        let path = if self.sent_path.is_empty() { "/" } else { &self.sent_path };
        Presented::new(&self.method, &self.sent_authority, path, &self.headers).from_peer(self.source)
    }

    /// Host and port, written in one way.
    pub(super) fn authority(&self) -> Option<String> {
        let host = self.host.as_deref()?;
        Some(self.port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    }
}

/// Headers and parameters carry secrets.
impl fmt::Debug for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, host, path, .. } = self;
        f.debug_struct("Canonical")
            .field("method", method)
            .field("host", host)
            .field("path", path)
            .finish_non_exhaustive()
    }
}

/// The parts of a request's target (RFC 9112 section 3.2): origin form or absolute form.
struct Target<'a> {
    scheme: Option<&'static str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn read(target: &'a str) -> Result<Self, String> {
        if target.len() > MAX_TARGET {
            return Err(format!("the target is longer than {MAX_TARGET} bytes"));
        }
        if let Some(odd) = target.chars().find(|c| !c.is_ascii_graphic()) {
            return Err(format!("ambiguous target: {odd:?} in it is not percent-encoded"));
        }
        if target.contains('#') {
            return Err("ambiguous target: a fragment (`#`), which no request has".to_owned());
        }
        let (whole, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        if whole.starts_with('/') {
            return Ok(Self { scheme: None, authority: None, path: whole, query });
        }
        let Some((scheme, rest)) = whole.split_once("://") else {
            return Err(format!("the target `{whole}` is not a path that begins with `/`"));
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Ok(Self { scheme: Some(scheme_of(scheme)?), authority: Some(authority), path, query })
    }
}

/// INVARIANT (one method): methods are told apart by case (RFC 9110 section 9.1), and not by every service, so only capitals are taken.
fn check_method(method: &str) -> Result<(), String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if method.is_empty() || method.len() > MAX_METHOD || !method.bytes().all(token) {
        return Err("the method is not a token of at most 32 characters".to_owned());
    }
    if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(format!("ambiguous method: `{method}` is not in capitals"));
    }
    Ok(())
}

/// The schemes of web sockets are those of the requests that open them (RFC 6455 section 3).
fn scheme_of(scheme: &str) -> Result<&'static str, String> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => Ok("http"),
        "https" | "wss" => Ok("https"),
        _ => Err(format!("the scheme `{scheme}` is neither `http` nor `https`")),
    }
}

fn protocol_of(protocol: &str) -> Result<String, String> {
    match protocol.to_ascii_uppercase().as_str() {
        "HTTP/2.0" => Ok("HTTP/2".to_owned()),
        "HTTP/3.0" => Ok("HTTP/3".to_owned()),
        known @ ("HTTP/1.0" | "HTTP/1.1" | "HTTP/2" | "HTTP/3") => Ok(known.to_owned()),
        _ => Err("the protocol is none of HTTP/1.0, HTTP/1.1, HTTP/2 and HTTP/3".to_owned()),
    }
}

#[cfg(test)]
mod tests;
