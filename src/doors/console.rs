//! The console: pages for browsers, through which people begin a registry and manage it.
//!
//! INVARIANT (no power of its own): the pages are files. What they do, they do through the admin API, with a key that somebody
//! types in and that the page keeps in memory alone. There are no cookies, so no other page can make a browser act for anybody.
//! INVARIANT (nothing foreign runs): scripts and styles come from this server alone, no other page may frame these, and what the
//! API answers with is shown as text, never as markup.
//!
//! Deliberately absent: sessions, a framework, a build step, what the admin API cannot do.
//!
//! Reading order: this file → `console/shared.js` → `console/setup.js` → `console/app.js` → `console/table.js` →
//! `console/views.js` → `console/logs.js`.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::answer;
use super::edge::Edge;

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const STYLE: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
/// Other sites may not load these files, not even as images or scripts.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// One of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum File {
    /// Where a registry is managed.
    Admin,
    /// Where it is begun.
    Setup,
    /// The script of `Setup`.
    SetupScript,
    /// The script of `Admin`, and what it imports.
    AdminScript,
    Views,
    Logs,
    Table,
    /// What both scripts use.
    Shared,
    /// How all of it looks.
    Style,
}

/// Answers a request for a file.
pub(super) fn answer(edge: &Edge, file: File, method: &Method) -> Response {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut response = answer::empty(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let (status, kind, text) = content(edge, file);
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
    ] {
        headers.insert(name, value);
    }
    response
}

fn content(edge: &Edge, file: File) -> (StatusCode, HeaderValue, &'static str) {
    let is_page = matches!(file, File::Admin | File::Setup);
    let Some(registry) = edge.registry.as_ref().filter(|_| is_page) else {
        return match file {
            File::Admin | File::Setup => (StatusCode::NOT_FOUND, HTML, include_str!("console/off.html")),
            File::SetupScript => (StatusCode::OK, SCRIPT, include_str!("console/setup.js")),
            File::AdminScript => (StatusCode::OK, SCRIPT, include_str!("console/app.js")),
            File::Views => (StatusCode::OK, SCRIPT, include_str!("console/views.js")),
            File::Logs => (StatusCode::OK, SCRIPT, include_str!("console/logs.js")),
            File::Table => (StatusCode::OK, SCRIPT, include_str!("console/table.js")),
            File::Shared => (StatusCode::OK, SCRIPT, include_str!("console/shared.js")),
            File::Style => (StatusCode::OK, STYLE, include_str!("console/style.css")),
        };
    };
    // Whether a registry has been begun is no secret: `POST /v1/bootstrap` tells everybody.
    let is_begun = registry.known().has_operator();
    let page = match file {
        File::Setup if is_begun => include_str!("console/done.html"),
        File::Setup => include_str!("console/setup.html"),
        _ => include_str!("console/admin.html"),
    };
    (StatusCode::OK, HTML, page)
}
