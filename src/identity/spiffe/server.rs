//! Whether a server is a workload, for those who call it.

use std::path::Path;

use tokio_rustls::rustls::pki_types::CertificateDer;

use super::bundle::TrustBundle;
use super::id::SpiffeId;
use super::leaf::id_of;
use super::local_file::read;
use super::path::{Side, verify};
use crate::model::clock::Timestamp;

/// The SPIFFE ID of a server that has shown these certificates, its own first, if the bundle vouches for them. The bundle must be that of
/// the ID's trust domain.
///
/// # Errors
/// What is wrong with the certificate.
pub fn server_id(
    chain: &[CertificateDer<'_>],
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<SpiffeId, &'static str> {
    let id = id_of(chain.first().ok_or("is missing")?)?;
    verify(chain, bundle, Side::Server, now)?;
    Ok(id)
}

/// Reads the file of a bundle.
///
/// # Errors
/// It cannot be read, or is no bundle document.
pub fn read_bundle(path: &Path) -> Result<TrustBundle, String> {
    TrustBundle::parse(&read(path)?).map_err(|error| format!("`{}`: {error}", path.display()))
}
