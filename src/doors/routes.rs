//! Every route, in one list, and what they share.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use http::header::ALLOW;
use http::{Method, StatusCode};

use super::edge::Edge;
use super::manage::Operation;
use super::{
    admin, aip, answer, authzen, console, docker, events, ext_authz, forward_auth, grpc_health,
    grpc_reflection, health, kubernetes, manage, mcp, opa, outside, refused, relay, resource,
};
use crate::model::request::EntryPath;
use crate::telemetry::metrics::HttpMetrics;

/// Where a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Where decisions are asked for, by anybody who can connect.
    Decisions,
    /// Where the server is managed.
    Management,
}

/// What answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    DataV1,
    DataV0,
    Default,
    Batch,
    Compile,
    Filters,
    Manifest,
    Health,
    Live,
    Ready,
    HealthIdentity,
    HealthRule,
    Metrics,
    Manage(Operation),
    /// Writes of data, where the server is managed.
    Writes,
    /// Ad-hoc queries.
    Query,
    /// An operation on the registry, by its path.
    Admin(&'static str),
    /// A file for browsers.
    Console(console::File),
    /// Tool calls and their sessions.
    Aip(aip::Route),
    /// Messages of the Model Context Protocol.
    Mcp(mcp::Route),
    /// What outsiders need of the registry.
    Outside(outside::Asked),
    /// Evaluations and searches of AuthZEN.
    AuthZen(authzen::Route),
    /// Reviews of Kubernetes.
    Kubernetes(kubernetes::Route),
    /// Docker's authorization plugin.
    Docker(docker::Route),
    /// Where issuers send their events.
    Events,
    /// What is protected, for OAuth clients.
    Resource,
    /// Gateways that ask about each request.
    ForwardAuth(forward_auth::Route),
    /// Envoy's external authorization, in gRPC and over HTTP.
    ExtAuthz(ext_authz::Mode),
    /// The same health, in gRPC.
    GrpcHealth,
    /// What can be called in gRPC.
    GrpcReflection,
}

/// Path, route, and the name under which its requests are counted: on the listener of decisions only.
const DECISIONS: [(&str, Route, &str); 27] = [
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
    ("/v1/compile", Route::Compile, "v1/compile"),
    ("/v1/compile/", Route::Compile, "v1/compile"),
    ("/v1/compile/{*path}", Route::Filters, "v1/compile"),
    ("/v1/manifest/validate", Route::Manifest, "v1/manifest/validate"),
    ("/v1/validate", Route::Aip(aip::Route::Validate), "v1/validate"),
    ("/v1/jwks", Route::Aip(aip::Route::Jwks), "v1/jwks"),
    ("/v1/sessions", Route::Aip(aip::Route::Sessions), "v1/sessions"),
    (resource::PATH, Route::Resource, "oauth-protected-resource"),
    (resource::SLASH, Route::Resource, "oauth-protected-resource"),
    (resource::BELOW, Route::Resource, "oauth-protected-resource"),
    ("/authz/nginx", Route::ForwardAuth(forward_auth::Route::Nginx), "authz/nginx"),
    ("/authz/forward", Route::ForwardAuth(forward_auth::Route::Forward), "authz/forward"),
    ("/authz/oathkeeper", Route::ForwardAuth(forward_auth::Route::Oathkeeper), "authz/oathkeeper"),
    ("/authz/lambda", Route::ForwardAuth(forward_auth::Route::Lambda), "authz/lambda"),
    (ext_authz::CHECK, Route::ExtAuthz(ext_authz::Mode::Grpc), "ext_authz"),
    (grpc_health::PATH, Route::GrpcHealth, "health"),
    (grpc_reflection::PATH, Route::GrpcReflection, "reflection"),
];

/// On both listeners. Management is on that of decisions, too, for OPA's clients, and asks for the same role there.
const SHARED: [(&str, Route, &str); 14] = [
    ("/health", Route::Health, "health"),
    ("/health/", Route::Health, "health"),
    ("/health/live", Route::Live, "health"),
    ("/health/ready", Route::Ready, "health"),
    ("/health/identity", Route::HealthIdentity, "health"),
    ("/health/{*rule}", Route::HealthRule, "health"),
    ("/metrics", Route::Metrics, "metrics"),
    ("/v1/status", Route::Manage(Operation::Status), "v1/status"),
    ("/v1/status/", Route::Manage(Operation::Status), "v1/status"),
    ("/v1/config", Route::Manage(Operation::Config), "v1/config"),
    ("/v1/config/", Route::Manage(Operation::Config), "v1/config"),
    ("/v1/policies", Route::Manage(Operation::Policies), "v1/policies"),
    ("/v1/policies/", Route::Manage(Operation::Policies), "v1/policies"),
    ("/v1/policies/{*id}", Route::Manage(Operation::Policy), "v1/policies"),
];

