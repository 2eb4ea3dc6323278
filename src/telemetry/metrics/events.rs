//! Security events that issuers send.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Security events that issuers send. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct EventMetrics {
    taken: Family<TakenLabels, Counter>,
    refused: Family<RefusedLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TakenLabels {
    event: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    error: &'static str,
}

impl EventMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let this = Self::default();
        let Self { taken, refused } = &this;
        registry.register("security_events", "Security events that were acknowledged", taken.clone());
        registry.register("security_events_refused", "Security events that were not taken", refused.clone());
        this
    }

    /// Counts an event that was acknowledged.
    pub fn taken(&self, event: &'static str, outcome: &'static str) {
        self.taken.get_or_create(&TakenLabels { event, outcome }).inc();
    }

    /// Counts an event that was not taken, by its code.
    pub fn refused(&self, error: &'static str) {
        self.refused.get_or_create(&RefusedLabels { error }).inc();
    }
}
