//! TLS of calls to others: who vouches for those who are called, and what Verdict shows them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls_platform_verifier::Verifier;
use serde::{Deserialize, Serialize};
use tokio_rustls::rustls::client::ResolvesClientCert;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SignatureScheme, version};

use crate::model::tls_version::TlsVersion;
use crate::pem::{certificates_in, private_key_in};

/// `outbound` in the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundConfig {
    /// TLS of calls to others.
    pub tls: OutboundTls,
}

/// `outbound.tls` in the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundTls {
    /// Authorities besides those of the system, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to those who ask for one, with those between it and its authority, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
}

impl OutboundTls {
    /// What connections are made with.
    ///
    /// # Errors
    /// What is wrong with the files, with the key that names them.
    pub(super) fn client_config(&self) -> Result<ClientConfig, (&'static str, String)> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let versions: &[_] = match self.min_version {
            TlsVersion::V13 => &[&version::TLS13],
            TlsVersion::V12 => &[&version::TLS13, &version::TLS12],
        };
        let roots = self.ca.as_deref().map(certificates_in).transpose().map_err(|error| ("ca", error))?;
        let verifier = Verifier::new_with_extra_roots(roots.unwrap_or_default(), Arc::clone(&provider));
        let verifier = verifier.map_err(|error| ("ca", error.to_string()))?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(|error| ("min_version", error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        match (&self.cert, &self.key) {
            (None, None) => Ok(builder.with_no_client_auth()),
            (Some(cert), Some(key)) => {
                let pair = Pair::new(cert, key, provider).map_err(|error| ("cert", error))?;
                Ok(builder.with_client_cert_resolver(Arc::new(pair)))
            }
            // The check of the configuration refuses one without the other.
            (Some(_), None) => Err(("key", "there is no key for the certificate".to_owned())),
            (None, Some(_)) => Err(("cert", "there is no certificate for the key".to_owned())),
        }
    }
}

/// What connections are made with that are never encrypted: no server is trusted.
///
/// # Errors
/// When TLS cannot be set up.
pub(super) fn trusting_nobody() -> Result<ClientConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// The certificate that is shown, which is read again when its files have changed.
struct Pair {
    cert: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: Mutex<Current>,
}

#[derive(Clone)]
struct Current {
    certified: Arc<CertifiedKey>,
    changed_at: [Option<SystemTime>; 2],
}

impl Pair {
    fn new(cert: &Path, key: &Path, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let changed_at = [cert, key].map(changed_at);
        let certified = Arc::new(read(cert, key, &provider)?);
        let current = Mutex::new(Current { certified, changed_at });
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), provider, current })
    }

    /// INVARIANT (the old one stays): files that do not go together change nothing.
    fn current(&self) -> Arc<CertifiedKey> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let changed_at = [&self.cert, &self.key].map(|path| changed_at(path));
        if changed_at != current.changed_at {
            match read(&self.cert, &self.key, &self.provider) {
                Ok(certified) => *current = Current { certified: Arc::new(certified), changed_at },
                Err(error) => tracing::warn!(
                    error,
                    "outbound.tls: the new certificate is refused; the old one stays in force"
                ),
            }
        }
        Arc::clone(&current.certified)
    }
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").field("cert", &self.cert).finish_non_exhaustive()
    }
}

impl ResolvesClientCert for Pair {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let certified = self.current();
        certified.key.choose_scheme(schemes).is_some().then_some(certified)
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn read(cert: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    let (chain, private) = (certificates_in(cert)?, private_key_in(key)?);
    CertifiedKey::from_der(chain, private, provider)
        .map_err(|error| format!("`{}` and `{}` do not go together: {error}", cert.display(), key.display()))
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
