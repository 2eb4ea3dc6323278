//! What `identity.delegations:` may say in the configuration.

use serde::{Deserialize, Serialize};

/// `identity.delegations:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The headers that name a delegation.
    pub headers: Vec<String>,
    /// How many delegations may stand in a chain; 1 is no chain at all.
    pub max_depth: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { headers: vec!["x-agentpack-delegation".to_owned()], max_depth: 1 }
    }
}

/// The most that `max_depth` can be.
pub(super) const MAX_DEPTH: usize = 8;
