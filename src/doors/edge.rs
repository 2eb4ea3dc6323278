//! What every handler works with.

use std::sync::Arc;

use super::body::Limits;
use super::origin::Origins;
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
    /// The registry, where there is one.
    pub registry: Option<Arc<Registry>>,
    /// The streams of events, where there are any.
    pub events: Arc<Receiver>,
    /// What a new registry is begun with.
    pub bootstrap: Option<Arc<BootstrapToken>>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}
