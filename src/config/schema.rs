//! The whole configuration, put together from each module's own part.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The whole configuration file (`verdict.yaml`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where Verdict keeps its own state: the development issuer's key.
    pub state: PathBuf,
    /// The HTTP listener.
    pub server: crate::listen::Config,
    /// The listener for management.
    pub management: crate::listen::ManagementConfig,
    /// How gateways and clients of other systems ask.
    pub doors: crate::doors::Config,
    /// The watched bundles.
    pub bundles: crate::bundle::Config,
    /// Who may call, and how callers are verified.
    pub identity: crate::identity::Config,
    /// Whose security events are taken.
    pub events: crate::events::Config,
    /// What is known of organisations, agents and keys.
    pub registry: crate::registry::Config,
    /// What callers may do at most, whatever policy says.
    pub permissions: crate::pdp::gate::Config,
    /// What tool calls of agents must keep to, beside Rego.
    pub aip: crate::aip::Config,
    /// How often callers may ask.
    pub rate_limits: crate::stores::RateLimits,
    /// Where rate limits and used nonces are kept.
    pub shared_store: crate::stores::Config,
    /// How decisions are made.
    pub decision: crate::pdp::Config,
    /// Whom policy may call while it decides.
    pub http_send: crate::net::policy::Config,
    /// How others are called.
    pub outbound: crate::net::OutboundConfig,
    /// Where decisions are recorded.
    pub decision_log: crate::decision_log::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state: PathBuf::from(".verdict"),
            server: crate::listen::Config::default(),
            management: crate::listen::ManagementConfig::default(),
            doors: crate::doors::Config::default(),
            bundles: crate::bundle::Config::default(),
            identity: crate::identity::Config::default(),
            events: crate::events::Config::default(),
            registry: crate::registry::Config::default(),
            permissions: crate::pdp::gate::Config::default(),
            aip: crate::aip::Config::default(),
            rate_limits: crate::stores::RateLimits::default(),
            shared_store: crate::stores::Config::default(),
            decision: crate::pdp::Config::default(),
            http_send: crate::net::policy::Config::default(),
            outbound: crate::net::OutboundConfig::default(),
            decision_log: crate::decision_log::Config::default(),
        }
    }
}
