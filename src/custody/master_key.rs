//! From a configuration to sources, and from sources to master keys.

use super::aws::Aws;
use super::azure::Azure;
use super::calls::Caller;
use super::check::{check, check_source};
use super::config::{MasterKeyConfig, SourceConfig};
use super::error::CustodyError;
use super::file::File;
use super::gcp::Gcp;
use super::setup::Setup;
use super::source::SecretSource;
use super::variable::Variable;
use super::vault::Vault;
use crate::model::units::Period;
use crate::sealing::{Keyring, MasterKey};

/// The source that a configuration names. `at` is the key of the configuration, for errors.
///
/// # Errors
/// What is wrong with the configuration.
pub fn source(
    at: &str,
    config: &SourceConfig,
    timeout: Period,
    setup: &Setup,
) -> Result<Box<dyn SecretSource>, CustodyError> {
    if let Some(error) = check_source(at, config).into_iter().next() {
        return Err(error);
    }
    let below = |key: &str| format!("{at}.{key}");
    let caller = |key: &str| Caller { at: below(key), client: setup.client.clone(), timeout: timeout.0 };
    let variables = || setup.variables.clone();
    let clock = || setup.clock.clone();
    let SourceConfig { file, env, vault, aws, azure, gcp } = config.clone();
    if let Some(path) = file {
        return Ok(Box::new(File { at: below("file"), path, generate: false }));
    }
    if let Some(name) = env {
        return Ok(Box::new(Variable { at: below("env"), name, variables: variables() }));
    }
    if let Some(config) = vault {
        return Ok(Box::new(Vault { caller: caller("vault"), config, variables: variables() }));
    }
    if let Some(config) = aws {
        return Ok(Box::new(Aws { caller: caller("aws"), config, variables: variables(), clock: clock() }));
    }
    if let Some(config) = azure {
        return Ok(Box::new(Azure { caller: caller("azure"), config, variables: variables() }));
    }
    if let Some(config) = gcp {
        return Ok(Box::new(Gcp { caller: caller("gcp"), config, clock: clock() }));
    }
    Err(CustodyError::new(at, "it names no source", "set `file`, `env`, `vault`, `aws`, `azure` or `gcp`"))
}

/// Fetches the master key, and those before it. `at` is the key of the configuration, for errors.
///
/// # Errors
/// What is wrong with the configuration, or why a key cannot be had: all must be there, so that nothing turns out later to
/// be unreadable.
pub async fn keyring(at: &str, config: &MasterKeyConfig, setup: &Setup) -> Result<Keyring, CustodyError> {
    if let Some(error) = check(at, config).into_iter().next() {
        return Err(error);
    }
    let generate = config.generate.unwrap_or(setup.generate);
    let current: Box<dyn SecretSource> = match &config.file {
        Some(path) => Box::new(File { at: format!("{at}.file"), path: path.clone(), generate }),
        None => source(at, &config.current(), config.timeout, setup)?,
    };
    let current = master_key(at, current.as_ref()).await?;
    let mut previous = Vec::with_capacity(config.previous.len());
    for (index, config_of_one) in config.previous.iter().enumerate() {
        let at = format!("{at}.previous[{index}]");
        let source = source(&at, config_of_one, config.timeout, setup)?;
        previous.push(master_key(&at, source.as_ref()).await?);
    }
    Ok(Keyring::new(current, previous))
}

async fn master_key(at: &str, source: &dyn SecretSource) -> Result<MasterKey, CustodyError> {
    let content = source.fetch().await?;
    MasterKey::read(content.expose()).map_err(|error| {
        CustodyError::new(at, format!("what was found is no master key: {error}"), "store such a key there")
    })
}
