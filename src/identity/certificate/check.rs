//! Whether `identity.client_certificates` and `identity.proxies` hold together: the one check, for the loader of the configuration and
//! for [`crate::identity::Authenticator::new`].

use crate::identity::config::{Config, ConfigError};

/// Everything that is wrong.
pub fn check(config: &Config) -> Vec<ConfigError> {
    let mut found = Vec::new();
    let empty = "must not be empty";
    if config.client_certificates.as_ref().is_some_and(|certificates| certificates.kind.is_empty()) {
        let hint = "`service` is the default";
        found.push(ConfigError::new("identity.client_certificates.type", empty, hint));
    }
    for (n, _) in config.proxies.iter().enumerate().filter(|(_, name)| name.is_empty()) {
        let hint = "write the subject of the proxy's certificate";
        found.push(ConfigError::new(format!("identity.proxies[{n}]"), empty, hint));
    }
    if !config.proxies.is_empty() && !config.knows_certificates() {
        found.push(ConfigError::new(
            "identity.proxies",
            "nothing says who a proxy's certificate is of",
            "set `identity.client_certificates.subject`",
        ));
    }
    found
}
