//! Attempts to authenticate that the registry records.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Attempts to authenticate that the registry records. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct AuthEventMetrics {
    recorded: Counter,
    folded: Counter,
    failures: Counter,
    pending: Gauge,
}

impl AuthEventMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let this = Self::default();
        let Self { recorded, folded, failures, pending } = &this;
        let text = "Attempts to authenticate that are recorded in the registry";
        registry.register("auth_events", text, recorded.clone());
        let text = "Attempts to authenticate that are recorded together with others, for want of room";
        registry.register("auth_events_folded", text, folded.clone());
        let text = "Tries to record attempts to authenticate that the registry's database did not take";
        registry.register("auth_event_failures", text, failures.clone());
        let text = "Attempts to authenticate that the registry's database has not taken yet";
        registry.register("auth_events_pending", text, pending.clone());
        this
    }

    /// So many attempts were stored, so many of them together with others.
    pub fn stored(&self, attempts: u64, folded: u64) {
        self.recorded.inc_by(attempts);
        self.folded.inc_by(folded);
        self.pending.set(0);
    }

    /// So many attempts could not be stored yet.
    pub fn failed(&self, pending: u64) {
        self.failures.inc();
        self.pending.set(i64::try_from(pending).unwrap_or(i64::MAX));
    }
}
