//! What is wrong with a request, as far as HTTP itself goes (RFC 9110, 9112, 9113), and how that is answered.

use std::error::Error as _;

use http::header::{HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderMap, Method, Request, StatusCode, Version};

/// Put into a request that must be refused for what it is, whatever it asks; the doors record it and answer with its status.
///
/// INVARIANT (no text of strangers): the reason is one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// What to answer with.
    pub status: StatusCode,
    /// What is wrong: lower case, no full stop.
    pub reason: &'static str,
}

const fn bad(reason: &'static str) -> Malformed {
    Malformed { status: StatusCode::BAD_REQUEST, reason }
}

/// A request line that is longer is what makes a head too large.
const LONGEST_LINE: usize = 32 << 10;

const TOO_LARGE: Malformed = Malformed {
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    reason: "the request's head is too large: at most 64 KiB and 100 fields",
};

const TARGET_TOO_LONG: Malformed =
    Malformed { status: StatusCode::URI_TOO_LONG, reason: "the request's target is too long" };

const VERSION: Malformed = Malformed {
    status: StatusCode::HTTP_VERSION_NOT_SUPPORTED,
    reason: "the HTTP version is not one of 1.0, 1.1 and 2",
};

impl Malformed {
    pub(super) const TOO_SLOW: Self = Self {
        status: StatusCode::REQUEST_TIMEOUT,
        reason: "the request's head did not arrive in time (`server.header_timeout`)",
    };

    /// What ended a connection, where that was a message that is not HTTP. A peer that went away sent none.
    pub(super) fn of(error: &hyper::Error) -> Option<Self> {
        if error.is_parse() {
            // hyper names the kinds in words alone.
            return Some(match error.to_string().as_str() {
                "URI too long" => TARGET_TOO_LONG,
                "message head is too large" => TOO_LARGE,
                "invalid HTTP version parsed" => VERSION,
                "invalid HTTP method parsed" => bad("the request line has no valid method"),
                "invalid URI" => bad("the request line has no valid target"),
                "invalid content-length parsed" => bad("the `Content-Length` is not one number"),
                "invalid transfer-encoding parsed" | "unexpected transfer-encoding parsed" => {
                    bad("the `Transfer-Encoding` does not say where the body ends")
                }
                _ => bad("the request's head is not valid HTTP"),
            });
        }
        let source = error.source().and_then(|source| source.downcast_ref::<h2::Error>())?;
        let (by_peer, broken) = (source.is_remote(), source.reason() != Some(h2::Reason::NO_ERROR));
        (!by_peer && !source.is_io() && broken).then_some(bad("the connection does not keep to HTTP/2"))
    }

    /// Says more of it, from the bytes that could not be parsed.
    pub(super) fn seen(self, bytes: &[u8]) -> Self {
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let mut words = line.strip_suffix(b"\r").unwrap_or(line).split(|byte| *byte == b' ');
        let version = words.nth(2).filter(|_| words.next().is_none());
        if bytes.starts_with(b"\x16\x03") {
            bad("this is TLS, and the port speaks plain HTTP")
        } else if self == TOO_LARGE && line.len() > LONGEST_LINE {
            TARGET_TOO_LONG
        } else if self == VERSION
            && !matches!(version, Some([b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9']))
        {
            bad("the request line does not end with an HTTP version")
        } else {
            self
        }
    }
}

/// What is wrong with a request that could be parsed; `two_lengths`: its head has `Content-Length` and `Transfer-Encoding`.
pub(super) fn check<B>(request: &Request<B>, two_lengths: bool) -> Option<Malformed> {
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return Some(Malformed { status, reason: "this server does not take CONNECT and TRACE" });
    }
    target(request)
        .or_else(|| host(request))
        .or_else(|| transfer_encoding(request.headers()))
        .or_else(|| two_lengths.then_some(bad("there are both a `Content-Length` and a `Transfer-Encoding`")))
}

/// RFC 9112 section 3.2: a path, a whole URL, or `*` for `OPTIONS`.
fn target<B>(request: &Request<B>) -> Option<Malformed> {
    let uri = request.uri();
    if uri.scheme_str().is_some_and(|scheme| !matches!(scheme, "http" | "https")) {
        return Some(bad("the request's target is of another scheme than http and https"));
    }
    if uri.authority().is_some_and(|authority| !is_host(authority.as_str().as_bytes())) {
        return Some(bad("the authority of the request's target is not a host and a port"));
    }
    let is_path = uri.path().starts_with('/') && (uri.scheme().is_some() || uri.authority().is_none());
    let is_server = uri.path() == "*" && *request.method() == Method::OPTIONS;
    (!is_path && !is_server).then_some(bad("the request's target is neither a path nor a URL"))
}

/// RFC 9112 section 3.2, RFC 9113 section 8.3.1: exactly one host, save in HTTP/1.0.
fn host<B>(request: &Request<B>) -> Option<Malformed> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return Some(bad("there is more than one `Host`")),
        (host, None) => host.map(http::HeaderValue::as_bytes),
    };
    if host.is_some_and(|host| !is_host(host)) {
        return Some(bad("the `Host` is not a host and a port"));
    }
    match (request.version(), host, request.uri().authority()) {
        (Version::HTTP_11, None, _) => Some(bad("the `Host` is missing")),
        (Version::HTTP_2, None, None) => Some(bad("the `:authority` is missing")),
        (Version::HTTP_2, Some(host), Some(authority))
            if !host.eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
        {
            Some(bad("`Host` and `:authority` differ"))
        }
        _ => None,
    }
}

/// RFC 9112 section 6.1: `chunked`, once, is the only coding there is here.
fn transfer_encoding(headers: &HeaderMap) -> Option<Malformed> {
    let mut chunked = 0;
    for value in headers.get_all(TRANSFER_ENCODING) {
        for coding in value.as_bytes().split(|byte| *byte == b',') {
            if !coding.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                let status = StatusCode::NOT_IMPLEMENTED;
                return Some(Malformed { status, reason: "the only `Transfer-Encoding` is `chunked`" });
            }
            chunked += 1;
        }
    }
    (chunked > 1).then_some(bad("the `Transfer-Encoding` says `chunked` more than once"))
}

/// Whether this is `uri-host [":" port]` (RFC 9110 section 7.2), with a host in it.
fn is_host(text: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(text) else { return false };
    let (text, host) = (authority.as_str(), authority.host());
    if host.is_empty() || text.contains('@') {
        return false;
    }
    match text.strip_prefix(host) {
        Some("") => true,
        Some(port) => port.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && (port.is_empty() || port.parse::<u16>().is_ok())
        }),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_host() {
        for (text, expected) in [
            ("localhost", true),
            ("localhost:8181", true),
            ("127.0.0.1:1", true),
            ("[::1]:8181", true),
            ("a.example:", true),
            ("", false),
            (":80", false),
            ("a b", false),
            ("user@host", false),
            ("host:port", false),
            ("host:70000", false),
            ("host/path", false),
            ("a,b", true),
        ] {
            assert_eq!(is_host(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn what_could_not_be_parsed_is_looked_at() {
        for (bytes, expected) in [
            (&b"GET / HTTP/3.0\r\n\r\n"[..], 505),
            (b"GET / HTTP/1.2\nHost: a\n\n", 505),
            (b"GET / FTP\r\n\r\n", 400),
            (b"GET /a b HTTP/1.1\r\n\r\n", 400),
            (b"\x16\x03\x01\x02\x00", 400),
        ] {
            assert_eq!(VERSION.seen(bytes).status.as_u16(), expected, "{}", bytes.escape_ascii());
        }
    }
}
