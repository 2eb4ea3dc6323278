//! `doors.docker:` in the configuration, and the door that is made of it.

use serde::{Deserialize, Serialize};

use crate::model::request::EntryPath;
use crate::pdp::input::About;

/// `doors.docker:` in the configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The document that decides; without it, there is no plugin.
    pub document: Option<String>,
}

/// The door, ready to answer.
#[derive(Debug)]
pub struct Door {
    document: Option<EntryPath>,
    about: About,
}

impl Door {
    /// Makes it of its configuration.
    ///
    /// # Errors
    /// What is wrong, with the key below `doors.docker`.
    pub fn new(config: &Config, about: About) -> Result<Self, (String, String)> {
        let document = config.document.as_deref().map(EntryPath::parse).transpose();
        Ok(Self { document: document.map_err(|error| ("document".to_owned(), error))?, about })
    }

    /// The document that decides; none where nobody is answered.
    pub(in crate::doors) const fn document(&self) -> Option<&EntryPath> {
        self.document.as_ref()
    }

    /// Whom its calls are about.
    pub(super) const fn about(&self) -> &About {
        &self.about
    }
}
