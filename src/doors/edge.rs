//! What every handler works with.

use std::sync::Arc;

use super::body::Limits;
use super::ext_authz::config::Settings as ExtAuthz;
use super::forward_auth::settings::ForwardAuth;
use super::opa::config::Config as OpaConfig;
use super::origin::Origins;
use super::routing::Routes;
use crate::authorize::Authorizer;
use crate::bundle::status::Status;
use crate::bundle::watch::Trigger;
use crate::events::Receiver;
use crate::model::request::EntryPath;
use crate::registry::Registry;
use crate::registry::bootstrap_token::BootstrapToken;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::tasks::Tasks;

/// What every handler works with.
#[derive(Debug)]
pub struct Edge {
    /// The pipeline.
    pub authorizer: Arc<Authorizer>,
    /// What `POST /` answers with.
    pub default_path: EntryPath,
    /// What Relay's manifests are decided by.
    pub manifest_path: EntryPath,
    /// How messages of MCP are decided on.
    pub mcp: super::mcp::config::Settings,
    /// What OPA's API takes.
    pub opa: OpaConfig,
    /// How much of a body is read.
    pub limits: Limits,
    /// Answers at least this long are compressed, in bytes.
    pub gzip_min_size: usize,
    /// From where it may be called where identity is off.
    pub origins: Origins,
    /// How the bundles are doing.
    pub bundles: Arc<Status>,
    /// Through which an operator speaks to the bundles.
    pub trigger: Trigger,
    /// How the background tasks are doing.
    pub tasks: Arc<Tasks>,
    /// What Envoy's external authorization is decided by, and where.
    pub ext_authz: ExtAuthz,
    /// What HTTP requests mean that gateways describe.
    pub routes: Arc<Routes>,
    /// Gateways that ask about each request.
    pub forward_auth: ForwardAuth,
    /// The registry, where there is one.
    pub registry: Option<Arc<Registry>>,
    /// The streams of events, where there are any.
    pub events: Arc<Receiver>,
    /// What a new registry is begun with.
    pub bootstrap: Option<Arc<BootstrapToken>>,
    /// How AuthZEN's PEPs are answered.
    pub authzen: super::authzen::Door,
    /// How API servers of Kubernetes are answered.
    pub kubernetes: super::kubernetes::Door,
    /// How Docker's daemons are answered.
    pub docker: super::docker::Door,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}
