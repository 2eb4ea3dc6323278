//! The certificate that a client has shown.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// Who has verified a client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VouchedBy {
    /// The authorities that the listener's configuration names, or a proxy that is trusted.
    Authority,
    /// The authorities of a SPIFFE trust domain, and nobody else.
    TrustDomain,
}

/// A certificate that a client has proven to hold, with those between it and its authority (DER): put into every request of its
/// connection.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    chain: Arc<[Box<[u8]>]>,
    thumbprint: Arc<str>,
    vouched_by: VouchedBy,
}

impl ClientCertificate {
    /// The certificates in DER, the client's own first; none if there are none.
    pub fn new(chain: impl IntoIterator<Item = impl AsRef<[u8]>>, vouched_by: VouchedBy) -> Option<Self> {
        let chain: Arc<[Box<[u8]>]> = chain.into_iter().map(|one| Box::from(one.as_ref())).collect();
        let own = chain.first()?;
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, own));
        Some(Self { thumbprint: thumbprint.into(), chain, vouched_by })
    }

    /// The certificates in DER, the client's own first.
    pub fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.iter().map(AsRef::as_ref)
    }

    /// The client's own certificate in DER.
    pub fn leaf(&self) -> &[u8] {
        self.chain.first().map_or(&[], AsRef::as_ref)
    }

    /// The SHA-256 of the client's own certificate in base64url, as tokens name it (`x5t#S256`, RFC 8705 section 3.1).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Who has verified it.
    pub const fn vouched_by(&self) -> VouchedBy {
        self.vouched_by
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

/// The trust domains of SPIFFE whose workloads may shake hands.
pub trait Workloads: Send + Sync {
    /// Whether a certificate in DER names a workload. Nothing of it is verified.
    fn names_one(&self, leaf: &[u8]) -> bool;

    /// Verifies the certificates that a workload has shown, its own first.
    ///
    /// # Errors
    /// Why its trust domain does not vouch for it.
    fn verify(&self, chain: &[&[u8]]) -> Result<(), NotVouchedFor>;
}

/// Why a workload's certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotVouchedFor(pub String);
