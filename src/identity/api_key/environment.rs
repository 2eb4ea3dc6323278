//! The keys that environment variables hold.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use super::caller::Caller;
use super::config::{ApiKeysConfig, PrefixConfig, VariableConfig};
use super::text::{Form, form};
use crate::identity::config::ConfigError;
use crate::model::roles::Roles;
use crate::model::subject;
use crate::model::variables::Variables;
use crate::registry::key_hash::KeyHash;
use crate::registry::key_index::Keyed;

/// Shorter keys could be guessed, in bytes.
const SHORTEST: usize = 16;

/// A key of the environment. The key itself is not kept.
pub(super) struct EnvironmentKey {
    pub(super) hash: KeyHash,
    pub(super) caller: Arc<Caller>,
    /// In nanoseconds since 1970; `i64::MIN` before the first use.
    pub(super) last_used: AtomicI64,
}

impl Keyed for EnvironmentKey {
    fn hash(&self) -> &KeyHash {
        &self.hash
    }
}

/// The keys that the configuration names.
///
/// # Errors
/// A variable that is not set, or holds no key; two with the same key. The variable is named, its value never.
pub(super) fn keys(
    config: &ApiKeysConfig,
    variables: &Variables,
    roles: &Roles,
) -> Result<Vec<EnvironmentKey>, ConfigError> {
    let mut reading = Reading { variables, roles, keys: Vec::new(), named: Vec::new() };
    for (n, entry) in config.env.iter().enumerate() {
        reading.one(&format!("identity.api_keys.env[{n}].variable"), entry)?;
    }
    for (n, entry) in config.env_prefix.iter().enumerate() {
        reading.all(&format!("identity.api_keys.env_prefix[{n}].prefix"), entry)?;
    }
    Ok(reading.keys)
}

struct Reading<'a> {
    variables: &'a Variables,
    roles: &'a Roles,
    keys: Vec<EnvironmentKey>,
    /// The variables of `keys`.
    named: Vec<String>,
}

impl Reading<'_> {
    fn one(&mut self, at: &str, entry: &VariableConfig) -> Result<(), ConfigError> {
        let name = &entry.variable;
        let Some(value) = self.variables.get(name) else {
            let message = format!("the environment variable `{name}` is not set");
            return Err(ConfigError::new(at, message, "set it to the key, or remove the entry"));
        };
        let id = entry.id.as_ref().unwrap_or(name);
        self.add(at, name, value, Caller::of_variable(entry, id, self.roles))
    }

    fn all(&mut self, at: &str, entry: &PrefixConfig) -> Result<(), ConfigError> {
        let prefix = &entry.prefix;
        let set = self.variables.iter();
        let named: Vec<_> = set
            .filter_map(|(name, value)| Some((name, name.strip_prefix(prefix.as_str())?, value)))
            .collect();
        if named.is_empty() {
            let message = format!("no environment variable begins with `{prefix}`");
            return Err(ConfigError::new(at, message, "set one for each key, or remove the entry"));
        }
        for (name, id, value) in named {
            if let Err(problem) = subject::check_id(id) {
                let message =
                    format!("the rest of the name `{name}` {problem}, and is to be the caller's id");
                return Err(ConfigError::new(at, message, "give the variable another name"));
            }
            self.add(at, name, value, Caller::of_prefix(entry, id, self.roles))?;
        }
        Ok(())
    }

    fn add(&mut self, at: &str, name: &str, value: &str, caller: Caller) -> Result<(), ConfigError> {
        let hint = "`verdict keys generate` makes a key";
        let wrong = |problem: String| {
            ConfigError::new(at, format!("the environment variable `{name}` {problem}"), hint)
        };
        if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("has characters that no header can carry".to_owned()));
        }
        if value.len() < SHORTEST {
            return Err(wrong(format!("holds a key of fewer than {SHORTEST} characters")));
        }
        if form(value) == Form::Mistyped {
            return Err(wrong("looks like a key of Verdict's, and its checksum is wrong".to_owned()));
        }
        let hash = KeyHash::of(value);
        let same = self.keys.iter().position(|key| key.hash == hash);
        if let Some(other) = same.and_then(|at| self.named.get(at)) {
            return Err(wrong(format!("holds the same key as `{other}`")));
        }
        self.keys.push(EnvironmentKey {
            hash,
            caller: Arc::new(caller),
            last_used: AtomicI64::new(i64::MIN),
        });
        self.named.push(name.to_owned());
        Ok(())
    }
}
