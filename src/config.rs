//! Configuration: defaults < file < environment < flags.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The whole configuration file (`verdict.yaml`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where Verdict keeps its own state: the development issuer's key, the instance id.
    pub state: PathBuf,
    /// The HTTP listener.
    pub server: crate::http::Config,
    /// The watched bundles.
    pub bundles: crate::bundle::Config,
    /// Who may call, and how callers are verified.
    pub identity: crate::identity::Config,
    /// How decisions are made.
    pub decision: crate::pdp::Config,
    /// Where decisions are recorded.
    pub decision_log: crate::decision_log::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state: PathBuf::from(".verdict"),
            server: crate::http::Config::default(),
            bundles: crate::bundle::Config::default(),
            identity: crate::identity::Config::default(),
            decision: crate::pdp::Config::default(),
            decision_log: crate::decision_log::Config::default(),
        }
    }
}
