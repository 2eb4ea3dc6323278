//! The policy decision point: pure and synchronous.
//!
//! INVARIANT (repeatable): the same snapshot, input and time give the same decision.

use serde::{Deserialize, Serialize};

use crate::model::units::Period;

/// `decision:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The document that `POST /` answers with (OPA's `default_decision`).
    pub default_path: String,
    /// How long one evaluation may take; past it the call is denied.
    pub deadline: Period,
}

impl Default for Config {
    fn default() -> Self {
        Self { default_path: "system/main".to_owned(), deadline: Period::millis(50) }
    }
}
