//! `decision_log:` in the configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::units::ByteSize;

/// `decision_log:` in the configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How decisions appear on standard output.
    pub console: Console,
    /// The file that takes every record, if one is wanted.
    pub file: Option<FileConfig>,
    /// Where the records of callers go whom nobody has verified.
    pub refusals: RefusalsConfig,
    /// Added to every record, beside `id` and `version`.
    pub labels: BTreeMap<String, String>,
    /// Which claims of the verified subject records carry.
    pub claims: Claims,
    /// Whether records carry what built-ins gave whose arguments do not determine it.
    pub nd_builtin_cache: bool,
    /// Whether bundles are activated whose `data.system.log.mask` or `drop` nobody applies.
    pub allow_unmasked: bool,
}

/// `decision_log.claims`: `none`, a name, or a list of names.
///
/// INVARIANT (claims as configured): what is not named here is in no record, neither in `subject` nor in `input.subject`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims(Vec<String>);

impl Claims {
    /// These claims, at the top level of the token; without any, records have no member `claims`.
    pub const fn named(names: Vec<String>) -> Self {
        Self(names)
    }

    /// The names.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

const NONE: &str = "none";

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() { serializer.serialize_str(NONE) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "`none`, a claim's name, or a list of names")]
        enum NoneOrNames {
            Word(String),
            Names(Vec<String>),
        }
        match NoneOrNames::deserialize(deserializer)? {
            NoneOrNames::Names(names) => Ok(Self(names)),
            NoneOrNames::Word(word) if word == NONE => Ok(Self::default()),
            NoneOrNames::Word(name) => Ok(Self(vec![name])),
        }
    }
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

/// `decision_log.refusals:` in the configuration: calls that were refused before anybody was authenticated.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefusalsConfig {
    /// Their file; beside `file.path` where that is set, with `.refused` before its extension.
    pub path: Option<PathBuf>,
    /// The size at which their file is rotated.
    pub max_size: ByteSize,
    /// How many rotated files are kept.
    pub keep: usize,
    /// How many are recorded a second; those above it are counted.
    pub rate: u32,
}

impl Default for RefusalsConfig {
    fn default() -> Self {
        Self { path: None, max_size: ByteSize::mib(16), keep: 2, rate: 100 }
    }
}

impl Config {
    /// The file that refusals go to: the configured one, else the one beside the decisions' file, if there is one.
    pub fn refusals_path(&self) -> Option<PathBuf> {
        let beside = || self.file.as_ref().map(|file| refused(&file.path));
        self.refusals.path.clone().or_else(beside)
    }
}

/// `decisions.refused.log` for `decisions.log`.
fn refused(path: &Path) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(".refused");
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_lie_beside_the_decisions_unless_they_have_a_path() {
        for (file, own, expected) in [
            (None, None, None),
            (Some("log/decisions.jsonl"), None, Some("log/decisions.refused.jsonl")),
            (Some("decisions"), None, Some("decisions.refused")),
            (Some("a.b.log"), Some("c.log"), Some("c.log")),
            (None, Some("c.log"), Some("c.log")),
        ] {
            let file = file.map(|path| FileConfig {
                path: path.into(),
                max_size: default_max_size(),
                keep: default_keep(),
            });
            let refusals = RefusalsConfig { path: own.map(PathBuf::from), ..RefusalsConfig::default() };
            let config = Config { file, refusals, ..Config::default() };
            assert_eq!(config.refusals_path(), expected.map(PathBuf::from));
        }
    }
}
