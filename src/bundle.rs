//! Bundles: from a watched directory to an activated snapshot.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::units::{ByteSize, Period};

/// `bundles:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The watched directory; each entry is a bundle: a folder, or a `.tar.gz` file in OPA's bundle format.
    pub dir: PathBuf,
    /// How often the directory is read again even when no change was reported.
    pub poll_interval: Period,
    /// How long the directory must be quiet after a change before it is read.
    pub debounce: Period,
    /// How long a failed reload may leave the last good policy in force before the server reports not ready; `0` is
    /// without end.
    pub max_stale: Period,
    /// Whether calls are denied once `max_stale` has passed.
    pub deny_when_stale: bool,
    /// Documents that must be defined by policy, e.g. `app/allow`; a snapshot that lacks one is not activated.
    pub required_entrypoints: Vec<String>,
    /// Run the tests and fixtures that a bundle carries, and activate it only when they pass.
    pub run_tests: bool,
    /// The most that one bundle may hold, unpacked.
    pub max_bundle_size: ByteSize,
    /// The most files that one bundle may hold.
    pub max_bundle_files: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("bundles"),
            poll_interval: Period::secs(5),
            debounce: Period::millis(100),
            max_stale: Period::secs(300),
            deny_when_stale: false,
            required_entrypoints: Vec::new(),
            run_tests: false,
            max_bundle_size: ByteSize::mib(256),
            max_bundle_files: 20_000,
        }
    }
}
