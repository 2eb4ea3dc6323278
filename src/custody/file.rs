//! A secret in a file.

use std::fs::{File as Handle, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::error::CustodyError;
use super::source::{Fetching, SecretSource};
use crate::model::secret::{Secret, SecretBytes};

/// The longest secret in a file.
const MAX_BYTES: u64 = 64 << 10;

/// A secret in a file that only its owner can read.
#[derive(Debug)]
pub(super) struct File {
    pub(super) at: String,
    pub(super) path: PathBuf,
    /// Whether it is made where it is missing.
    pub(super) generate: bool,
}

impl SecretSource for File {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(std::future::ready(self.read()))
    }
}

impl File {
    fn read(&self) -> Result<SecretBytes, CustodyError> {
        if self.generate && !self.path.exists() {
            generate(&self.path).map_err(|error| {
                CustodyError::new(
                    &self.at,
                    format!("cannot make `{}`: {error}", self.path.display()),
                    "make its folder, or make the file by `openssl rand -hex 32`",
                )
            })?;
        }
        private(&self.path, &self.at)?;
        read(&self.path, &self.at)
    }
}

/// Refuses a file that others than its owner can read or change.
#[cfg(unix)]
fn private(path: &Path, at: &str) -> Result<(), CustodyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, at, &error.to_string()))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 || !metadata.is_file() {
        return Ok(());
    }
    let shown = path.display();
    Err(CustodyError::new(
        at,
        format!("`{shown}` is open to others than its owner (mode {mode:04o})"),
        format!("run `chmod 600 {shown}`"),
    ))
}

#[cfg(not(unix))]
fn private(_: &Path, _: &str) -> Result<(), CustodyError> {
    Ok(())
}

/// The content of a file.
pub(super) fn read(path: &Path, at: &str) -> Result<SecretBytes, CustodyError> {
    let failed = |error: std::io::Error| unreadable(path, at, &error.to_string());
    // A pipe or a device would block, or never end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(unreadable(path, at, "it is not a file"));
    }
    let mut content = Zeroizing::new(Vec::new());
    Handle::open(path).map_err(failed)?.take(MAX_BYTES + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > MAX_BYTES {
        return Err(unreadable(path, at, "it is longer than 64 KiB"));
    }
    Ok(Secret::new(content))
}

fn unreadable(path: &Path, at: &str, why: &str) -> CustodyError {
    CustodyError::new(
        at,
        format!("cannot read `{}`: {why}", path.display()),
        "name a file that Verdict may read",
    )
}

/// Makes a file with a new key that only its owner can read. It appears with all its content or not at all, and never in
/// the place of another: where somebody else makes it at the same time, the first is kept.
fn generate(path: &Path) -> std::io::Result<()> {
    let mut key = Zeroizing::new([0; 32]);
    let mut suffix = [0; 8];
    let drawn = rand::fill(key.as_mut_slice()).and_then(|()| rand::fill(&mut suffix));
    drawn.map_err(|_| std::io::Error::other("there is no randomness"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft = folder.join(format!(".verdict-{:016x}.tmp", u64::from_be_bytes(suffix)));
    let made = write(&draft, &key).and_then(|()| match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        linked => linked.map(|()| true),
    });
    // What is left of the draft holds a key; that it cannot be removed does not make the other file unusable.
    let _ = std::fs::remove_file(&draft);
    if made? {
        Handle::open(folder)?.sync_all()?;
        tracing::warn!(
            file = %path.display(),
            "a new master key was made; keep a copy of it elsewhere: without it, nothing that it seals can be read"
        );
    }
    Ok(())
}

fn write(path: &Path, key: &[u8; 32]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut text = Zeroizing::new(String::with_capacity(65));
    for byte in key {
        for digit in [byte >> 4, byte & 0xf] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or_default());
        }
    }
    text.push('\n');
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_somebody_else_made_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "theirs").unwrap();
        generate(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left of the draft");
    }
}
