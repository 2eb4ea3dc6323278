//! Who vouches for clients: authorities of a file, and trust domains of SPIFFE.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};

use super::config::{ClientAuth, TlsConfig};
use super::files::Files;
use crate::model::client_certificate::{NotVouchedFor, Workloads};
use crate::pem::certificates;

/// Who verifies clients' certificates.
///
/// # Errors
/// What is wrong with the files.
pub(super) fn verifier(
    files: &Files,
    config: &TlsConfig,
    workloads: Option<&Arc<dyn Workloads>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    if config.clients() == ClientAuth::None {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let mandatory = config.clients() == ClientAuth::Required;
    let authorities = authorities(files, config, mandatory, provider)?;
    match (workloads.filter(|_| config.client_spiffe), authorities) {
        (None, Some(authorities)) => Ok(authorities),
        (None, None) => Ok(WebPkiClientVerifier::no_client_auth()),
        (Some(workloads), authorities) => Ok(Arc::new(Clients {
            workloads: Arc::clone(workloads),
            authorities,
            mandatory,
            algorithms: provider.signature_verification_algorithms,
        })),
    }
}

fn authorities(
    files: &Files,
    config: &TlsConfig,
    mandatory: bool,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
    let (Some(path), Some(text)) = (&config.client_ca, &files.client_ca) else { return Ok(None) };
    let wrong = |error: &dyn fmt::Display| format!("`{}`: {error}", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in certificates(text, path)? {
        roots.add(certificate).map_err(|error| wrong(&error))?;
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    if !mandatory {
        builder = builder.allow_unauthenticated();
    }
    if let (Some(path), Some(text)) = (&config.client_crl, &files.client_crl) {
        let path = path.display();
        let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(text).collect();
        let lists = lists.map_err(|error| format!("`{path}` is not PEM: {error}"))?;
        if lists.is_empty() {
            return Err(format!("`{path}` has no revocation list in PEM (`BEGIN X509 CRL`)"));
        }
        // A certificate that no list speaks of, and a list that has ended, refuse: whoever holds a list back revokes nothing.
        builder = builder.with_crls(lists).enforce_revocation_expiration();
    }
    builder.build().map(Some).map_err(|error| wrong(&error))
}

/// INVARIANT (no way around): a certificate that names a workload is verified by the workload's trust domain alone.
struct Clients {
    workloads: Arc<dyn Workloads>,
    authorities: Option<Arc<dyn ClientCertVerifier>>,
    mandatory: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("mandatory", &self.mandatory).finish_non_exhaustive()
    }
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    /// None: a client would take them for all that there are.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.workloads.names_one(leaf) {
            let chain: Vec<&[u8]> = std::iter::once(leaf).chain(others).map(AsRef::as_ref).collect();
            let verified = self.workloads.verify(&chain).map(|()| ClientCertVerified::assertion());
            return verified
                .map_err(|error: NotVouchedFor| CertificateError::Other(OtherError(Arc::new(error))).into());
        }
        match &self.authorities {
            Some(authorities) => authorities.verify_client_cert(leaf, others, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