/// On the listener of management only.
const MANAGEMENT: [(&str, Route, &str); 12] = [
    ("/v1/bundles/{name}/removal", Route::Manage(Operation::ConfirmRemoval), "v1/bundles"),
    ("/admin", Route::Console(console::File::Admin), "admin"),
    ("/admin/", Route::Console(console::File::Admin), "admin"),
    ("/admin/app.js", Route::Console(console::File::AdminScript), "admin"),
    ("/admin/setup.js", Route::Console(console::File::SetupScript), "admin"),
    ("/admin/views.js", Route::Console(console::File::Views), "admin"),
    ("/admin/logs.js", Route::Console(console::File::Logs), "admin"),
    ("/admin/table.js", Route::Console(console::File::Table), "admin"),
    ("/admin/shared.js", Route::Console(console::File::Shared), "admin"),
    ("/admin/style.css", Route::Console(console::File::Style), "admin"),
    ("/setup", Route::Console(console::File::Setup), "setup"),
    ("/setup/", Route::Console(console::File::Setup), "setup"),
];

/// Where data is written on the listener of management, which is not asked for decisions.
const WRITES: [(&str, Route, &str); 3] = [
    ("/v1/data", Route::Writes, "v1/data"),
    ("/v1/data/", Route::Writes, "v1/data"),
    ("/v1/data/{*path}", Route::Writes, "v1/data"),
];

/// On both listeners, where they are answered at all.
const QUERIES: [(&str, Route, &str); 2] =
    [("/v1/query", Route::Query, "v1/query"), ("/v1/query/", Route::Query, "v1/query")];

/// A path, its route, and the name under which its requests are counted.
type Listed = (Cow<'static, str>, Route, &'static str);

/// Makes a listener's router over one [`Edge`].
pub fn router(edge: &Arc<Edge>, listener: Listener) -> Router {
    let mut router = Router::new();
    for (path, route, name) in listed(edge, listener) {
        let (edge, counted) = (Arc::clone(edge), Arc::new(edge.metrics.http_handler(name)));
        let handler = move |request: Request| {
            let (edge, counted) = (Arc::clone(&edge), Arc::clone(&counted));
            async move { handle(&edge, listener, &counted, route, request).await }
        };
        router = router.route(&path, any(handler));
    }
    let edge = Arc::clone(edge);
    router.fallback(move |request: Request| {
        let edge = Arc::clone(&edge);
        async move {
            let named =
                (listener == Listener::Decisions).then(|| named(&edge, request.uri().path())).flatten();
            match named {
                Some((route, name)) => {
                    handle(&edge, listener, &edge.metrics.http_handler(name), route, request).await
                }
                None => no_route(&edge, request).await,
            }
        }
    })
}

/// The routes of a listener: those that are always there, and those whose part is configured.
fn listed(edge: &Edge, listener: Listener) -> Vec<Listed> {
    let fixed = |(path, route, name): &(&'static str, Route, &'static str)| (Cow::from(*path), *route, *name);
    let mut listed: Vec<Listed> = SHARED.iter().map(fixed).collect();
    if edge.opa.queries {
        listed.extend(QUERIES.iter().map(fixed));
    }
    match listener {
        Listener::Decisions => {
            listed.extend(DECISIONS.iter().map(fixed));
            listed.extend(gateways(edge));
            if edge.registry.is_some() {
                let outside = outside::PATHS.into_iter();
                listed.extend(outside.map(|(path, asked, name)| (path.into(), Route::Outside(asked), name)));
            }
            if edge.events.takes_pushes() {
                listed.push((events::PATH.into(), Route::Events, "v1/events"));
            }
        }
        Listener::Management => {
            listed.extend(MANAGEMENT.iter().map(fixed));
            if edge.opa.writes.enabled {
                listed.extend(WRITES.iter().map(fixed));
            }
            if edge.registry.is_some() {
                let admin = admin::paths().into_iter();
                listed.extend(admin.map(|(path, name)| (path.into(), Route::Admin(path), name)));
            }
        }
    }
    listed
}

