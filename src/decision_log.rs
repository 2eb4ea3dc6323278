//! The decision log: no answer leaves before its record is accepted.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::units::ByteSize;

/// `decision_log:` in the configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How decisions appear on standard output.
    pub console: Console,
    /// The file that takes every record, if one is wanted.
    pub file: Option<FileConfig>,
    /// Added to every record, beside `id` and `version`.
    pub labels: BTreeMap<String, String>,
}

/// How decisions appear on standard output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Console {
    /// Readable on a terminal, JSON lines elsewhere.
    #[default]
    Auto,
    /// One readable line a decision.
    Pretty,
    /// One JSON document a line.
    Json,
    /// Not at all.
    Off,
}

/// `decision_log.file:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Where: one JSON document a line.
    pub path: PathBuf,
    /// The size at which the file is rotated: renamed to `<path>.1`, `.1` to `.2`, and so on.
    #[serde(default = "default_max_size")]
    pub max_size: ByteSize,
    /// How many rotated files are kept.
    #[serde(default = "default_keep")]
    pub keep: usize,
}

const fn default_max_size() -> ByteSize {
    ByteSize::mib(256)
}

const fn default_keep() -> usize {
    8
}
