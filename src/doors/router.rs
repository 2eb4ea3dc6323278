//! Every route, in one list, and what they share.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use http::header::ALLOW;
use http::request::Parts;
use http::{Method, StatusCode};

use super::body::Limits;
use super::manage::Manage;
use super::origin::Origins;
use super::{answer, manage, opa, refused};
use crate::authorize::Authorizer;
use crate::model::request::EntryPath;
use crate::telemetry::metrics::{HttpMetrics, Metrics};

/// What the handlers work with.
#[derive(Debug)]
pub struct Edge {
    /// The pipeline.
    pub authorizer: Arc<Authorizer>,
    /// What `POST /` answers with.
    pub default_path: EntryPath,
    /// How much of a body is read.
    pub limits: Limits,
    /// Answers at least this long are compressed, in bytes.
    pub gzip_min_size: usize,
    /// From where it may be called where identity is off.
    pub origins: Origins,
    /// What health, status and configuration say.
    pub manage: Manage,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
}

/// What answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    DataV1,
    DataV0,
    Default,
    Batch,
    Health,
    Live,
    Ready,
    HealthRule,
    Metrics,
    Status,
    Config,
    Policies,
    Policy,
}

/// Path, route, and the name under which its requests are counted.
const ROUTES: [(&str, Route, &str); 23] = [
    ("/v1/data", Route::DataV1, "v1/data"),
    ("/v1/data/", Route::DataV1, "v1/data"),
    ("/v1/data/{*path}", Route::DataV1, "v1/data"),
    ("/v0/data", Route::DataV0, "v0/data"),
    ("/v0/data/", Route::DataV0, "v0/data"),
    ("/v0/data/{*path}", Route::DataV0, "v0/data"),
    ("/", Route::Default, "index"),
    ("/v1/batch/data", Route::Batch, "v1/batch/data"),
    ("/v1/batch/data/", Route::Batch, "v1/batch/data"),
    ("/v1/batch/data/{*path}", Route::Batch, "v1/batch/data"),
    ("/health", Route::Health, "health"),
    ("/health/", Route::Health, "health"),
    ("/health/live", Route::Live, "health"),
    ("/health/ready", Route::Ready, "health"),
    ("/health/{*rule}", Route::HealthRule, "health"),
    ("/metrics", Route::Metrics, "metrics"),
    ("/v1/status", Route::Status, "v1/status"),
    ("/v1/status/", Route::Status, "v1/status"),
    ("/v1/config", Route::Config, "v1/config"),
    ("/v1/config/", Route::Config, "v1/config"),
    ("/v1/policies", Route::Policies, "v1/policies"),
    ("/v1/policies/", Route::Policies, "v1/policies"),
    ("/v1/policies/{*id}", Route::Policy, "v1/policies"),
];

/// Makes the router over one [`Edge`].
pub fn router(edge: &Arc<Edge>) -> Router {
    let mut router = Router::new();
    for (path, route, name) in ROUTES {
        let (edge, counted) = (Arc::clone(edge), Arc::new(edge.metrics.http_handler(name)));
        let handler = move |request: Request| {
            let (edge, counted) = (Arc::clone(&edge), Arc::clone(&counted));
            async move { handle(&edge, &counted, route, request).await }
        };
        router = router.route(path, any(handler));
    }
    let edge = Arc::clone(edge);
    router.fallback(move |request: Request| {
        let edge = Arc::clone(&edge);
        async move { no_route(&edge, request).await }
    })
}

async fn no_route(edge: &Edge, request: Request) -> Response {
    let server_itself = request.method() == Method::OPTIONS && request.uri().path() == "*";
    match refused::check(edge, None, request, Instant::now()).await {
        Err(refused) => refused,
        // RFC 9110 section 9.3.7: what the server can do at all.
        Ok(_) if server_itself => {
            let mut response = answer::empty(StatusCode::NO_CONTENT);
            response.headers_mut().insert(ALLOW, refused::METHODS);
            response
        }
        Ok(_) => answer::text_answer(StatusCode::NOT_FOUND, "404 page not found\n"),
    }
}

async fn handle(edge: &Edge, counted: &HttpMetrics, route: Route, request: Request) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let response = match refused::check(edge, Some(route), request, started).await {
        Ok(request) => answered(edge, route, request, started).await,
        Err(refused) => refused,
    };
    counted.observe(method.as_str(), response.status().as_u16(), started.elapsed());
    response
}

async fn answered(edge: &Edge, route: Route, request: Request, started: Instant) -> Response {
    match route {
        Route::DataV1 => opa::v1(edge, request, started).await,
        Route::DataV0 => opa::v0(edge, request, started).await,
        Route::Default => opa::default_decision(edge, request, started).await,
        Route::Batch => opa::batch(edge, request, started).await,
        route => manage(edge, route, &request.into_parts().0).await,
    }
}

async fn manage(edge: &Edge, route: Route, parts: &Parts) -> Response {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return manage::not_readable(route == Route::Policy, parts);
    }
    match route {
        Route::Health => manage::health(edge, parts),
        Route::Live => answer::json_text(StatusCode::OK, "{}\n"),
        Route::Ready => manage::ready(edge),
        Route::HealthRule => manage::health_rule(edge, parts),
        Route::Metrics => manage::metrics(edge),
        Route::Status => manage::status(edge, parts).await,
        Route::Config => manage::config(edge, parts).await,
        Route::Policies => manage::policies(edge, parts).await,
        Route::Policy => manage::policy(edge, parts).await,
        Route::DataV1 | Route::DataV0 | Route::Default | Route::Batch => answer::empty(StatusCode::NOT_FOUND),
    }
}