/// The routes of gateways and PEPs.
fn gateways(edge: &Edge) -> Vec<Listed> {
    let mcp = mcp::PATHS.into_iter().map(|(path, route, name)| (path.into(), Route::Mcp(route), name));
    let authzen = authzen::PATHS.into_iter();
    let authzen = authzen.map(|(path, route, name)| (path.into(), Route::AuthZen(route), name));
    let reviews =
        kubernetes::PATHS.into_iter().filter(|(_, route, _)| edge.kubernetes.webhook(*route).is_some());
    let reviews = reviews.map(|(path, route, name)| (path.into(), Route::Kubernetes(route), name));
    let docker = docker::PATHS.into_iter().filter(|_| edge.docker.document().is_some());
    let docker = docker.map(|(path, route, name)| (path.into(), Route::Docker(route), name));
    let prefixed = edge.ext_authz.paths().into_iter();
    let prefixed = prefixed.map(|path| (path.into(), Route::ExtAuthz(ext_authz::Mode::Http), "ext_authz"));
    mcp.chain(authzen).chain(reviews).chain(docker).chain(prefixed).collect()
}

/// Whether a path on the listener of decisions begins as one of Verdict's own does.
pub fn is_taken(path: &str) -> bool {
    let first = |path: &str| path.split('/').nth(1).unwrap_or_default().to_owned();
    let own = DECISIONS.iter().chain(&SHARED).chain(&QUERIES).map(|(path, ..)| *path);
    let others = outside::PATHS.into_iter().map(|(path, ..)| path).chain([events::PATH, REVOKE]);
    let authzen = authzen::PATHS.into_iter().map(|(path, ..)| path);
    let gateways = mcp::PATHS.into_iter().map(|(path, ..)| path).chain(authzen);
    let reviews = kubernetes::PATHS.into_iter().map(|(path, ..)| path);
    let docker = docker::PATHS.into_iter().map(|(path, ..)| path);
    own.chain(others).chain(gateways).chain(reviews).chain(docker).any(|own| first(own) == first(path))
}

/// Where sessions are revoked.
const REVOKE: &str = "/v1/revoke";

