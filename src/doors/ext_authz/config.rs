//! `doors.ext_authz:` in the configuration.

use serde::{Deserialize, Serialize};

use crate::doors::flaw::Flaw;
use crate::model::request::EntryPath;

/// `doors.ext_authz:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The document that decides; without it that of `decision.default_path`.
    pub document: Option<String>,
    /// Below which path the HTTP mode is served.
    pub http_prefix: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { document: None, http_prefix: "/ext_authz".to_owned() }
    }
}

/// What of it a call needs.
#[derive(Debug)]
pub struct Settings {
    /// The document that decides.
    pub document: EntryPath,
    /// Below which path the HTTP mode is served.
    pub prefix: String,
}

impl Settings {
    /// Reads the configuration; `default` is `decision.default_path`.
    ///
    /// # Errors
    /// What is no path.
    pub fn new(config: &Config, default: &EntryPath) -> Result<Self, Flaw> {
        let document = match &config.document {
            None => default.clone(),
            Some(text) => EntryPath::parse(text)
                .map_err(|why| Flaw::new("doors.ext_authz.document", why, "write it like `app/allow`"))?,
        };
        let segments = config.http_prefix.strip_prefix('/').unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let is_plain = |part: &str| {
            !part.is_empty() && part.bytes().all(plain) && !part.bytes().all(|byte| byte == b'.')
        };
        if !segments.split('/').all(is_plain) {
            let message = format!("`{}` is not a path to put others behind", config.http_prefix);
            return Err(Flaw::new("doors.ext_authz.http_prefix", message, "write it like `/ext_authz`"));
        }
        Ok(Self { document, prefix: config.http_prefix.clone() })
    }

    /// The routes of the HTTP mode, behind whose prefix is the path that is asked about.
    pub(in crate::doors) fn paths(&self) -> [String; 3] {
        ["", "/", "/{*path}"].map(|rest| format!("{}{rest}", self.prefix))
    }
}
