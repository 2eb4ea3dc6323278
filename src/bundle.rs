//! Bundles: from a watched directory to an activated snapshot.
//!
//! INVARIANT (last good): the snapshot in force is replaced by a better one or not at all; whatever is wrong with what
//! the directory holds is kept in [`status`], logged, and told to the [`reload::Observer`]s.
//! INVARIANT (whole): all bundles of the directory become one snapshot together; a bundle is read completely or not.
//! INVARIANT (stable reading): see [`watch`].
//!
//! INVARIANT (verified first): signatures are checked between reading (`scan`) and parsing ([`load`]); see [`signature`].
//!
//! Deliberately absent: delta bundles, WebAssembly, and unpacking anything to disk.
//!
//! Reading order: [`manifest`] → `name`, `folder`, `archive`, `contents` (one bundle's files) → `scan` (the directory)
//! → [`signature`] → [`load`] → `merge` → [`activate`](mod@activate) → [`reload`] → [`watch`] with `events` and `notices`; [`status`],
//! [`error`]; [`build`] goes the other way.

pub mod activate;
mod archive;
pub mod build;
mod contents;
pub mod error;
mod events;
mod folder;
mod glob;
pub mod inspect;
pub mod load;
pub mod manifest;
mod merge;
mod name;
mod notices;
pub mod pattern;
mod presence;
pub mod reload;
mod scan;
pub mod signature;
pub mod status;
pub mod watch;
mod yaml;

use std::path::PathBuf;

pub use activate::{Candidate, Conditions, TestRunner, activate, compile};
pub use contents::Limits;
pub use error::{ErrorKind, LoadError};
pub use load::{Bundle, Reading, load_dir, load_path, load_reading};
pub use pattern::Pattern;
pub use reload::{Observer, Setup};
pub use signature::{Signed, Verification};
pub use status::{Report, Status};
pub use watch::{NotRemovable, Trigger, Watcher};
pub use yaml::read as read_yaml;

use serde::{Deserialize, Serialize};

use crate::model::request::EntryPath;
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
    /// Base data that must be defined, e.g. `app/users`; a snapshot that lacks it is not activated.
    pub required_data: Vec<String>,
    /// Bundles that must be in the directory, by name; without one of them nothing is activated.
    pub expected: Vec<String>,
    /// What happens when a bundle that is in force vanishes from the directory; not set is [`OnRemoval::Keep`].
    pub on_removal: Option<OnRemoval>,
    /// Run the tests and fixtures that a bundle carries, and activate it only when they pass.
    pub run_tests: bool,
    /// The most that one bundle may hold, unpacked.
    pub max_bundle_size: ByteSize,
    /// The most files that one bundle may hold.
    pub max_bundle_files: usize,
    /// Whose signatures bundles must have.
    pub verification: Option<signature::Config>,
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
            required_data: Vec::new(),
            expected: Vec::new(),
            on_removal: None,
            run_tests: false,
            max_bundle_size: ByteSize::mib(256),
            max_bundle_files: 20_000,
            verification: None,
        }
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

/// How the configuration has signatures dealt with.
fn verification(config: &Config) -> Result<Verification, LoadError> {
    Verification::from_config(config.verification.as_ref())
        .map_err(|why| LoadError::new(ErrorKind::Signature, format!("`bundles.verification`: {why}")))
}

/// Reads a required entry point, e.g. `app/allow`.
fn entry_point(text: &str) -> Result<EntryPath, String> {
    let path = EntryPath::parse(text)?;
    if path.segments().is_empty() {
        return Err("an entry point is empty; write the path of a rule, e.g. `app/allow`".to_owned());
    }
    Ok(path)
}

/// Reads the path of required data, e.g. `app/users`.
fn data_path(text: &str) -> Result<EntryPath, String> {
    let path = EntryPath::parse(text)?;
    if path.segments().is_empty() {
        return Err(
            "a path of required data is empty; write what stands below `data`, e.g. `app/users`".to_owned()
        );
    }
    Ok(path)
}

/// Checks a bundle's name as the configuration gives it.
///
/// # Errors
/// What no bundle in the watched directory can be called.
pub fn check_name(text: &str) -> Result<(), String> {
    if let Some(stem) = name::archive_stem(text) {
        return Err(format!("`{text}` is the name of a file; the bundle is called `{stem}`"));
    }
    if text.is_empty() || text.contains('/') || name::ignored(text) {
        return Err(format!("no bundle can be called `{text}`"));
    }
    Ok(())
}
