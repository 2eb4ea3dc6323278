//! Whether `identity.capabilities` holds together: the one check, for the loader of the configuration (which adds file and
//! line) and for [`crate::identity::Authenticator::new`].

use http::HeaderName;
use http::header::AUTHORIZATION;
use verdict_jose::PublicKey;

use super::config::{Config, KeyConfig};
use crate::identity::config::ConfigError;
use crate::model::units::Period;

/// The longest that `max_ttl` may be: what lives longer than a day is no capability but a key.
const LONGEST: Period = Period::secs(24 * 60 * 60);
/// The most by which clocks may be allowed to differ.
const MAX_LEEWAY: Period = Period::secs(300);

/// Everything that is wrong. Does not read files.
pub fn check(config: &Config) -> Vec<ConfigError> {
    let mut found = Vec::new();
    let mut wrong = |key: &str, message: String, hint: &str| {
        found.push(ConfigError::new(format!("identity.capabilities{key}"), message, hint));
    };
    let Config { issuer, audience, keys, max_ttl, leeway, single_use: _, header } = config;
    for (key, text) in [(".issuer", issuer), (".audience", audience)] {
        if text.is_empty() {
            wrong(key, "must not be empty".to_owned(), "write what the tokens say, e.g. `agentpack`");
        }
    }
    if keys.is_empty() {
        let hint = "add the entry that `verdict capability keygen` prints";
        wrong(".keys", "there is no key, so no token can be valid".to_owned(), hint);
    }
    for (index, key) in keys.iter().enumerate() {
        let before = keys.get(..index).unwrap_or_default();
        if let Some((member, message, hint)) = flaw(key, before) {
            wrong(&format!(".keys[{index}]{member}"), message, hint);
        }
    }
    if max_ttl.0.is_zero() || *max_ttl > LONGEST {
        let message = format!("{max_ttl} is not more than 0 and at most {LONGEST}");
        wrong(".max_ttl", message, "minutes are usual, e.g. `15m`");
    }
    if *leeway > MAX_LEEWAY {
        let message = format!("{leeway} is more than {MAX_LEEWAY}, and would keep expired tokens alive");
        wrong(".leeway", message, "keep the clocks in step (NTP) and allow some seconds");
    }
    if let Some(name) = header
        && header_name(name).is_none()
    {
        let message = format!("`{name}` is not the name of a header that can carry credentials");
        wrong(".header", message, "write e.g. `x-agentpack-capability`; `Authorization` is always looked at");
    }
    found
}

/// What is wrong with a key: the member, with a dot before it, and what to do.
fn flaw(key: &KeyConfig, before: &[KeyConfig]) -> Option<(&'static str, String, &'static str)> {
    let KeyConfig { kid, public_key, public_key_file } = key;
    if kid.is_empty() {
        return Some((".kid", "must not be empty".to_owned(), "write what `kid` of the tokens is"));
    }
    if before.iter().any(|other| other.kid == *kid) {
        return Some((".kid", format!("two keys are named `{kid}`"), "give each key a name of its own"));
    }
    match (public_key, public_key_file) {
        (Some(pem), None) => read(pem).err().map(|message| (".public_key", message, PUBLIC_ONLY)),
        (None, Some(_)) => None,
        (None, None) => {
            Some(("", format!("key `{kid}` has no public key"), "add `public_key` or `public_key_file`"))
        }
        (Some(_), Some(_)) => {
            let message = "`public_key` and `public_key_file` are mutually exclusive".to_owned();
            Some((".public_key_file", message, "keep one of the two"))
        }
    }
}

/// What to do about a key that is none.
pub(super) const PUBLIC_ONLY: &str =
    "only the Ed25519 public key belongs here; the private key stays where tokens are minted";

/// The key of a PEM text.
///
/// # Errors
/// When it is not exactly one Ed25519 public key; the text is not repeated.
pub(super) fn read(pem: &str) -> Result<PublicKey, String> {
    let mut keys = PublicKey::from_pem(pem)?;
    match (keys.pop(), keys.is_empty()) {
        (Some(key @ PublicKey::Ed25519(_)), true) => Ok(key),
        (Some(_), true) => Err("it is not an Ed25519 key".to_owned()),
        _ => Err("it has more than one key".to_owned()),
    }
}

/// The header of that name, if it may carry credentials of its own.
pub(super) fn header_name(name: &str) -> Option<HeaderName> {
    name.parse::<HeaderName>().ok().filter(|name| *name != AUTHORIZATION)
}