/// What an AgentPolicy has another path for, where no route has that path.
fn named(edge: &Edge, path: &str) -> Option<(Route, &'static str)> {
    let (in_force, registry) = (edge.authorizer.in_force(), edge.registry.is_some());
    let mut servers =
        in_force.settings.tool_calls.policies.iter().filter_map(|policy| policy.server.as_ref());
    servers.find_map(|server| {
        let at = |own: &Option<String>| own.as_deref() == Some(path);
        Some(match server {
            server if at(&server.validate) => (Route::Aip(aip::Route::Validate), "v1/validate"),
            // An AIP server has one listener, for its administrators, too.
            server if registry && (path == REVOKE || at(&server.revoke)) => {
                (Route::Admin(REVOKE), "v1/revoke")
            }
            server if at(&server.jwks) => (Route::Aip(aip::Route::Jwks), "v1/jwks"),
            server if at(&server.health) => (Route::Health, "health"),
            server if at(&server.metrics) => (Route::Metrics, "metrics"),
            _ => return None,
        })
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

async fn handle(
    edge: &Arc<Edge>,
    listener: Listener,
    counted: &HttpMetrics,
    route: Route,
    request: Request,
) -> Response {
    let started = Instant::now();
    let (method, asked) = (request.method().clone(), asked(edge, route, request.uri().path()));
    let response = match refused::check(edge, asked, request, started).await {
        Ok(request) => answered(edge, listener, route, request, started).await,
        Err(refused) => refused,
    };
    counted.observe(method.as_str(), response.status().as_u16(), started.elapsed());
    response
}

/// The document that must allow tool calls.
fn tool_document(edge: &Edge) -> EntryPath {
    edge.authorizer.in_force().settings.tool_calls.document.clone()
}

/// The document that a route asks for; nothing for health, which is no secret, and whose probes call by any name.
fn asked(edge: &Edge, route: Route, path: &str) -> Option<Result<EntryPath, String>> {
    let below = |prefix| EntryPath::parse(path.strip_prefix(prefix).unwrap_or_default());
    match route {
        // The admin API asks everybody for a credential; the files of the console are the same for all; hosts and origins of
        // described requests are those of their clients.
        Route::Health
        | Route::Live
        | Route::Ready
        | Route::Admin(_)
        | Route::Outside(_)
        | Route::Aip(aip::Route::Jwks | aip::Route::Sessions)
        | Route::Events
        | Route::Resource
        | Route::AuthZen(authzen::Route::Metadata)
        | Route::GrpcHealth
        | Route::GrpcReflection
        | Route::ExtAuthz(_)
        | Route::Console(_) => None,
        Route::AuthZen(_) => Some(Ok(edge.authzen.document().clone())),
        Route::Kubernetes(route) => {
            edge.kubernetes.webhook(route).map(|webhook| Ok(webhook.document.clone()))
        }
        // A gateway's request has the `Origin` of the page that its client shows; only a proxy that is trusted can ask.
        Route::ForwardAuth(route) => route.asks_itself().then(|| Ok(edge.forward_auth.document.clone())),
        Route::Docker(_) => edge.docker.document().cloned().map(Ok),
        Route::Aip(aip::Route::Validate) => Some(Ok(tool_document(edge))),
        Route::Mcp(route) => Some(Ok(mcp::document(edge, route).clone())),
        Route::DataV1 => Some(below("/v1/data")),
        Route::DataV0 => Some(below("/v0/data")),
        Route::Batch => Some(below("/v1/batch/data")),
        Route::Filters => Some(below("/v1/compile")),
        Route::Default => Some(Ok(edge.default_path.clone())),
        Route::Manifest => Some(Ok(edge.manifest_path.clone())),
        Route::Compile
        | Route::HealthIdentity
        | Route::HealthRule
        | Route::Metrics
        | Route::Manage(_)
        | Route::Writes
        | Route::Query => Some(Ok(EntryPath::default())),
    }
}

async fn answered(
    edge: &Arc<Edge>,
    listener: Listener,
    route: Route,
    request: Request,
    started: Instant,
) -> Response {
    match route {
        Route::DataV1 => opa::v1(edge, request, started).await,
        Route::DataV0 => opa::v0(edge, request, started).await,
        Route::Default => opa::default_decision(edge, request, started).await,
        Route::Batch => opa::batch(edge, request, started).await,
        Route::Compile => opa::compile(edge, request, started).await,
        Route::Filters => opa::filters(edge, request, started).await,
        Route::Manifest => relay::validate(edge, request, started).await,
        Route::Admin(path) => admin::handle(edge, path, request, started).await,
        Route::Console(file) => console::answer(edge, file, request.method()),
        Route::Resource => resource::answer(edge, request.method(), request.uri()),
        Route::Events => events::handle(edge, request, started).await,
        Route::Outside(asked) => outside::handle(edge, asked, request, started).await,
        Route::Aip(route) => aip::handle(edge, route, request, started).await,
        Route::Mcp(route) => mcp::handle(edge, route, request, started).await,
        Route::AuthZen(route) => authzen::handle(edge, route, request, started).await,
        Route::Kubernetes(route) => kubernetes::handle(edge, route, request, started).await,
        Route::ForwardAuth(route) => forward_auth::handle(edge, route, request, started).await,
        Route::ExtAuthz(mode) => ext_authz::handle(edge, mode, request, started).await,
        Route::GrpcHealth => grpc_health::handle(edge, request).await,
        Route::GrpcReflection => grpc_reflection::handle(request).await,
        Route::Docker(route) => docker::handle(edge, route, request, started).await,
        Route::Manage(Operation::Policy)
            if edge.opa.writes.enabled && matches!(*request.method(), Method::PUT | Method::DELETE) =>
        {
            opa::write_policy(edge, request, started).await
        }
        Route::Manage(operation) => manage::manage(edge, operation, request, started).await,
        Route::Writes if matches!(*request.method(), Method::PUT | Method::PATCH | Method::DELETE) => {
            opa::v1(edge, request, started).await
        }
        Route::Writes => answer::empty(StatusCode::METHOD_NOT_ALLOWED),
        Route::Query => opa::query(edge, request, started).await,
        Route::Health
        | Route::Live
        | Route::Ready
        | Route::HealthIdentity
        | Route::HealthRule
        | Route::Metrics => {
            let trusted = listener == Listener::Management || health::is_open(edge);
            probe(edge, route, request, trusted, started).await
        }
    }
}

/// What needs no credential; `trusted` says whether names may be named.
async fn probe(edge: &Edge, route: Route, request: Request, trusted: bool, started: Instant) -> Response {
    let parts = request.into_parts().0;
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    match route {
        Route::Health => health::health(edge, &parts),
        Route::Ready => health::ready(edge, trusted),
        Route::HealthIdentity => health::identity(edge, &parts, started).await,
        Route::HealthRule => health::rule(edge, &parts, started).await,
        Route::Metrics => health::metrics(edge, &parts, trusted),
        _ => answer::json_text(StatusCode::OK, "{}\n"),
    }
}
