//! Watches a handshake from inside: what the server shows, and what it asks for.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_rustls::rustls::client::ResolvesClientCert;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::certificate::authority;
use super::problem::Problem;
use super::server::judged;
use super::trust::Trust;
use crate::model::clock::Timestamp;

/// The most authorities of clients that are shown.
const MAX_AUTHORITIES: usize = 20;

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// The server's certificates, its own first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// What is wrong with them; none before they have come.
    pub(super) judged: Option<Vec<Problem>>,
    /// Whether the server asks for a client's certificate.
    pub(super) asked: bool,
    /// Of which authorities, where it says so.
    pub(super) authorities: Vec<String>,
}

/// Watches. A server that is not trusted is heard to the end, unless there is a certificate that it would be shown.
pub(super) struct Recorder {
    pub(super) trust: Trust,
    pub(super) own: Option<Arc<CertifiedKey>>,
    pub(super) now: Timestamp,
    pub(super) provider: Arc<CryptoProvider>,
    seen: Mutex<Seen>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Recorder {
    pub(super) fn new(
        trust: Trust,
        own: Option<Arc<CertifiedKey>>,
        now: Timestamp,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        Self { trust, own, now, provider, seen: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain: Vec<_> = std::iter::once(leaf).chain(others).map(|one| one.clone().into_owned()).collect();
        let found = judged(&chain, &self.trust, name, self.now);
        let stop = self.own.is_some() && !found.is_empty();
        let mut seen = self.lock();
        seen.chain = chain;
        seen.judged = Some(found);
        // What is wrong has been written down.
        if stop {
            Err(CertificateError::ApplicationVerificationFailure.into())
        } else {
            Ok(ServerCertVerified::assertion())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ResolvesClientCert for Recorder {
    fn resolve(&self, authorities: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let mut seen = self.lock();
        seen.asked = true;
        seen.authorities = authorities.iter().take(MAX_AUTHORITIES).map(|der| authority(der)).collect();
        self.own.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}
