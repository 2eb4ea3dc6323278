//! The options for verifying signed bundles, as in OPA.

use std::path::{Path, PathBuf};

use clap::Args;

use super::print::warn;
use crate::bundle::signature::keys::Algorithm;
use crate::bundle::signature::{Config, KeyConfig, KeyText};
use crate::bundle::{Bundle, Signed, Verification};
use crate::config::VerificationFlags;
use crate::model::secret::Secret;

/// How signatures of bundles are verified.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Bundle verification")]
pub struct VerificationArgs {
    /// Public key (PEM) or HMAC secret, or the path of a file that contains it
    #[arg(long, value_name = "KEY")]
    pub verification_key: Option<String>,
    /// Name of the key
    #[arg(long, value_name = "ID", default_value = "default")]
    pub verification_key_id: String,
    /// Signature algorithm
    #[arg(long, value_name = "ALG", default_value = "RS256")]
    pub signing_alg: String,
    /// Required scope of signatures
    #[arg(long, requires = "verification_key")]
    pub scope: Option<String>,
    /// Files to exclude from verification; repeatable, or separated by commas
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', requires = "verification_key")]
    pub exclude_files_verify: Vec<String>,
    /// INSECURE: do not verify the signatures of bundles
    #[arg(long, conflicts_with = "verification_key")]
    pub skip_verify: bool,
}

/// What happens to a signed bundle if no key is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutKey {
    /// It is refused.
    Refuse,
    /// It is loaded with a warning: commands for authors make no decisions about callers.
    Warn,
}

impl VerificationArgs {
    /// The verification that the options ask for.
    ///
    /// # Errors
    /// An invalid key or pattern.
    pub fn verification(&self, without: WithoutKey) -> Result<Verification, String> {
        let Some(key) = self.key() else {
            let skip = self.skip_verify || without == WithoutKey::Warn;
            return Ok(if skip { Verification::skip() } else { Verification::default() });
        };
        // Read apart, so that the error names the flag.
        key.read().map_err(|why| format!("`--verification-key`: {why}"))?;
        let config = Config {
            keys: [(self.verification_key_id.clone(), key)].into(),
            key_id: Some(self.verification_key_id.clone()),
            scope: self.scope.clone().unwrap_or_default(),
            exclude_files: self.exclude_files_verify.clone(),
            ..Config::default()
        };
        Verification::from_config(Some(&config))
    }

    /// Warns about signed bundles that were not verified, unless `--skip-verify` was given.
    pub fn warn<'b>(&self, bundles: impl IntoIterator<Item = &'b Bundle>) {
        for bundle in
            bundles.into_iter().filter(|bundle| bundle.signed == Signed::Unchecked && !self.skip_verify)
        {
            warn(&format!(
                "the signature of bundle `{}` is not verified; use `--verification-key` or `--skip-verify`",
                bundle.name
            ));
        }
    }

    /// The same for the configuration of a server.
    pub fn flags(&self) -> VerificationFlags {
        VerificationFlags {
            key: self.key(),
            key_id: self.verification_key_id.clone(),
            scope: self.scope.clone(),
            exclude_files: self.exclude_files_verify.clone(),
            skip_verify: self.skip_verify,
        }
    }

    fn key(&self) -> Option<KeyConfig> {
        let text = self.verification_key.as_ref()?;
        let algorithm = self.signing_alg.clone();
        let file = std::path::absolute(text).ok().filter(|_| Path::new(text).exists());
        Some(key_config(algorithm, text, file))
    }
}

fn key_config(algorithm: String, text: &str, file: Option<PathBuf>) -> KeyConfig {
    let key = file.is_none().then(|| KeyText(Secret::new(text.to_owned())));
    KeyConfig { algorithm, key, file }
}

/// The key that an option gives, or the contents of the file that it names.
///
/// # Errors
/// When the file cannot be read. The path of a missing file must not become a secret that anybody can guess.
pub fn key_text(text: &str) -> Result<Vec<u8>, String> {
    if Path::new(text).exists() {
        return crate::bundle::signature::read_key_file(Path::new(text));
    }
    if [".pem", ".key", ".pub", ".txt"].iter().any(|end| text.ends_with(end)) {
        return Err(format!("file `{text}` does not exist"));
    }
    Ok(text.as_bytes().to_vec())
}

/// The algorithm that `--signing-alg` names.
///
/// # Errors
/// An unknown name; the error lists the known ones.
pub fn algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::parse(name).map_err(|why| format!("`--signing-alg`: {why}"))
}
