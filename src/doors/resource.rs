//! What this server protects, for OAuth clients (RFC 9728).

use axum::response::Response;
use http::header::{ALLOW, CACHE_CONTROL};
use http::{HeaderValue, Method, StatusCode, Uri};

use super::answer;
use super::edge::Edge;

/// Where the metadata stand, and before the path of the resource.
pub(super) const PATH: &str = "/.well-known/oauth-protected-resource";
pub(super) const SLASH: &str = "/.well-known/oauth-protected-resource/";
pub(super) const BELOW: &str = "/.well-known/oauth-protected-resource/{*path}";
/// How long they may be kept: no longer than a change of the configuration should take to be known.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Answers a request. Where nothing says what is protected, there is nothing.
pub(super) fn answer(edge: &Edge, method: &Method, uri: &Uri) -> Response {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut response = answer::empty(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let in_force = edge.authorizer.in_force();
    let rest = uri.path().strip_prefix(PATH).unwrap_or_default();
    match in_force.authenticator.challenges().resource_metadata(rest) {
        Some(metadata) => {
            let mut response = answer::json_text(StatusCode::OK, metadata.to_owned());
            response.headers_mut().insert(CACHE_CONTROL, KEPT);
            response
        }
        None => answer::empty(StatusCode::NOT_FOUND),
    }
}
