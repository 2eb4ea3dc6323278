//! The state of the bundles: for `/v1/status`, health, readiness and metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::{Serialize, Serializer};

use super::error::{ErrorKind, LoadError};
use super::load::Bundle;
use crate::model::clock::Timestamp;
use verdict_rego::PolicyError;

/// One bundle, in the shape of OPA's status; times are RFC 3339 on the wire.
#[derive(Debug, Clone, Serialize)]
pub struct BundleStatus {
    /// The bundle's name.
    pub name: String,
    /// The organisation that it decides for; none if for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// The active revision; empty if the manifest has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_revision: Option<String>,
    /// When the active contents were activated.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339")]
    pub last_successful_activation: Option<Timestamp>,
    /// When it was last read completely.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339")]
    pub last_successful_download: Option<Timestamp>,
    /// The same, for OPA's clients.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339")]
    pub last_successful_request: Option<Timestamp>,
    /// When reading it was last attempted.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339")]
    pub last_request: Option<Timestamp>,
    /// Always `snapshot`.
    pub r#type: &'static str,
    /// Size of policy and data, in bytes.
    pub size: u64,
    /// `bundle_error` while its current contents are not active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why not, in detail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<PolicyError>,
}

fn rfc3339<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(Timestamp::rfc3339).serialize(serializer)
}

/// The state of all bundles at one moment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The active generation; 0 before the first activation.
    pub generation: u64,
    /// By name.
    pub bundles: BTreeMap<String, BundleStatus>,
    /// Number of activations since the start.
    pub activations: u64,
    /// Number of failed attempts since the start.
    pub failures: u64,
    /// Since when the active bundles differ from those in the directory.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339")]
    pub failing_since: Option<Timestamp>,
    /// When the directory was last scanned, changed or not.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339")]
    pub last_scan: Option<Timestamp>,
    /// Bundles that are active or expected, but missing from the directory.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub missing: BTreeSet<String>,
    /// The error, as a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The same, with source lines.
    #[serde(skip)]
    pub explained: Option<String>,
    /// The kind of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_kind: Option<ErrorKind>,
}

impl Report {
    /// Whether a snapshot is active.
    pub const fn is_active(&self) -> bool {
        self.generation > 0
    }

    /// Whether reloading has failed for longer than `max_stale`; never where that is zero.
    pub fn is_stale(&self, now: Timestamp, max_stale: Duration) -> bool {
        let failing = self.failing_since.map(|since| now.0.saturating_sub(since.0));
        let limit = i64::try_from(max_stale.as_nanos()).unwrap_or(i64::MAX);
        limit > 0 && failing.is_some_and(|nanos| nanos > limit)
    }
}

/// The current [`Report`], shared; readers never block.
#[derive(Debug, Default)]
pub struct Status(ArcSwap<Report>);

impl Status {
    /// The current report.
    pub fn report(&self) -> Arc<Report> {
        self.0.load_full()
    }

    /// Only the watcher's thread writes, hence read and replace without a loop.
    fn update(&self, change: impl FnOnce(&mut Report)) {
        let mut report = Report::clone(&self.0.load());
        change(&mut report);
        self.0.store(Arc::new(report));
    }

    /// The directory was scanned.
    pub(super) fn scanned(&self, at: Timestamp) {
        self.update(|report| report.last_scan = Some(at));
    }

    /// These bundles were activated.
    pub(super) fn activated(&self, at: Timestamp, generation: u64, bundles: &[Bundle]) {
        self.update(|report| {
            let status = |bundle: &Bundle| (bundle.name.clone(), active(bundle, at));
            report.generation = generation;
            report.bundles = bundles.iter().map(status).collect();
            report.activations = report.activations.saturating_add(1);
            report.clear();
        });
    }

    /// The directory matches the active bundles again.
    pub(super) fn restored(&self, at: Timestamp) {
        self.update(|report| {
            report.clear();
            report.bundles.retain(|_, status| status.last_successful_activation.is_some());
            for status in report.bundles.values_mut() {
                status.read_at(at);
                (status.code, status.message) = (None, None);
                status.errors.clear();
            }
        });
    }

    /// An attempt failed; `names` are the bundles in the directory, `missing` those that should be there, too.
    pub(super) fn failed(
        &self,
        at: Timestamp,
        names: &[String],
        missing: &BTreeSet<String>,
        errors: &[LoadError],
    ) {
        self.update(|report| {
            report.missing.clone_from(missing);
            report.failures = report.failures.saturating_add(1);
            report.failing_since.get_or_insert(at);
            report.error = errors.first().map(ToString::to_string);
            report.explained = errors.first().map(LoadError::explained);
            report.error_kind = errors.first().map(|error| error.kind);
            report.bundles.retain(|_, status| status.last_successful_activation.is_some());
            for name in names {
                report.bundles.entry(name.clone()).or_insert_with(|| unread(name));
            }
            let blamed: Vec<String> =
                report.bundles.keys().filter(|n| errors.iter().any(|e| e.concerns(n))).cloned().collect();
            for (name, status) in &mut report.bundles {
                let own = errors.iter().find(|error| error.concerns(name));
                // An error that concerns no single bundle is reported for all of them.
                let error = own.or_else(|| errors.first().filter(|_| blamed.is_empty()));
                if own.is_none_or(|error| error.kind != ErrorKind::Unreadable) && names.contains(name) {
                    status.read_at(at);
                }
                status.last_request = Some(at);
                status.code = error.map(|_| "bundle_error");
                status.message = error.map(|error| error.message.clone());
                status.errors = error.map(|error| error.errors.clone()).unwrap_or_default();
            }
        });
    }
}

impl Report {
    fn clear(&mut self) {
        (self.failing_since, self.error, self.explained, self.error_kind) = (None, None, None, None);
        self.missing.clear();
    }
}

impl BundleStatus {
    fn read_at(&mut self, at: Timestamp) {
        self.last_request = Some(at);
        self.last_successful_download = Some(at);
        self.last_successful_request = Some(at);
    }
}

fn active(bundle: &Bundle, at: Timestamp) -> BundleStatus {
    let mut status = unread(&bundle.name);
    status.read_at(at);
    status.organisation.clone_from(&bundle.organisation);
    status.active_revision = Some(bundle.manifest.revision.clone());
    status.last_successful_activation = Some(at);
    status.size = bundle.size;
    status
}

fn unread(name: &str) -> BundleStatus {
    BundleStatus {
        name: name.to_owned(),
        organisation: None,
        active_revision: None,
        last_successful_activation: None,
        last_successful_download: None,
        last_successful_request: None,
        last_request: None,
        r#type: "snapshot",
        size: 0,
        code: None,
        message: None,
        errors: Vec::new(),
    }
}
