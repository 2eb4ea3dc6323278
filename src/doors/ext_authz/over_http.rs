//! The HTTP service: the request itself, behind a prefix, with the headers that Envoy is configured to send along.
//!
//! Its answers have no place of their own for what the service behind gets, so all is in the head, and `allowed_upstream_headers` and its
//! like, in Envoy's configuration, say what is taken from there.

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use super::asked::{Asked, refuse};
use super::{answer, attributes};
use crate::doors::body::Unread;
use crate::doors::edge::Edge;
use crate::doors::wire::{Canonical, Content, Described};
use crate::model::failure::Failure;

/// Answers with 200 where the request may pass, else with what its client gets.
pub(super) async fn check(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, body) = request.into_parts();
    let canonical = canonical(&parts, &edge.ext_authz.prefix);
    // What the body is encoded with is between the client and the service behind.
    let framing = only(&parts.headers, &[CONTENT_LENGTH, EXPECT]);
    let mut unread = Unread::new(&framing, body, edge.limits);
    let decided = match &canonical {
        Ok(canonical) => {
            let input = async || {
                let bytes = unread.bytes(usize::MAX).await?;
                let truncated = attributes::is_partial(&parts.headers);
                let content = (!bytes.is_empty()).then_some(Content { bytes, truncated });
                Ok((canonical.input_with(edge, &edge.ext_authz.document, content.as_ref())?, false))
            };
            Asked { parts: &parts, canonical, started }.decide(edge, input).await
        }
        Err(failure) => refuse(edge, &parts, failure.clone(), started).await,
    };
    match decided {
        Ok(decision) => answer::to_http(edge, &decision, canonical.as_ref().ok()),
        Err(unrecorded) => answer::unrecorded_over_http(&unrecorded),
    }
}

/// The request that is asked about, as it was before Envoy put it behind the prefix.
fn canonical(parts: &Parts, prefix: &str) -> Result<Canonical, Failure> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let target = target.strip_prefix(prefix).unwrap_or(target);
    let from_root = if target.starts_with('/') { String::new() } else { format!("/{target}") };
    let mut headers = parts.headers.clone();
    // They belong to this connection.
    for name in [HOST, TRANSFER_ENCODING, EXPECT, CONNECTION] {
        headers.remove(name);
    }
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    Canonical::read(Described {
        method: parts.method.as_str(),
        target: if from_root.is_empty() { target } else { &from_root },
        authority: parts.uri.authority().map(|authority| authority.as_str()).or(host),
        headers,
        ..Described::default()
    })
}

fn only(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let kept = names.iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone())));
    kept.collect()
}
