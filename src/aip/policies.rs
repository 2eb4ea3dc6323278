//! Every policy of a server, and which is for whom.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use verdict_jose::PublicKey;

use super::config::Config;
use super::policy::Policy;

/// The policies in force. Without any, tool calls are a matter of Rego alone.
#[derive(Debug, Default)]
pub struct Policies {
    by_name: BTreeMap<Arc<str>, Arc<Policy>>,
}

impl Policies {
    /// Reads every file that a configuration names.
    ///
    /// # Errors
    /// The key of the configuration that is concerned, and what is wrong.
    pub fn load(config: &Config) -> Result<Self, (&'static str, String)> {
        let signers = config.signers.iter().map(|path| signer(path)).collect::<Result<Vec<_>, _>>();
        let signers = signers.map_err(|message| ("aip.signers", message))?;
        let mut by_name: BTreeMap<Arc<str>, Arc<Policy>> = BTreeMap::new();
        for path in &config.policies {
            let policy = Policy::read(path, &signers).map_err(|problems| {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                ("aip.policies", lines.join("\n"))
            })?;
            if let Some(other) = by_name.insert(Arc::clone(&policy.name), Arc::new(policy)) {
                let message =
                    format!("two policies are named `{}`; one is {}", other.name, other.path.display());
                return Err(("aip.policies", message));
            }
        }
        Ok(Self { by_name })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Policy>> {
        self.by_name.values()
    }

    /// The policy of that name.
    pub fn named(&self, name: &str) -> Option<&Arc<Policy>> {
        self.by_name.get(name)
    }

    /// The only policy.
    pub fn only(&self) -> Option<&Arc<Policy>> {
        self.by_name.values().next().filter(|_| self.by_name.len() == 1)
    }

    /// The policy that a caller's tool calls must keep to: that of the agent's name, else the only one. Where there are several
    /// and none is the caller's, there is none, and its calls are blocked: another policy never widens.
    pub fn of_caller(&self, agent: Option<&str>) -> Option<&Arc<Policy>> {
        agent.and_then(|agent| self.named(agent)).or_else(|| self.only())
    }
}

fn signer(path: &Path) -> Result<PublicKey, String> {
    let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
    let keys = read.and_then(|text| PublicKey::from_pem(&text).map_err(str::to_owned));
    let mut keys = keys.map_err(|error| format!("{}: {error}", path.display()))?;
    match (keys.pop(), keys.is_empty()) {
        (Some(key @ PublicKey::Ed25519(_)), true) => Ok(key),
        _ => Err(format!("{}: it is not one Ed25519 public key in PEM", path.display())),
    }
}
