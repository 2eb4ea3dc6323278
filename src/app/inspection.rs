//! Verifying credentials without a server.

use super::error::StartError;
use super::registry::{self, Missing};
use super::settings::{authenticator, client, directory, static_file};
use crate::config::Loaded;
use crate::identity::Authenticator;
use crate::model::clock::Clock;
use crate::stores::{self, Stores};
use crate::telemetry::metrics::Metrics;

/// Who verifies credentials as a server with this configuration would, before it has seen any. What it verifies is not
/// remembered where servers would find it, so that to look at a single-use credential does not use it up.
///
/// # Errors
/// What is wrong with it.
pub async fn new_authenticator(loaded: &Loaded, clock: &Clock) -> Result<Authenticator, StartError> {
    let client = client(loaded)?;
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), clock.now());
    let file = static_file(loaded, clock, &metrics, None)?;
    let registry = registry::open(loaded, Missing::Refuse, &client, clock, &metrics).await?;
    let memory = Stores::new(&stores::Config::default());
    let memory = memory.map_err(|error| StartError::Other(error.to_string()))?;
    authenticator(loaded, (&client, clock), directory(file.as_ref(), registry.as_ref()), &memory)
        .map(|(authenticator, _)| authenticator)
}
