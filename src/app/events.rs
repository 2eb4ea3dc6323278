//! The streams of security events that a configuration asks for.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::{StartError, misconfigured};
use super::settings;
use super::supervisor::Supervisor;
use crate::config::{Loaded, Profile};
use crate::events::Receiver;
use crate::identity;
use crate::model::clock::Clock;
use crate::net;
use crate::registry::Registry;
use crate::telemetry::metrics::Metrics;

/// The names of the tasks that keep the keys of streams fresh begin like this, and those of the tasks that ask for events.
const KEYS: &str = "event keys: ";
const POLL: &str = "events: ";

/// Makes the streams ready, none where there is no registry; keeps their keys fresh, and asks for events.
///
/// # Errors
/// What is wrong with the configuration.
pub(super) fn start(
    loaded: &Loaded,
    registry: Option<&Arc<Registry>>,
    (client, clock): (&net::Client, &Clock),
    metrics: &Metrics,
    supervisor: &Supervisor,
) -> Result<Arc<Receiver>, StartError> {
    let Some(registry) = registry else { return Ok(Arc::default()) };
    let base = PathBuf::new();
    let mut setup = identity::Setup::new(&base, clock.clone(), client.clone());
    setup.variables = settings::variables(loaded.environment());
    setup.allow_insecure_issuers = match loaded.profile() {
        Profile::Dev => true,
        Profile::Run(insecure) => insecure.http_jwks,
        Profile::Inspect => false,
    };
    let receiver = Receiver::new(&loaded.config.events, &setup, registry, &metrics.events);
    let wrong = |error: identity::ConfigError| {
        misconfigured(loaded, &error.at, &format!("{}; {}", error.message, error.hint))
    };
    let receiver = receiver.map_err(wrong)?;
    keep(supervisor, &receiver);
    Ok(Arc::new(receiver))
}

fn keep(supervisor: &Supervisor, receiver: &Receiver) {
    for keys in receiver.key_refreshes() {
        let keys = keys.clone();
        supervisor.start(&format!("{KEYS}{}", keys.source()), move || keys.clone().run());
    }
    for poller in receiver.pollers().map(Arc::clone) {
        supervisor.start(&format!("{POLL}{}", poller.source()), move || Arc::clone(&poller).run());
    }
}
