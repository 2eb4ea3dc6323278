//! The state of the bundles: for `/v1/status`, health, readiness and metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
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
    /// How fetching is doing, by the bundle's name.
    #[serde(skip)]
    pub remote: BTreeMap<String, RemoteStatus>,
    /// When the first signature of what is active ends.
    #[serde(skip)]
    pub expires: Option<Timestamp>,
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

    /// Why what is active is too old to be relied on, if it is. Failures count from `max_stale` on, and never where that is zero;
    /// the end of a signature always counts.
    pub fn staleness(&self, now: Timestamp, max_stale: Duration) -> Option<Stale> {
        let limit = i64::try_from(max_stale.as_nanos()).unwrap_or(i64::MAX);
        let too_old = |since: Timestamp| limit > 0 && now.0.saturating_sub(since.0) > limit;
        let unconfirmed =
            |remote: &RemoteStatus| remote.error.is_some() && remote.confirmed_at.is_some_and(too_old);
        match () {
            () if self.expires.is_some_and(|at| at <= now) => Some(Stale::Expired),
            () if self.failing_since.is_some_and(too_old) => Some(Stale::Reload),
            () if self.remote.values().any(unconfirmed) => Some(Stale::Remote),
            () => None,
        }
    }

    /// Whether there is such a reason.
    pub fn is_stale(&self, now: Timestamp, max_stale: Duration) -> bool {
        self.staleness(now, max_stale).is_some()
    }
}

/// Why what is active is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// The directory has not been loaded for too long.
    Reload,
    /// A service has not said for too long that its bundle is current.
    Remote,
    /// A signature has ended.
    Expired,
}

/// How fetching one bundle is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteStatus {
    /// The service that has it.
    pub service: String,
    /// Where it is, without secrets.
    pub from: String,
    /// What the service calls it.
    pub etag: Option<String>,
    /// The revision that was fetched last.
    pub revision: Option<String>,
    /// The size of the archive, in bytes.
    pub size: usize,
    /// When it was fetched.
    pub fetched_at: Option<Timestamp>,
    /// When the service last said that it is current.
    pub confirmed_at: Option<Timestamp>,
    /// When it was last asked for.
    pub asked_at: Option<Timestamp>,
    /// Whether it is that of an earlier run, and was not fetched since the start.
    pub restored: bool,
    /// Whether what is in force is kept in the state directory.
    pub kept: bool,
    /// How often asking has failed, one after the other.
    pub failures: u64,
    /// Why it failed last.
    pub error: Option<String>,
}

impl RemoteStatus {
    /// As status shows it, with the age of what the service last said.
    pub fn shown(&self, now: Timestamp) -> serde_json::Value {
        let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
        let age = self.confirmed_at.map(|at| now.unix_seconds().saturating_sub(at.unix_seconds()).max(0));
        serde_json::json!({
            "service": self.service, "from": self.from, "etag": self.etag, "revision": self.revision, "size": self.size,
            "fetched_at": time(self.fetched_at), "confirmed_at": time(self.confirmed_at), "asked_at": time(self.asked_at),
            "age_seconds": age, "restored": self.restored, "kept": self.kept, "failures": self.failures,
            "error": self.error,
        })
    }
}

/// The current [`Report`], shared; readers never block.
#[derive(Debug, Default)]
pub struct Status {
    report: ArcSwap<Report>,
    /// Held while somebody writes.
    writing: Mutex<()>,
}

impl Status {
    /// The current report.
    pub fn report(&self) -> Arc<Report> {
        self.report.load_full()
    }

    fn update(&self, change: impl FnOnce(&mut Report)) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut report = Report::clone(&self.report.load());
        change(&mut report);
        self.report.store(Arc::new(report));
    }

    /// Something about fetching a bundle has changed.
    pub(super) fn remote(&self, bundle: &str, change: impl FnOnce(&mut RemoteStatus)) {
        self.update(|report| change(report.remote.entry(bundle.to_owned()).or_default()));
    }

    /// Whether a bundle that is in force is kept.
    pub(super) fn kept(&self, bundle: &str, kept: bool) {
        self.remote(bundle, |remote| remote.kept = kept);
    }

    /// The directory was scanned.
    pub(super) fn scanned(&self, at: Timestamp) {
        self.update(|report| report.last_scan = Some(at));
    }

    /// These bundles were activated.
    pub(super) fn activated<'b>(
        &self,
        at: Timestamp,
        generation: u64,
        bundles: impl Iterator<Item = &'b Bundle> + Clone,
    ) {
        self.update(|report| {
            let status = |bundle: &Bundle| (bundle.name.clone(), active(bundle, at));
            report.generation = generation;
            report.bundles = bundles.clone().map(status).collect();
            report.expires = bundles.filter_map(Bundle::expires).min();
            report.activations = report.activations.saturating_add(1);
            report.clear();
        });
    }

    /// Something was written and is active beside the bundles. What is wrong with the directory stays wrong.
    pub(super) fn written(&self, at: Timestamp, generation: u64, written: &Bundle) {
        self.update(|report| {
            report.generation = generation;
            report.activations = report.activations.saturating_add(1);
            report.bundles.insert(written.name.clone(), active(written, at));
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
