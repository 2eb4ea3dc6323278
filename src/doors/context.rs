//! What a request says of itself before its body: peer, ids, and all that can carry a credential.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::HeaderMap;
use http::header::{HOST, USER_AGENT};
use http::request::Parts;

use crate::authorize::Arrival;
use crate::listen::Peer;
use crate::model::client_certificate::ClientCertificate;
use crate::model::failure::Failure;
use crate::model::presented::Presented;
use crate::model::request::{EntryPath, RequestContext, TraceContext};

/// The longest `X-Request-ID` and `User-Agent` that are taken over, in bytes.
const MAX_HEADER: usize = 256;

static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// Reads what is recorded of a request besides what it asks.
pub fn request_context(headers: &HeaderMap, peer: Option<Peer>, protocol: &'static str) -> RequestContext {
    RequestContext {
        requested_by: peer.map(|peer| peer.to_string()),
        protocol,
        operation: None,
        req_id: REQUESTS.fetch_add(1, Ordering::Relaxed) + 1,
        request_id: request_id(headers).map(str::to_owned),
        trace: one(headers, "traceparent").and_then(TraceContext::parse),
        user_agent: headers
            .get(USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .map(|text| cut(text).to_owned()),
    }
}

/// The caller's `X-Request-ID`: one value, printable, not too long; anything else is as if there were none.
pub fn request_id(headers: &HeaderMap) -> Option<&str> {
    one(headers, "x-request-id").filter(|id| !id.is_empty() && id.len() <= MAX_HEADER)
}

/// What is known of a request before its body is read.
pub fn arrival<'r>(
    parts: &'r Parts,
    protocol: &'static str,
    path: Result<EntryPath, Failure>,
    started: Instant,
) -> Arrival<'r> {
    let peer = parts.extensions.get::<Peer>().copied();
    let host = || parts.headers.get(HOST).and_then(|value| value.to_str().ok());
    let authority =
        parts.uri.authority().map(|authority| authority.as_str()).or_else(host).unwrap_or_default();
    let presented = Presented::new(parts.method.as_str(), authority, parts.uri.path(), &parts.headers);
    Arrival {
        presented: presented
            .from_peer(peer.and_then(Peer::address))
            .with_certificate(parts.extensions.get::<ClientCertificate>()),
        path,
        context: request_context(&parts.headers, peer, protocol),
        started,
        counted: true,
    }
}

/// The only value of a header, if it is printable ASCII.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next()?, values.next());
    second.is_none().then(|| first.to_str().ok()).flatten()
}

fn cut(text: &str) -> &str {
    text.get(..MAX_HEADER).unwrap_or(text)
}
