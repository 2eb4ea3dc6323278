//! Opens the registry that a configuration asks for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{StartError, misconfigured};
use super::supervisor::Supervisor;
use crate::config::{Config, Loaded};
use crate::model::clock::Clock;
use crate::registry::freshness::Monotonic;
use crate::registry::rules::Rules;
use crate::registry::sqlite::{PATIENCE, SqliteStore};
use crate::registry::store::Store;
use crate::registry::{Opening, Registry};
use crate::sealing::{Keyring, MasterKey};

/// The name of the task that keeps the registry's mirror up to date.
const SYNC: &str = "registry";
/// The file in the state directory that has the registry, unless the configuration says otherwise.
const FILE: &str = "registry.db";

/// The registry, where there is to be one.
///
/// # Errors
/// What is wrong with the configuration or the database.
pub(super) async fn open(loaded: &Loaded, clock: &Clock) -> Result<Option<Arc<Registry>>, StartError> {
    let config = &loaded.config;
    if !config.registry.enabled {
        return Ok(None);
    }
    let keyring = Keyring::new(master_key(&config.state.join("registry.key"))?, Vec::new());
    let opening = Opening {
        keyring,
        rules: rules(config),
        clock: clock.clone(),
        monotonic: Monotonic::default(),
        max_age: config.registry.max_registry_age.0,
    };
    let (file, clock) = (file(config), clock.clone());
    let opened = tokio::task::spawn_blocking(move || -> Result<Registry, String> {
        let store = SqliteStore::open(&file, PATIENCE, &clock).map_err(|error| error.to_string())?;
        let store: Box<dyn Store> = Box::new(store);
        Registry::open(store, opening).map_err(|error| error.to_string())
    });
    let opened = opened.await.map_err(|error| StartError::Other(error.to_string()))?;
    let registry = opened.map_err(|error| {
        let message = format!("the registry cannot be opened: {error}");
        misconfigured(loaded, "registry", &message)
    })?;
    Ok(Some(Arc::new(registry)))
}

/// Keeps the registry's mirror up to date.
pub(super) fn keep_fresh(supervisor: &Supervisor, config: &Config, registry: Option<&Arc<Registry>>) {
    if let Some(registry) = registry.map(Arc::clone) {
        let poll = config.registry.poll.0;
        supervisor.start(SYNC, move || Arc::clone(&registry).keep_fresh(poll));
    }
}

fn file(config: &Config) -> PathBuf {
    config.registry.file.clone().unwrap_or_else(|| config.state.join(FILE))
}

/// Roles that count for the whole server are nobody's but the operator's.
fn rules(config: &Config) -> Rules {
    let management = config.management.role.clone();
    let explained = config.decision.explain.roles.iter().cloned();
    Rules {
        settings: config.registry.settings.clone(),
        reserved_roles: explained.chain([management.clone()]).collect(),
        operator_role: Some(management),
        ..Rules::default()
    }
}

/// The master key in a file that only its owner can read; made where it is missing.
fn master_key(path: &Path) -> Result<MasterKey, StartError> {
    use std::io::{ErrorKind, Write as _};
    use std::os::unix::fs::OpenOptionsExt as _;
    let wrong = |error: &dyn std::fmt::Display| StartError::Other(format!("{}: {error}", path.display()));
    match std::fs::read(path) {
        Ok(content) => MasterKey::read(&content).map_err(|error| wrong(&error)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            aws_lc_rs::rand::fill(&mut bytes).map_err(|_| wrong(&"the system has no random numbers"))?;
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(|error| wrong(&error))?;
            }
            let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            let written = file.and_then(|mut file| {
                file.write_all(&bytes)?;
                file.sync_all()
            });
            written.map_err(|error| wrong(&error))?;
            Ok(MasterKey::from_bytes(bytes))
        }
        Err(error) => Err(wrong(&error)),
    }
}
