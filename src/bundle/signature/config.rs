//! `bundles.verification:` in the configuration.
//!
//! INVARIANT (secret): a key is never printed, nor repeated in an error; a secret for HMAC and a public key look alike.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::keys::{Algorithm, VerificationKey};
use crate::model::secret::Secret;

/// Longer than any key.
const MAX_KEY_FILE: u64 = 1 << 20;

/// `bundles.verification:` in the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The trusted keys, by ID.
    pub keys: BTreeMap<String, KeyConfig>,
    /// The ID of the key to use; by default, the token's `kid` names the key.
    pub key_id: Option<String>,
    /// The required `scope` of the signature.
    pub scope: String,
    /// Files to exclude from verification: patterns of their names in the bundle.
    pub exclude_files: Vec<String>,
    /// Whether bundles without a signature are refused.
    pub required: bool,
    /// Whether signatures must say which bundle they are for, which revision, and until when.
    pub bound: bool,
    /// Accept signed bundles without verification.
    pub skip_verify: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            keys: BTreeMap::new(),
            key_id: None,
            scope: String::new(),
            exclude_files: Vec::new(),
            required: true,
            bound: false,
            skip_verify: false,
        }
    }
}

/// One key of the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyConfig {
    /// Its signature algorithm.
    pub algorithm: String,
    /// The key itself: PEM, or the secret for HMAC.
    pub key: Option<KeyText>,
    /// The file that contains it.
    pub file: Option<PathBuf>,
}

impl Default for KeyConfig {
    fn default() -> Self {
        Self { algorithm: Algorithm::Rs256.name().to_owned(), key: None, file: None }
    }
}

/// A key in the configuration: never printed.
#[derive(Debug, Clone)]
pub struct KeyText(pub Secret<String>);

impl Serialize for KeyText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Unlike that of `String`, its errors do not repeat the value.
struct KeyVisitor;

impl KeyVisitor {
    fn unquoted<E: serde::de::Error>() -> Result<KeyText, E> {
        Err(E::custom("a key must be a string; put it in quotes"))
    }
}

impl serde::de::Visitor<'_> for KeyVisitor {
    type Value = KeyText;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<KeyText, E> {
        Ok(KeyText(Secret::new(text.to_owned())))
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<KeyText, E> {
        Self::unquoted()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<KeyText, E> {
        Self::unquoted()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<KeyText, E> {
        Self::unquoted()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<KeyText, E> {
        Self::unquoted()
    }
}

impl KeyConfig {
    /// The key.
    ///
    /// # Errors
    /// A file that cannot be read, or a key that does not fit the algorithm.
    pub fn read(&self) -> Result<VerificationKey, String> {
        let algorithm = Algorithm::parse(&self.algorithm)?;
        match (&self.key, &self.file) {
            (Some(KeyText(text)), None) => VerificationKey::new(algorithm, text.expose().as_bytes()),
            (None, Some(file)) => VerificationKey::new(algorithm, &read_key_file(file)?)
                .map_err(|why| format!("`{}`: {why}", file.display())),
            (Some(_), Some(_)) => Err("`key` and `file` are mutually exclusive".to_owned()),
            (None, None) => Err("`key` or `file` is required".to_owned()),
        }
    }
}

/// Reads a key file.
///
/// # Errors
/// When it cannot be read, or is too long for a key.
pub fn read_key_file(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = crate::bundle::folder::read_file(path, MAX_KEY_FILE).map_err(|error| error.message)?;
    if bytes.len() as u64 > MAX_KEY_FILE {
        return Err(format!("`{}` is too long for a key", path.display()));
    }
    Ok(bytes)
}
