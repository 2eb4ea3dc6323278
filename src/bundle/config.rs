//! `bundles:` in the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::contents::Limits;
use super::remote::{RemoteConfig, ServiceConfig};
use super::signature;
use crate::model::units::{ByteSize, Period};

/// `bundles:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The watched directory; each folder and `.tar.gz` archive in it is a bundle, in OPA's format.
    pub dir: PathBuf,
    /// Files and folders to serve as they are, in place of `dir`: policy and data, bundles, or directories of bundles.
    pub paths: Vec<PathBuf>,
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
    /// Base data that must be defined, e.g. `app/users`; a snapshot that lacks it is not activated.
    pub required_data: Vec<String>,
    /// Bundles that must be in the directory, by name; without one of them nothing is activated.
    pub expected: Vec<String>,
    /// The bundles that are for one organisation, by name, and which: they decide for its callers only.
    pub organisations: BTreeMap<String, String>,
    /// What happens when a bundle that is in force vanishes from the directory; not set is [`OnRemoval::Keep`].
    pub on_removal: Option<OnRemoval>,
    /// Run the tests and fixtures that a bundle carries, and activate it only when they pass.
    pub run_tests: bool,
    /// The most that one bundle may hold, unpacked.
    pub max_bundle_size: ByteSize,
    /// The most files that one bundle may hold.
    pub max_bundle_files: usize,
    /// Servers that have bundles, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, ServiceConfig>,
    /// Bundles that are fetched, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub remote: BTreeMap<String, RemoteConfig>,
    /// Whose signatures bundles must have.
    pub verification: Option<signature::Config>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("bundles"),
            paths: Vec::new(),
            poll_interval: Period::secs(5),
            debounce: Period::millis(100),
            max_stale: Period::secs(300),
            deny_when_stale: false,
            required_entrypoints: Vec::new(),
            required_data: Vec::new(),
            expected: Vec::new(),
            organisations: BTreeMap::new(),
            on_removal: None,
            run_tests: false,
            max_bundle_size: ByteSize::mib(256),
            max_bundle_files: 20_000,
            services: BTreeMap::new(),
            remote: BTreeMap::new(),
            verification: None,
        }
    }
}

impl From<&Config> for Limits {
    fn from(config: &Config) -> Self {
        Self { max_size: config.max_bundle_size.0, max_files: config.max_bundle_files }
    }
}

/// What happens when a bundle that is in force vanishes from the watched directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRemoval {
    /// The last good snapshot stays in force until the bundle comes back or an operator confirms its removal.
    Keep,
    /// The other bundles are activated without it, with a warning.
    Deactivate,
}
