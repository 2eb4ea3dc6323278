//! Who vouches for the server.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls_platform_verifier::Verifier;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{Error, RootCertStore};

use crate::identity::spiffe::bundle::TrustBundle;
use crate::identity::spiffe::id::SpiffeId;
use crate::identity::spiffe::server::{read_bundle, server_id};
use crate::model::clock::Timestamp;
use crate::pem;

/// Who vouches for the server.
pub struct Trust {
    by: By,
    /// In words.
    pub(super) shown: String,
}

enum By {
    Authorities(Arc<dyn ServerCertVerifier>),
    TrustDomain { bundle: Box<TrustBundle>, expected: Option<SpiffeId> },
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// Why nobody vouches for a server.
#[derive(Debug)]
pub(super) enum Distrust {
    /// What the verifier says.
    Authorities(Error),
    /// The bundle's authorities do not vouch for the certificate, which has this to it.
    TrustDomain(&'static str),
    /// They do, and it is this workload's.
    OtherWorkload(SpiffeId),
}

impl Trust {
    /// The authorities of the system.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn system(provider: &Arc<CryptoProvider>) -> Result<Self, String> {
        let verifier = Verifier::new(Arc::clone(provider)).map_err(|error| {
            format!("cannot read the authorities of the system: {error}; name a file with --ca")
        })?;
        Ok(Self {
            by: By::Authorities(Arc::new(verifier)),
            shown: "the authorities of the system".to_owned(),
        })
    }

    /// The authorities of a file in PEM.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn file(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Self, String> {
        let wrong = |error: &dyn fmt::Display| format!("`{}`: {error}", path.display());
        let mut roots = RootCertStore::empty();
        for certificate in pem::certificates_in(path)? {
            roots.add(certificate).map_err(|error| wrong(&error))?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        let verifier = verifier.build().map_err(|error| wrong(&error))?;
        Ok(Self { by: By::Authorities(verifier), shown: format!("the authorities in `{}`", path.display()) })
    }

    /// The authorities of a trust domain, in a bundle document. The host's name does not count.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn trust_domain(path: &Path, expected: Option<SpiffeId>) -> Result<Self, String> {
        let bundle = read_bundle(path)?;
        if bundle.x509_authorities.is_empty() {
            return Err(format!("`{}` has no authority for X.509-SVIDs (`use: x509-svid`)", path.display()));
        }
        let shown = format!("the trust bundle in `{}`", path.display());
        Ok(Self { by: By::TrustDomain { bundle: Box::new(bundle), expected }, shown })
    }

    /// Whether the server's name must stand in its certificate.
    pub(super) const fn by_name(&self) -> bool {
        matches!(self.by, By::Authorities(_))
    }

    /// The workload that the server is expected to be.
    pub(super) const fn expected(&self) -> Option<&SpiffeId> {
        match &self.by {
            By::TrustDomain { expected, .. } => expected.as_ref(),
            By::Authorities(_) => None,
        }
    }

    /// Whether the server is vouched for at this time, in Unix time.
    pub(super) fn vouches(
        &self,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        at: i64,
    ) -> Result<(), Distrust> {
        match &self.by {
            By::Authorities(verifier) => {
                let missing = || Distrust::Authorities(Error::NoCertificatesPresented);
                let (leaf, others) = chain.split_first().ok_or_else(missing)?;
                let at =
                    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at).unwrap_or_default()));
                let verified = verifier.verify_server_cert(leaf, others, name, &[], at);
                verified.map(|_| ()).map_err(Distrust::Authorities)
            }
            By::TrustDomain { bundle, expected } => {
                let id = server_id(chain, bundle, Timestamp::from_unix_seconds(at))
                    .map_err(Distrust::TrustDomain)?;
                match expected {
                    Some(expected) if *expected != id => Err(Distrust::OtherWorkload(id)),
                    _ => Ok(()),
                }
            }
        }
    }
}
