//! `registry:` in the configuration.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use super::auth_log::EVENTS_KEPT;
use super::names::check_word;
use super::outward::is_trust_domain;
use crate::custody::{self, MasterKeyConfig};
use crate::model::subject;
use crate::model::units::Period;

/// `registry:` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether there is a registry.
    pub enabled: bool,
    /// The file of SQLite that it is kept in; by default `registry.db` in the state directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The PostgreSQL that it is kept in instead. May hold a secret, and is shown without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres: Option<DatabaseUrl>,
    /// How often it is looked whether others have written, whatever they announce.
    pub poll: Period,
    /// How long decisions rely on what is known without its being confirmed.
    pub max_registry_age: Period,
    /// The settings that there may be.
    pub settings: Vec<String>,
    /// Where the master key comes from; by default a file in the state directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key: Option<MasterKeyConfig>,
    /// Attempts to authenticate.
    pub auth_events: AuthEvents,
    /// Where outsiders reach this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The trust domain of the agents' SPIFFE ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_domain: Option<String>,
    /// For whom tokens may be exchanged.
    pub token_audiences: Vec<String>,
}

/// `registry.auth_events:` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthEvents {
    /// How many are kept of those that name an organisation, and of those that do not.
    pub keep: u64,
}

impl Default for AuthEvents {
    fn default() -> Self {
        Self { keep: EVENTS_KEPT }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: false,
            file: None,
            postgres: None,
            poll: Period::secs(1),
            max_registry_age: Period::secs(60),
            settings: Vec::new(),
            master_key: None,
            auth_events: AuthEvents::default(),
            public_url: None,
            trust_domain: None,
            token_audiences: Vec::new(),
        }
    }
}

/// The URL of a PostgreSQL. Whatever prints it shows it without user, password and parameters.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The whole text, secrets included: to be parsed, not to be shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for DatabaseUrl {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else { return f.write_str("***") };
        // A password may hold any character: what stands before the last `@` is never shown.
        let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("***@", rest));
        let (rest, query) = rest.split_once(['?', '#']).map_or((rest, ""), |(rest, _)| (rest, "?***"));
        write!(f, "{scheme}://{user}{rest}{query}")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is wrong with `registry:` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}; {hint}")]
pub struct ConfigError {
    /// The key, e.g. `registry.postgres`.
    pub at: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// The shortest time between two looks.
const SHORTEST_POLL: Duration = Duration::from_millis(50);

/// Whether `registry:` holds together.
///
/// # Errors
/// The first thing that is wrong. The error shows no secret.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    let Config {
        enabled: _, file, postgres, poll, max_registry_age, settings, master_key, auth_events, ..
    } = config;
    let wrong = |at: &str, message: String, hint: &str| {
        Err(ConfigError { at: format!("registry.{at}"), message, hint: hint.to_owned() })
    };
    if let Some(url) = postgres {
        if file.is_some() {
            return wrong("postgres", "is there beside `registry.file`".to_owned(), "remove one of the two");
        }
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.expose().starts_with(scheme)) {
            let message = format!("`{url}` is not the url of a PostgreSQL");
            return wrong(
                "postgres",
                message,
                "write e.g. `postgres://verdict@db.example/verdict?sslmode=verify-full`",
            );
        }
    }
    if poll.0 < SHORTEST_POLL {
        return wrong("poll", format!("{poll} is too short"), "write at least `50ms`");
    }
    if max_registry_age.0 < poll.0.saturating_mul(2) {
        let message = format!("{max_registry_age} is less than twice `registry.poll`");
        return wrong("max_registry_age", message, "one look that fails would refuse all callers");
    }
    if auth_events.keep == 0 {
        let message = "is 0, which keeps none".to_owned();
        return wrong("auth_events.keep", message, "write e.g. `1000000`");
    }
    for (n, name) in settings.iter().enumerate() {
        if let Err(rejection) = check_word("settings", name) {
            return wrong(&format!("settings[{n}]"), rejection.message, "write e.g. `max_batch`");
        }
    }
    let key = master_key.iter().flat_map(|config| custody::check("registry.master_key", config)).next();
    match key {
        Some(error) => Err(ConfigError { at: error.at, message: error.message, hint: error.hint }),
        None => check_outward(config),
    }
}

