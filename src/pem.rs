//! Certificates and private keys in PEM files: what TLS is served with, and what others are called with.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::Path;

use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

/// The longest file.
const MAX_BYTES: u64 = 1 << 20;

/// The private key in PEM text that came from a file.
///
/// # Errors
/// It has none.
pub fn private_key(text: &[u8], path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(text)
        .map_err(|_| format!("`{}` has no private key in PEM that is not encrypted", path.display()))
}

/// The certificates in a file in PEM.
///
/// # Errors
/// It cannot be read, or has none.
pub fn certificates_in(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    certificates(&read(path)?, path)
}

/// The private key in a file in PEM that nobody but its owner can read.
///
/// # Errors
/// It cannot be read, others can read it, too, or it has no key.
pub fn private_key_in(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    private(path)?;
    private_key(&read(path)?, path)
}

/// The certificates in PEM text that came from a file.
///
/// # Errors
/// It has none, or what is no PEM.
pub fn certificates(text: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let path = path.display();
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let all = all.map_err(|error| format!("`{path}` is not PEM: {error}"))?;
    if all.is_empty() { Err(format!("`{path}` has no certificate in PEM")) } else { Ok(all) }
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> String {
    format!("cannot read `{}`: {why}; name a file that Verdict may read", path.display())
}

fn metadata(path: &Path) -> Result<Metadata, String> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    // A pipe or a device would block, or never end.
    if metadata.is_file() { Ok(metadata) } else { Err(unreadable(path, &"it is not a file")) }
}

/// The content of a file of at most 1 MiB.
///
/// # Errors
/// It cannot be read, or is no file.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    metadata(path)?;
    let mut content = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut content).map_err(|error| unreadable(path, &error))?;
    if content.len() as u64 > MAX_BYTES {
        return Err(unreadable(path, &"it is longer than 1 MiB"));
    }
    Ok(content)
}

/// Refuses a key that others than its owner can read or change.
///
/// # Errors
/// They can, or there is no file.
#[cfg(unix)]
pub fn private(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata(path)?.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(format!("`{shown}` is open to others than its owner (mode {mode:04o}); run `chmod 600 {shown}`"))
}

/// Refuses nothing here.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn private(_: &Path) -> Result<(), String> {
    Ok(())
}
