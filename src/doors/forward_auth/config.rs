//! `doors.forward_auth` in the configuration.

use serde::{Deserialize, Serialize};

use crate::doors::flaw::Flaw;
use crate::model::request::EntryPath;

/// `doors.forward_auth` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForwardAuthConfig {
    /// The document that decides, as behind `/v1/data/`.
    pub document: Option<String>,
    /// Who may describe requests: addresses and networks.
    pub trusted_proxies: Vec<String>,
}

impl Default for ForwardAuthConfig {
    fn default() -> Self {
        Self { document: None, trusted_proxies: ["127.0.0.0/8", "::1"].map(str::to_owned).to_vec() }
    }
}

impl ForwardAuthConfig {
    pub(super) fn document(&self, usual: &EntryPath) -> Result<EntryPath, Flaw> {
        let Some(text) = &self.document else { return Ok(usual.clone()) };
        EntryPath::parse(text).map_err(|why| {
            Flaw::new("doors.forward_auth.document", why, "write it as behind `/v1/data/`, e.g. `http/allow`")
        })
    }
}
