//! What `aip:` may say in the configuration.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `aip:` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// AgentPolicy files.
    pub policies: Vec<PathBuf>,
    /// Files of the Ed25519 public keys that policies are signed with.
    pub signers: Vec<PathBuf>,
    /// The document that must allow a tool call, too.
    pub document: String,
}

impl Config {
    /// The files that it names, to be made absolute.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.policies.iter_mut().chain(&mut self.signers)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { policies: Vec::new(), signers: Vec::new(), document: "aip/allow".to_owned() }
    }
}
