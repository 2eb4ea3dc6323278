//! Configuration: defaults < file < environment < flags.
//!
//! INVARIANT (nothing is ignored): a key that no module knows is an error, in the file as in the environment.
//! INVARIANT (one reader): only [`Environment::capture`] reads the environment; everyone else is handed what it found.
//! INVARIANT (printable): the configuration in effect can be printed, and no error or print shows a secret in it.
//!
//! Each section's struct belongs to the module that uses it; here they are put together, read and checked. Deliberately
//! absent: defaults (they stand with the structs), and any use of the values.
//!
//! Reading order: [`Config`] → `load` and `environment` (the layers) → `tree`, `yaml`, `typed` (from text to types, with places) →
//! `error` → `validate` → `effective` and `reference` (what is printed).

mod effective;
mod environment;
mod error;
mod load;
mod mask;
pub mod reference;
mod tree;
mod typed;
mod validate;
mod yaml;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use environment::Environment;
pub use error::{ConfigError, Problem};
pub use load::{Loaded, Overrides, Sources, VerificationFlags, load};
pub use validate::{Insecure, Profile};

/// The whole configuration file (`verdict.yaml`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where Verdict keeps its own state: the development issuer's key.
    pub state: PathBuf,
    /// The HTTP listener.
    pub server: crate::listen::Config,
    /// The watched bundles.
    pub bundles: crate::bundle::Config,
    /// Who may call, and how callers are verified.
    pub identity: crate::identity::Config,
    /// How decisions are made.
    pub decision: crate::pdp::Config,
    /// Whom policy may call while it decides.
    pub http_send: crate::net::policy::Config,
    /// Where decisions are recorded.
    pub decision_log: crate::decision_log::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state: PathBuf::from(".verdict"),
            server: crate::listen::Config::default(),
            bundles: crate::bundle::Config::default(),
            identity: crate::identity::Config::default(),
            decision: crate::pdp::Config::default(),
            http_send: crate::net::policy::Config::default(),
            decision_log: crate::decision_log::Config::default(),
        }
    }
}
