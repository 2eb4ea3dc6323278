//! Who serves a bundle endpoint with the profile `https_spiffe`: a workload, which shows its X.509-SVID (the SPIFFE Federation standard,
//! section 5.2.2).

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme, version,
};

use super::bundle::TrustBundle;
use super::id::SpiffeId;
use super::server::server_id;
use crate::model::client_certificate::NotVouchedFor;
use crate::model::clock::Timestamp;

/// TLS 1.3 with this workload and nobody else, as the bundle of its trust domain vouches for it.
///
/// # Errors
/// Where there is no authority to vouch for it.
pub(super) fn tls(server: &SpiffeId, bundle: &TrustBundle) -> Result<ClientConfig, String> {
    if bundle.x509_authorities.is_empty() {
        return Err(format!(
            "the bundle of `{}` has no authority that could vouch for the endpoint",
            server.trust_domain()
        ));
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        Workload { server: server.clone(), bundle: bundle.clone(), provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&version::TLS13]);
    Ok(config
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

fn refused(problem: &str) -> Error {
    let error = NotVouchedFor(format!("the endpoint's certificate {problem}"));
    CertificateError::Other(OtherError(Arc::new(error))).into()
}

/// INVARIANT (the ID is the name): the certificate chains to the authorities of the trust domain and has exactly the expected SPIFFE ID. The
/// host of the URL is not looked at, as the standard wants.
struct Workload {
    server: SpiffeId,
    bundle: TrustBundle,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workload").field("server", &self.server).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Workload {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let now = Timestamp::from_unix_seconds(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        let chain: Vec<_> = std::iter::once(end_entity).chain(intermediates).cloned().collect();
        match server_id(&chain, &self.bundle, now) {
            Ok(id) if id == self.server => Ok(ServerCertVerified::assertion()),
            Ok(_) => Err(refused("is another workload's")),
            Err(problem) => Err(refused(problem)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
