//! What a server would make of a credential, of the files of its certificates, or of an HTTP request, without the server.

use std::path::PathBuf;

use super::error::StartError;
use super::registry::{self, Missing};
use super::settings::{authenticator, client, directory, static_file};
use crate::config::{Config, Loaded};
use crate::doors::routing::Routes;
use crate::doors::{Shown, shown};
use crate::identity::Authenticator;
use crate::listen::Tls;
use crate::model::clock::Clock;
use crate::model::failure::Failure;
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

/// What a start would say of the files of one listener's certificate.
pub struct ListenerFiles {
    /// Where they stand in the configuration, e.g. `server.tls`.
    pub key: &'static str,
    /// The file with the certificate.
    pub cert: PathBuf,
    /// Why a start would refuse them.
    pub refused: Option<String>,
}

/// Reads the files of the listeners' certificates as a start does. Who vouches for workloads is not asked: nobody shakes hands.
pub fn listener_files(loaded: &Loaded, clock: &Clock) -> Vec<ListenerFiles> {
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), clock.now());
    let config = &loaded.config;
    let listeners = [("server.tls", &config.server.tls), ("management.tls", &config.management.tls)];
    let read = listeners.into_iter().filter_map(|(key, tls)| Some((key, tls.as_ref()?)));
    read.map(|(key, tls)| ListenerFiles {
        key,
        cert: tls.cert.clone(),
        refused: Tls::open(key, tls, None, clock, &metrics).err(),
    })
    .collect()
}

/// What policy would see of an HTTP request that a gateway describes, or why it would be refused.
///
/// # Errors
/// What is wrong with the routes.
pub fn seen(
    config: &Config,
    (method, target): (&str, &str),
    host: Option<&str>,
) -> Result<Result<Shown, Failure>, StartError> {
    let routes = Routes::new(&config.doors.http).map_err(super::flawed)?;
    Ok(shown(&routes, method, target, host))
}
