//! One entry of the list, and what was found so far.

use crate::identity::config::{ConfigError, Risk};

pub(super) struct Entry<'a> {
    pub(super) at: String,
    pub(super) found: &'a mut Vec<ConfigError>,
}

impl Entry<'_> {
    /// `key` is below the entry, with a dot before it.
    pub(super) fn wrong(&mut self, key: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.found.push(ConfigError::new(format!("{}{key}", self.at), message, hint));
    }

    /// What a flag can allow.
    pub(super) fn insecure(&mut self, key: &str, risk: Risk, message: String, hint: &str) {
        let error = ConfigError::new(format!("{}{key}", self.at), message, hint);
        self.found.push(ConfigError { risk: Some(risk), ..error });
    }
}