impl Config {
    /// The files that it names, to be made absolute.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.file.iter_mut().chain(self.master_key.iter_mut().flat_map(MasterKeyConfig::files_mut))
    }
}

/// Whether what outsiders are told holds together.
fn check_outward(config: &Config) -> Result<(), ConfigError> {
    let Config { public_url, trust_domain, token_audiences, .. } = config;
    let wrong = |at: &str, message: String, hint: &str| {
        Err(ConfigError { at: format!("registry.{at}"), message, hint: hint.to_owned() })
    };
    if let Some(url) = public_url.as_deref().filter(|url| !is_public_url(url)) {
        let message = format!("`{url}` is not the url of a server");
        return wrong("public_url", message, "write e.g. `https://verdict.acme.example`, without query");
    }
    if let Some(name) = trust_domain.as_deref().filter(|name| !is_trust_domain(name)) {
        let message = format!("`{name}` is not the name of a trust domain (SPIFFE)");
        return wrong("trust_domain", message, "write e.g. `acme.example`: a-z, 0-9, `.`, `-` and `_`");
    }
    if let Some(n) = token_audiences.iter().position(|audience| subject::check_id(audience).is_err()) {
        let message = "is empty, too long, or has control characters".to_owned();
        return wrong(&format!("token_audiences[{n}]"), message, "write what the services expect as `aud`");
    }
    if !token_audiences.is_empty() && (public_url.is_none() || trust_domain.is_none()) {
        let message = "is there without `registry.public_url` and `registry.trust_domain`".to_owned();
        return wrong("token_audiences", message, "set both: they are the `iss` and the `sub` of the tokens");
    }
    Ok(())
}

/// `https://host[:port][/path]`; plain http is for a test on one machine.
fn is_public_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@' | b'"' | b'\\');
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_their_secrets() {
        for (text, shown) in [
            ("postgres://db:5432/verdict", "postgres://db:5432/verdict"),
            ("postgres://verdict:s3/cr@et@db/verdict", "postgres://***@db/verdict"),
            ("postgres://db/verdict?password=s3cret", "postgres://db/verdict?***"),
            ("host=db password=s3cret", "***"),
        ] {
            let url = DatabaseUrl::from(text);
            assert_eq!(url.to_string(), shown, "{text}");
            assert_eq!(serde_json::to_value(&url).unwrap(), shown, "{text}");
            assert!(!format!("{url:?}").contains("s3"), "{text}");
        }
    }

    #[test]
    fn what_does_not_hold_together_is_named() {
        let at = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            check(&config).map_err(|error| error.at)
        };
        assert_eq!(at(|_| {}), Ok(()));
        assert_eq!(at(|c| c.postgres = Some("postgresql://db/v".into())), Ok(()));
        for (change, key) in [
            ((|c| c.postgres = Some("mysql://db".into())) as fn(&mut Config), "registry.postgres"),
            (
                |c| {
                    c.postgres = Some("postgres://db".into());
                    c.file = Some("a".into());
                },
                "registry.postgres",
            ),
            (|c| c.poll = Period::millis(10), "registry.poll"),
            (|c| c.max_registry_age = Period::secs(1), "registry.max_registry_age"),
            (|c| c.auth_events.keep = 0, "registry.auth_events.keep"),
            (|c| c.settings = vec!["a".to_owned(), "b c".to_owned()], "registry.settings[1]"),
            (|c| c.public_url = Some("verdict.example".to_owned()), "registry.public_url"),
            (|c| c.public_url = Some("https://u@verdict.example".to_owned()), "registry.public_url"),
            (|c| c.public_url = Some("https://verdict.example/?a".to_owned()), "registry.public_url"),
            (|c| c.trust_domain = Some("Acme".to_owned()), "registry.trust_domain"),
            (|c| c.token_audiences = vec!["teg".to_owned()], "registry.token_audiences"),
            (|c| c.token_audiences = vec![String::new()], "registry.token_audiences[0]"),
        ] {
            assert_eq!(at(change), Err(key.to_owned()));
        }
    }
}
