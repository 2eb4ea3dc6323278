//! What can change while the server runs, and how it changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::settings;
use super::supervisor::Supervisor;
use crate::authorize::in_force::{Current, InForce};
use crate::bundle::NotRemovable;
use crate::bundle::watch::Trigger;
use crate::config::{Loaded, Reloaded};
use crate::decision_log::DecisionLog;
use crate::identity::Authenticator;
use crate::listen::Tls;
use crate::model::clock::Clock;
use crate::net;
use crate::registry::{Registry, StaticFile};
use crate::stores::Stores;
use crate::telemetry::metrics::Metrics;

/// The names of the tasks that keep issuers' keys fresh begin like this.
const KEYS: &str = "identity keys: ";
/// The name of the task that reads the directory again.
const DIRECTORY: &str = "identity directory";

/// What a reload changes.
pub struct Live {
    pub(super) current: Arc<Current>,
    pub(super) log: Arc<DecisionLog>,
    pub(super) bundles: Trigger,
    pub(super) client: net::Client,
    pub(super) clock: Clock,
    pub(super) instance_id: String,
    pub(super) supervisor: Arc<Supervisor>,
    pub(super) metrics: Arc<Metrics>,
    /// The directory file in force, if there is one.
    pub(super) static_file: Mutex<Option<Arc<StaticFile>>>,
    /// The registry, which lives as long as the process.
    pub(super) registry: Option<Arc<Registry>>,
    pub(super) stores: Mutex<Stores>,
    /// The certificates of the listeners.
    pub(super) certificates: Vec<Arc<Tls>>,
    pub(super) loaded: Mutex<Loaded>,
}

impl Live {
    /// Loads the configuration again and puts in force what can be; reads bundles again, reopens the log.
    ///
    /// INVARIANT (all or nothing): the new configuration is made ready as a whole before any of it comes into force.
    ///
    /// # Errors
    /// What is wrong with the new configuration; the old one stays in force. Keys of the configuration that only a
    /// restart can change are named in the `Ok`.
    pub fn reload(&self) -> Result<Vec<String>, String> {
        self.bundles.reload();
        if let Err(failed) = self.log.reopen() {
            for (sink, error) in failed {
                tracing::error!(%sink, %error, "the decision log could not be reopened; it goes on as it was");
            }
        }
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let Reloaded { loaded: next, needs_restart } = loaded.reload().map_err(|error| error.to_string())?;
        let said = |error: super::error::StartError| error.to_string();
        let mut kept = self.static_file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = settings::static_file(&next, &self.clock, &self.metrics, kept.as_ref()).map_err(said)?;
        let directory = settings::directory(file.as_ref(), self.registry.as_ref());
        // With the same settings, what has been counted and remembered is kept.
        let mut kept_stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let stores = match next.config.shared_store == loaded.config.shared_store {
            true => kept_stores.clone(),
            false => settings::stores(&next, &self.clock).map_err(said)?,
        };
        let with = (&self.client, &self.clock);
        let (mut authenticator, policies) =
            settings::authenticator(&next, with, directory, &stores).map_err(said)?;
        authenticator.adopt_keys(&self.current.load().authenticator);
        let settings =
            Arc::new(settings::settings(&next, &self.instance_id, &stores, &policies).map_err(said)?);
        let authenticator = Arc::new(authenticator);
        refresh_keys(&self.supervisor, &authenticator);
        watch_directory(&self.supervisor, file.as_ref());
        *kept = file;
        self.current.change(|now| InForce { authenticator, settings, ..now.clone() });
        *kept_stores = stores;
        *loaded = next;
        Ok(needs_restart)
    }

    /// Reads certificates, every issuer's keys and the directory again, whatever the cooldown says: for an operator who asks (SIGHUP).
    pub fn fetch_keys(&self) {
        let directory = self.static_file.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(directory) = directory {
            tokio::task::spawn_blocking(move || directory.reload());
        }
        for tls in self.certificates.iter().map(Arc::clone) {
            tokio::task::spawn_blocking(move || tls.reread());
        }
        let authenticator = Arc::clone(&self.current.load().authenticator);
        tokio::spawn(async move { authenticator.refresh_now().await });
    }

    /// Confirms that a bundle that vanished from the directory is removed for good; see [`Trigger::confirm_removal`].
    ///
    /// # Errors
    /// A bundle that is not missing, or that the configuration expects.
    pub fn confirm_removal(&self, bundle: &str) -> Result<(), NotRemovable> {
        self.bundles.confirm_removal(bundle)
    }

    /// The files whose change calls for a reload: the configuration, and the AgentPolicies that it names.
    pub fn config_files(&self) -> Vec<PathBuf> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let policies = loaded.config.aip.policies.iter().cloned();
        loaded.file().map(Path::to_path_buf).into_iter().chain(policies).collect()
    }
}

/// Keeps the keys of these issuers fresh, and those of no others.
pub(super) fn refresh_keys(supervisor: &Supervisor, authenticator: &Authenticator) {
    supervisor.end(KEYS);
    for keys in authenticator.key_refreshes() {
        supervisor.start(&format!("{KEYS}{}", keys.source()), move || keys.clone().run());
    }
}

/// Reads this directory again whenever it has changed, and no other.
pub(super) fn watch_directory(supervisor: &Supervisor, directory: Option<&Arc<StaticFile>>) {
    supervisor.end(DIRECTORY);
    if let Some(directory) = directory.map(Arc::clone) {
        supervisor.start(DIRECTORY, move || Arc::clone(&directory).keep_fresh());
    }
}
