//! The policy decision point: which document answers a call, and what the answer means.
//!
//! INVARIANT (repeatable): the same snapshot, input and time, and the same answers of others ([`verdict_rego::Effects`])
//! give the same decision. Hence no tokio here, no clock, no I/O.
//! INVARIANT (one snapshot): a call, and a whole batch, sees one [`snapshot::Snapshot`] from its start to its record.
//!
//! Reading order: [`snapshot`] → [`input`] → [`gate`] → [`limits`] → [`decide`] → [`explain`].

use serde::{Deserialize, Serialize};

use crate::model::units::{ByteSize, Period};
use verdict_rego::Strict;

pub mod decide;
pub mod explain;
pub mod filter;
pub mod gate;
pub mod input;
pub mod limits;
pub mod snapshot;

pub use decide::{Answer, decide, decide_in};
pub use explain::explain;
pub use limits::Limits;

/// `decision:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The document that `POST /` answers with (OPA's `default_decision`).
    pub default_path: String,
    /// The document that Relay's manifests are decided by.
    pub manifest_path: String,
    /// How long one evaluation may take; past it the call is denied.
    pub deadline: Period,
    /// Which decisions carry an explanation in their record.
    pub explain: explain::Config,
    /// How many rules and functions may be within each other in one evaluation.
    pub depth: u32,
    /// How many bytes of values one evaluation may make, whether they are still there or not.
    pub memory: ByteSize,
    /// Other limits for a document and all below it.
    pub entrypoints: limits::ByPath,
    /// What an error of a built-in does to an evaluation.
    pub builtin_errors: BuiltinErrors,
    /// The environment variables that policy may see.
    pub expose_env: Vec<String>,
}

/// What an error of a built-in, such as a time that cannot be parsed, does to the evaluation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BuiltinErrors {
    /// It ends it, so that nothing is allowed because of it.
    #[default]
    Error,
    /// The call is undefined, as in OPA, which `not` turns into truth.
    Undefined,
}

impl BuiltinErrors {
    /// The same as evaluations want it.
    pub const fn strict(self) -> Strict {
        match self {
            Self::Error => Strict::Functions,
            Self::Undefined => Strict::No,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            default_path: "system/main".to_owned(),
            manifest_path: "relay/policies/main".to_owned(),
            deadline: Period::millis(50),
            explain: explain::Config::default(),
            depth: 4096,
            memory: ByteSize::mib(256),
            entrypoints: limits::ByPath::new(),
            builtin_errors: BuiltinErrors::default(),
            expose_env: Vec::new(),
        }
    }
}
