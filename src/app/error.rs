//! Why a server does not start.

use crate::bundle::LoadError;
use crate::config::Loaded;
use crate::identity;
use crate::net;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The identity configuration does not hold together.
    #[error(transparent)]
    Identity(#[from] identity::ConfigError),
    /// The bundles' configuration; bundles that do not load are no reason not to start.
    #[error(transparent)]
    Bundles(#[from] LoadError),
    /// The outbound HTTP client.
    #[error(transparent)]
    Net(#[from] net::Error),
    /// Bundles that do not load are a reason not to start after all; nothing was found wrong where they take too long to read.
    #[error("no bundle was activated (`--fail-fast`): {}", .0.as_deref().unwrap_or("they could not be read within a minute"))]
    NotActivated(Option<String>),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

/// What a key of the configuration was good for until it was used, with the place where it was set.
pub(super) fn misconfigured(loaded: &Loaded, key: &str, error: &dyn std::fmt::Display) -> StartError {
    StartError::Other(loaded.problem(key, &error.to_string()).to_string())
}
