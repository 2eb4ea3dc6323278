//! What `shared_store:` may say in the configuration.

use std::fmt;

use redis::IntoConnectionInfo;
use serde::{Deserialize, Serialize, Serializer};

use crate::model::units::Period;

/// What is wrong with `shared_store:` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}; {hint}")]
pub struct ConfigError {
    /// The key, e.g. `shared_store.redis.url`.
    pub at: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

/// `shared_store:` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where limits and nonces are kept.
    pub backend: Backend,
    /// How many limits are kept in memory at a time, and as many nonces.
    pub max_entries: usize,
    /// How Redis is reached.
    pub redis: RedisConfig,
    /// What becomes of calls whose limits Redis cannot count.
    pub on_failure: OnFailure,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            backend: Backend::Memory,
            max_entries: 1_000_000,
            redis: RedisConfig::default(),
            on_failure: OnFailure::Refuse,
        }
    }
}

/// Where limits and nonces are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// In this process: each sidecar counts for itself.
    Memory,
    /// In Redis: all sidecars with the same Redis and prefix count together.
    Redis,
}

/// What becomes of calls whose limits Redis cannot count. A nonce that cannot be checked refuses its call in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// They are refused.
    Refuse,
    /// They are counted in this process meanwhile.
    Local,
}

/// `shared_store.redis:` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://HOST:PORT/DB`, `rediss://…` for TLS, or `redis+unix:///PATH`. May hold a secret, and is shown without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<RedisUrl>,
    /// How long one operation may take, connecting included.
    pub timeout: Period,
    /// What the names of all keys in Redis begin with.
    pub key_prefix: String,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self { url: None, timeout: Period::millis(100), key_prefix: "verdict:".to_owned() }
    }
}

/// The URL of a Redis. Whatever prints it shows it without user, password and query.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// The whole text, secrets included: to be parsed, not to be shown.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RedisUrl {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        // A password may hold any character: what stands before the last `@` is never shown.
        let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("***@", rest));
        let (rest, query) = rest.split_once(['?', '#']).map_or((rest, ""), |(rest, _)| (rest, "?***"));
        let parted = if scheme.is_empty() { "" } else { "://" };
        write!(f, "{scheme}{parted}{user}{rest}{query}")
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

impl Serialize for RedisUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Longer names of keys would only fill Redis.
const LONGEST_PREFIX: usize = 64;

/// Whether `shared_store:` holds together.
///
/// # Errors
/// Redis without a usable URL, or an unusable prefix. The error shows no secret.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    let RedisConfig { url, timeout: _, key_prefix } = &config.redis;
    let wrong = |at, message: String, hint| Err(ConfigError { at, message, hint });
    const URL: &str = "shared_store.redis.url";
    let hint = "write e.g. `redis://cache.example:6379/0`, or `rediss://…` for TLS";
    match url {
        None if config.backend == Backend::Redis => {
            return wrong(URL, "`shared_store.backend: redis` needs the url of a redis".to_owned(), hint);
        }
        None => {}
        // The library's own words may hold a part of the password.
        Some(url) if url.expose().into_connection_info().is_err() => {
            return wrong(URL, format!("`{url}` is not the url of a redis"), hint);
        }
        Some(_) => {}
    }
    if key_prefix.len() > LONGEST_PREFIX || !key_prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = "the prefix is too long, or has characters other than visible ASCII ones".to_owned();
        return wrong("shared_store.redis.key_prefix", message, "write at most 64 of them, e.g. `verdict:`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_their_secrets() {
        for (text, shown) in [
            ("redis://cache:6379/0", "redis://cache:6379/0"),
            ("rediss://user:s3cret@cache/0", "rediss://***@cache/0"),
            ("redis://:s3/cr@et@cache", "redis://***@cache"),
            ("redis+unix:///run/redis.sock?pass=s3cret", "redis+unix:///run/redis.sock?***"),
            ("user:s3cret@cache", "***@cache"),
        ] {
            let url = RedisUrl::from(text);
            assert_eq!(url.to_string(), shown, "{text}");
            assert_eq!(serde_json::to_value(&url).unwrap(), shown, "{text}");
            assert!(!format!("{url:?}").contains("s3"), "{text}");
        }
    }

    #[test]
    fn what_does_not_hold_together_is_named() {
        let redis = |url: Option<&str>, prefix: &str| Config {
            backend: Backend::Redis,
            redis: RedisConfig {
                url: url.map(RedisUrl::from),
                key_prefix: prefix.to_owned(),
                ..RedisConfig::default()
            },
            ..Config::default()
        };
        for (config, at) in [
            (Config::default(), None),
            (redis(Some("redis://cache"), ""), None),
            (redis(Some("rediss://u:p@cache:6380/3"), "a:"), None),
            (redis(Some("redis+unix:///run/redis.sock"), "a:"), None),
            (redis(None, "a:"), Some("shared_store.redis.url")),
            (redis(Some("http://cache"), "a:"), Some("shared_store.redis.url")),
            (redis(Some("redis://u:s3cret@cache:port"), "a:"), Some("shared_store.redis.url")),
            (redis(Some("redis://cache"), "a b"), Some("shared_store.redis.key_prefix")),
            (redis(Some("redis://cache"), &"x".repeat(65)), Some("shared_store.redis.key_prefix")),
        ] {
            let found = check(&config);
            assert_eq!(found.as_ref().err().map(|wrong| wrong.at), at, "{config:?}");
            assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");
        }
    }
}
