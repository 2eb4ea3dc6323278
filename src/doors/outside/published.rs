//! What anybody may read: keys, bundles and cards.

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::{Asked, blocking};
use crate::doors::answer;
use crate::registry::Registry;
use crate::registry::store::WriteError;

/// How long it may be kept: no longer than what has been revoked is to verify.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// Answers a request for one of them.
pub(super) async fn answer(registry: &Arc<Registry>, asked: Asked, request: Request) -> Response {
    let parts = request.into_parts().0;
    let id = parts.uri.path().split('/').nth(3).unwrap_or_default().to_owned();
    let found = match asked {
        Asked::Jwks => registry.jwks(&id).map(text_of),
        Asked::Bundle => registry.spiffe_bundle(&id).map(text_of),
        _ => blocking(registry, move |registry| registry.card(&id)).await,
    };
    let media_type = match asked {
        Asked::Jwks => "application/jwk-set+json",
        Asked::Bundle => "application/json",
        _ => "application/agent-card+jwt",
    };
    match found {
        Ok(Some(text)) => shown(&parts.method, &parts.headers, media_type, text),
        Ok(None) | Err(WriteError::Rejected(_)) => answer::empty(StatusCode::NOT_FOUND),
        Err(WriteError::Store(error)) => {
            tracing::error!("the registry cannot be shown to outsiders: {error}");
            answer::empty(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

fn text_of(value: Option<serde_json::Value>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// The text, or that it has not changed (RFC 9110 section 13.1.2).
fn shown(method: &Method, headers: &HeaderMap, media_type: &'static str, text: String) -> Response {
    let tag = digest::digest(&digest::SHA256, text.as_bytes());
    let tag = format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(tag));
    let named = |value: &HeaderValue| {
        let mut tags = value.to_str().unwrap_or_default().split(',').map(str::trim);
        tags.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    };
    let known = headers.get_all(IF_NONE_MATCH).iter().any(named);
    let mut response = match (known, method) {
        (true, _) => answer::empty(StatusCode::NOT_MODIFIED),
        (false, &Method::HEAD) => {
            let mut response = answer::empty(StatusCode::OK);
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
            response
        }
        (false, _) => Response::new(Body::from(text)),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, KEPT);
    if !known {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    response
}
