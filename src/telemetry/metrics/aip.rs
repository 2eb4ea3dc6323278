//! Tool calls and what AgentPolicies say of them, under AIP's own names (v1alpha2 section 6.4.2).

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::model::ruling::{Effect, Ruling};

/// Tool calls.
#[derive(Debug)]
pub struct AipMetrics {
    /// Requests to validate a call.
    pub requests: Counter,
    decisions: Family<DecisionLabels, Counter>,
    violations: Family<ViolationLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    decision: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ViolationLabels {
    r#type: &'static str,
}

impl AipMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let this = Self {
            requests: Counter::default(),
            decisions: Family::default(),
            violations: Family::default(),
        };
        let Self { requests, decisions, violations } = &this;
        registry.register("aip_requests", "Requests to validate a tool call", requests.clone());
        registry.register("aip_decisions", "What AgentPolicies said of tool calls", decisions.clone());
        registry.register("aip_violations", "Rules of AgentPolicies that were not kept", violations.clone());
        for effect in [Effect::Allow, Effect::Block, Effect::Ask] {
            let _ = decisions.get_or_create(&DecisionLabels { decision: effect.name() });
        }
        this
    }

    /// Counts what a policy said.
    pub fn judged(&self, ruling: &Ruling) {
        self.decisions.get_or_create(&DecisionLabels { decision: ruling.effect.name() }).inc();
        for violation in &ruling.violations {
            self.violations.get_or_create(&ViolationLabels { r#type: violation.kind }).inc();
        }
    }
}
