//! The bundles that a configuration has fetched: who asks for them, and how long the start waits for the first answers.

use std::sync::Arc;
use std::time::Duration;

use super::error::{StartError, misconfigured};
use super::settings;
use super::supervisor::Supervisor;
use crate::bundle::reload::Observer;
use crate::bundle::remote::{Remote, Setup, Shelf};
use crate::bundle::status::Status;
use crate::config::Loaded;
use crate::model::clock::Clock;
use crate::net;

/// The names of the tasks begin like this.
const TASK: &str = "bundles: ";
/// How long the start waits for answers: where a bundle is missing without them, and where all of them are there from before.
const MISSING: Duration = Duration::from_secs(60);
const KEPT: Duration = Duration::from_secs(5);

/// Begins to ask for bundles, and waits for the first answers, so that a server that has just started does not decide by what was
/// current when it ended.
///
/// # Errors
/// What is wrong with the configuration; a service that is not there is no reason not to start.
pub(super) async fn start(
    loaded: &Loaded,
    (client, clock): (&net::Client, &Clock),
    (status, told): (&Arc<Status>, &Arc<dyn Observer>),
    supervisor: &Supervisor,
) -> Result<Arc<Shelf>, StartError> {
    let setup = Setup {
        client: client.clone(),
        variables: settings::variables(loaded.environment()),
        clock: clock.clone(),
        state: loaded.config.state.clone(),
        status: Arc::clone(status),
        observers: vec![Arc::clone(told)],
    };
    let remote = Remote::new(&loaded.config.bundles, &setup);
    let Remote { shelf, pollers } = remote.map_err(|(key, why)| misconfigured(loaded, &key, &why))?;
    let patience = if shelf.is_whole() { KEPT } else { MISSING };
    for poller in pollers.iter().map(Arc::clone) {
        supervisor.start(&format!("{TASK}{}", poller.service()), move || Arc::clone(&poller).run());
    }
    let all = async {
        for poller in &pollers {
            poller.asked_once().await;
        }
    };
    // Who answers later is heard later.
    let _ = tokio::time::timeout(patience, all).await;
    Ok(shelf)
}
