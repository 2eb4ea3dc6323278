//! Requests that are described by headers: those of nginx, and those of Traefik and Caddy. All other headers are the client's.

use std::net::SocketAddr;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue};

use super::trusted::{Trusted, invalid};
use crate::doors::wire::Described;
use crate::model::failure::Failure;

/// What the gateway's own request to us is made of.
const OWN: [HeaderName; 4] = [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

/// The headers by which nginx describes a request, if it is told to.
const NGINX: [&str; 7] = [
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-original-host",
    "x-forwarded-proto",
    "x-forwarded-for",
    "x-real-ip",
];

/// Those of Traefik and Caddy.
const FORWARDED: [&str; 5] =
    ["x-forwarded-method", "x-forwarded-uri", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-for"];

/// What nginx describes: `X-Original-Method`, and `X-Original-URI` or `X-Original-URL`.
///
/// # Errors
/// What is missing, there twice, or contradicts itself.
pub(super) fn nginx<'r>(headers: &'r HeaderMap, trusted: &Trusted) -> Result<Described<'r>, Failure> {
    let value = |name| one(headers, name);
    let target = match (value("x-original-uri")?, value("x-original-url")?) {
        (Some(uri), Some(url)) if path_of(uri) != path_of(url) => {
            return Err(invalid("ambiguous request: `X-Original-URI` and `X-Original-URL` differ"));
        }
        // An absolute one says which host, too.
        (_, Some(target)) | (Some(target), None) => target,
        (None, None) => {
            return Err(missing("X-Original-URI", "proxy_set_header X-Original-URI $request_uri;"));
        }
    };
    let method = value("x-original-method")?
        .ok_or_else(|| missing("X-Original-Method", "proxy_set_header X-Original-Method $request_method;"))?;
    // Named by nginx itself, where it is told to; the chain has what the client says, too.
    let source = match value("x-forwarded-for")? {
        Some(chain) => trusted.client(chain)?,
        None => value("x-real-ip")?.map(|address| trusted.client(address)).transpose()?.flatten(),
    };
    let described = Described {
        method,
        target,
        scheme: value("x-forwarded-proto")?,
        authority: value("x-original-host")?,
        ..Described::default()
    };
    Ok(with(described, headers, &NGINX, source))
}

/// What Traefik and Caddy describe: `X-Forwarded-Method`, `X-Forwarded-Uri` and their like.
///
/// # Errors
/// What is missing, or there twice.
pub(super) fn forwarded<'r>(headers: &'r HeaderMap, trusted: &Trusted) -> Result<Described<'r>, Failure> {
    let value = |name| one(headers, name);
    let target = value("x-forwarded-uri")?.ok_or_else(|| {
        missing("X-Forwarded-Uri", "point `forward_auth` (Caddy) or `forwardAuth` (Traefik) here")
    })?;
    let method = value("x-forwarded-method")?.ok_or_else(|| {
        missing("X-Forwarded-Method", "point `forward_auth` (Caddy) or `forwardAuth` (Traefik) here")
    })?;
    let source = value("x-forwarded-for")?.map(|chain| trusted.client(chain)).transpose()?.flatten();
    let described = Described {
        method,
        target,
        scheme: value("x-forwarded-proto")?,
        authority: value("x-forwarded-host")?,
        ..Described::default()
    };
    Ok(with(described, headers, &FORWARDED, source))
}

/// With the client's headers: all but the gateway's.
fn with<'r>(
    described: Described<'r>,
    headers: &HeaderMap,
    describing: &[&str],
    source: Option<SocketAddr>,
) -> Described<'r> {
    let mut headers = headers.clone();
    for name in &OWN {
        headers.remove(name);
    }
    for name in describing {
        headers.remove(*name);
    }
    Described { headers, source, ..described }
}

/// The path and query of an absolute URL, or the target as it is.
fn path_of(target: &str) -> &str {
    let rest = target.split_once("://").filter(|(scheme, _)| !scheme.contains(['/', '?']));
    rest.map_or(target, |(_, rest)| rest.get(rest.find('/').unwrap_or(rest.len())..).unwrap_or_default())
}

/// The only value of a header; none where there is none, or an empty one, as nginx sends none.
fn one<'r>(headers: &'r HeaderMap, name: &str) -> Result<Option<&'r str>, Failure> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(invalid(format!("ambiguous request: it has more than one `{name}` header")));
    }
    let text = first.map(HeaderValue::to_str).transpose();
    let text = text.map_err(|_| invalid(format!("the header `{name}` is not ASCII")))?;
    Ok(text.filter(|text| !text.is_empty()))
}

fn missing(header: &str, hint: &str) -> Failure {
    invalid(format!("the request is not described: there is no `{header}` ({hint})"))
}
