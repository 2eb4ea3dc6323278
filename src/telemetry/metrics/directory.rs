//! How the source of organisations, agents and keys is doing.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Versions of the records that came into force, and those that did not.
#[derive(Debug, Clone, Default)]
pub struct DirectoryMetrics {
    generation: Gauge,
    failing: Gauge,
    failures: Counter,
}

impl DirectoryMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let this = Self::default();
        let Self { generation, failing, failures } = &this;
        let text = "Versions of the directory that came into force";
        registry.register("directory_generation", text, generation.clone());
        let text = "Whether the directory's source says something that could not be put in force";
        registry.register("directory_failing", text, failing.clone());
        registry.register(
            "directory_failures",
            "Versions of the directory that were refused",
            failures.clone(),
        );
        this
    }

    /// A version came into force.
    pub fn in_force(&self, generation: u64) {
        self.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.failing.set(0);
    }

    /// A version was refused.
    pub fn failed(&self) {
        self.failing.set(1);
        self.failures.inc();
    }
}
