//! What a new registry is taken into possession with: a token in a file that only the owner of the server can read.
//!
//! INVARIANT (not kept): in memory there is the hash of the token alone.
//! INVARIANT (once): who has it may try, and the registry takes one: whether there is an operator key is asked by the command
//! itself, within its transaction.

use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::{constant_time, digest};

use super::key_text::{Form, form, generate};
use super::records::Records;

/// The file in the state directory.
const FILE: &str = "bootstrap-token";
/// What the token begins with.
const PREFIX: &str = "vbt";

/// A token that may be used once.
#[derive(Debug)]
pub struct BootstrapToken {
    hash: Mutex<Option<[u8; 32]>>,
    file: PathBuf,
}

impl BootstrapToken {
    /// Writes a token for a registry that has no operator key; takes away one that is no longer good for anything.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn prepare(records: &Records, state: &Path) -> io::Result<Self> {
        let file = state.join(FILE);
        let token = Self { hash: Mutex::new(None), file };
        if records.has_operator() {
            token.spend();
            return Ok(token);
        }
        let text = match token.kept() {
            Some(text) => text,
            None => token.write()?,
        };
        *token.lock() = Some(hash_of(&text));
        tracing::warn!(
            file = %token.file.display(),
            "the registry has no operator key: run `verdict init`, or present the token in this file to `POST /v1/bootstrap`"
        );
        Ok(token)
    }

    /// The token of a start before this one, or of another process that starts beside it.
    fn kept(&self) -> Option<String> {
        let private = std::fs::metadata(&self.file).ok()?.permissions().mode().trailing_zeros() >= 6;
        let text = std::fs::read_to_string(&self.file).ok()?;
        let text = text.trim();
        (private && text.starts_with(PREFIX) && form(text) == Form::Ours).then(|| text.to_owned())
    }

    fn write(&self) -> io::Result<String> {
        let text = generate(PREFIX).map_err(io::Error::other)?;
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.file)?;
        writeln!(file, "{}", text.expose())?;
        file.sync_all()?;
        Ok(text.expose().clone())
    }

    /// Whether this is it. Takes the same time for every text of the same length.
    pub fn is(&self, text: &str) -> bool {
        let kept = self.lock().unwrap_or_default();
        let same = constant_time::verify_slices_are_equal(&kept, &hash_of(text)).is_ok();
        same && !self.is_spent()
    }

    /// Whether there is nothing left to be begun.
    pub fn is_spent(&self) -> bool {
        self.lock().is_none()
    }

    /// Takes it away: it was used, here or elsewhere.
    pub fn spend(&self) {
        *self.lock() = None;
        match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(file = %self.file.display(), %error, "a bootstrap token that is spent cannot be removed");
            }
            _ => {}
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<[u8; 32]>> {
        self.hash.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash_of(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash
}
