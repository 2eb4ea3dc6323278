//! Opens the registry that a configuration asks for.

use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{StartError, misconfigured};
use super::settings;
use super::supervisor::Supervisor;
use crate::config::{Config, Loaded, Profile};
use crate::custody::{self, MasterKeyConfig};
use crate::model::clock::Clock;
use crate::net;
use crate::registry::actor::Actor;
use crate::registry::bootstrap_token::BootstrapToken;
use crate::registry::change::Done;
use crate::registry::command::{Command, NewOrganisation, NewRegistry};
use crate::registry::freshness::Monotonic;
use crate::registry::outward::Outward;
use crate::registry::postgres::PostgresStore;
use crate::registry::postgres::options::PostgresOptions;
use crate::registry::rules::Rules;
use crate::registry::sqlite::{PATIENCE, SqliteStore};
use crate::registry::store::{Store, StoreError};
use crate::registry::{Opening, Registry};
use crate::sealing::Keyring;
use crate::telemetry::metrics::Metrics;

/// The name of the task that keeps the registry's mirror up to date.
const SYNC: &str = "registry";
/// The name of the task that records attempts to authenticate.
const EVENTS: &str = "registry auth events";
/// The name of the task that stores when keys were last used.
const USES: &str = "registry key uses";
/// The file in the state directory that has the registry, unless the configuration says otherwise.
const FILE: &str = "registry.db";
/// The file in the state directory that has the master key, unless the configuration says otherwise.
const KEY_FILE: &str = "registry.key";

/// What is done where there is no registry yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is made, with its master key if need be: servers do.
    Make,
    /// It is an error: commands that only look do not leave a registry behind.
    Refuse,
}

/// The registry, where there is to be one.
///
/// # Errors
/// What is wrong with the configuration or the database.
pub(super) async fn open(
    loaded: &Loaded,
    missing: Missing,
    client: &net::Client,
    clock: &Clock,
    metrics: &Metrics,
) -> Result<Option<Arc<Registry>>, StartError> {
    let config = &loaded.config;
    if !config.registry.enabled {
        return Ok(None);
    }
    if missing == Missing::Refuse && config.registry.postgres.is_none() && !file(config).exists() {
        let message =
            format!("there is no registry `{}` yet: start the server first", file(config).display());
        return Err(misconfigured(loaded, "registry", &message));
    }
    let keyring = keyring(loaded, missing, client, clock).await?;
    let opening = Opening {
        keyring,
        rules: rules(config),
        clock: clock.clone(),
        monotonic: Monotonic::default(),
        max_age: config.registry.max_registry_age.0,
    };
    let (config, clock) = (config.clone(), clock.clone());
    let opened = tokio::task::spawn_blocking(move || -> Result<Registry, String> {
        let store = store(&config, &clock).map_err(|error| error.to_string())?;
        if missing == Missing::Refuse && !Registry::is_in(&*store).map_err(|error| error.to_string())? {
            return Err("there is none yet: start the server first".to_owned());
        }
        Registry::open(store, opening).map_err(|error| error.to_string())
    });
    let opened = opened.await.map_err(|error| StartError::Other(error.to_string()))?;
    let registry = opened.map_err(|error| {
        let message = format!("the registry cannot be opened: {error}");
        misconfigured(loaded, "registry", &message)
    })?;
    let keep = loaded.config.registry.auth_events.keep;
    Ok(Some(Arc::new(registry.keeping_events(keep, metrics.auth_events.clone()))))
}

/// What a new registry is begun with.
///
/// # Errors
/// The token cannot be written.
pub(super) fn bootstrap(
    loaded: &Loaded,
    registry: Option<&Arc<Registry>>,
) -> Result<Option<Arc<BootstrapToken>>, StartError> {
    let Some(registry) = registry else { return Ok(None) };
    let token = BootstrapToken::prepare(&registry.known(), &loaded.config.state);
    let token = token.map_err(|error| {
        misconfigured(loaded, "state", &format!("the bootstrap token cannot be written: {error}"))
    })?;
    Ok(Some(Arc::new(token)))
}

/// Begins a registry with an organisation.
///
/// # Errors
/// There is none, it has been begun, or its database fails.
pub(super) async fn begin(
    registry: Option<&Arc<Registry>>,
    token: Option<&Arc<BootstrapToken>>,
    organisation: &str,
) -> Result<Done, String> {
    let registry = registry.ok_or("there is no registry to begin: set `registry.enabled: true`")?;
    let organisation = NewOrganisation { id: Some(organisation.to_owned()), ..NewOrganisation::default() };
    let command = Command::Bootstrap(NewRegistry { organisation, ..NewRegistry::default() });
    let registry = Arc::clone(registry);
    let begun = tokio::task::spawn_blocking(move || registry.execute(&Actor::system(), &command));
    let begun = begun.await.map_err(|error| error.to_string())?;
    let done = begun.map_err(|error| format!("the registry cannot be begun: {error}"))?;
    if let Some(token) = token {
        token.spend();
    }
    Ok(done)
}

/// Keeps the registry's mirror up to date, and stores what it is to write down.
pub(super) fn keep(supervisor: &Supervisor, config: &Config, registry: Option<&Arc<Registry>>) {
    if let Some(registry) = registry.map(Arc::clone) {
        let poll = config.registry.poll.0;
        let (events, uses) = (Arc::clone(&registry), Arc::clone(&registry));
        supervisor.start(SYNC, move || Arc::clone(&registry).keep_fresh(poll));
        supervisor.start(EVENTS, move || Arc::clone(&events).keep_events());
        supervisor.start(USES, move || Arc::clone(&uses).keep_uses());
    }
}

/// The master keys. Where the configuration names no source, one of this installation's own is made.
async fn keyring(
    loaded: &Loaded,
    missing: Missing,
    client: &net::Client,
    clock: &Clock,
) -> Result<Keyring, StartError> {
    let config = &loaded.config;
    let make = missing == Missing::Make;
    let own = || MasterKeyConfig {
        file: Some(config.state.join(KEY_FILE)),
        generate: Some(make),
        ..MasterKeyConfig::default()
    };
    let master_key = match config.registry.master_key.clone() {
        Some(master_key) => master_key,
        None => {
            let made = if make { make_private(&config.state) } else { Ok(()) };
            made.map_err(|error| {
                misconfigured(loaded, "state", &format!("cannot make `{}`: {error}", config.state.display()))
            })?;
            own()
        }
    };
    let setup = custody::Setup {
        variables: settings::variables(loaded.environment()),
        clock: clock.clone(),
        client: client.clone(),
        generate: make && loaded.profile() == Profile::Dev,
    };
    let keyring = custody::keyring("registry.master_key", &master_key, &setup).await;
    keyring.map_err(|error| misconfigured(loaded, &error.at, &format!("{}; {}", error.message, error.hint)))
}

/// Makes a directory that only its owner can read, unless it is there.
fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// The database, opened. Blocks.
fn store(config: &Config, clock: &Clock) -> Result<Box<dyn Store>, StoreError> {
    if let Some(url) = &config.registry.postgres {
        let options = PostgresOptions::new(url.expose());
        return Ok(Box::new(PostgresStore::open(&options, clock)?));
    }
    Ok(Box::new(SqliteStore::open(&file(config), PATIENCE, clock)?))
}

/// The file of a registry in SQLite.
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
        outward: Outward {
            url: config.registry.public_url.clone(),
            trust_domain: config.registry.trust_domain.clone(),
            audiences: config.registry.token_audiences.clone(),
        },
        ..Rules::default()
    }
}
