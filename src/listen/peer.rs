//! Who is at the other end of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::CertificateDer;

/// The peer's address, put into every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The certificate that the peer showed in the handshake, verified, with those between it and its authority (DER); put into
/// every request of its connection.
#[derive(Debug, Clone)]
pub struct ClientCertificate(Arc<[CertificateDer<'static>]>);

impl ClientCertificate {
    pub(super) fn new(chain: &[CertificateDer<'static>]) -> Self {
        Self(chain.into())
    }

    /// The certificates in DER, the peer's own first.
    pub fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }
}
