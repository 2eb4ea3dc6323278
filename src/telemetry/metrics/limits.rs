//! How many calls were over their rate limits.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Rate limits.
#[derive(Debug)]
pub struct LimitMetrics {
    refusals: Family<LimitLabels, Counter>,
    failures: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
}

impl LimitMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let this = Self { refusals: Family::default(), failures: Counter::default() };
        let Self { refusals, failures } = &this;
        registry.register(
            "rate_limit_refusals",
            "Calls refused because their caller asked too often",
            refusals.clone(),
        );
        registry.register(
            "rate_limit_failures",
            "Calls refused because they could not be counted",
            failures.clone(),
        );
        this
    }

    /// Counts a call that was over a limit.
    pub fn refused(&self, limit: &'static str) {
        self.refusals.get_or_create(&LimitLabels { limit }).inc();
    }

    /// Counts a call that could not be counted against its limits.
    pub fn failed(&self) {
        self.failures.inc();
    }
}
