//! What a call shows of a certificate.

use crate::model::client_certificate::ClientCertificate;

/// A certificate that a call shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The certificate itself: of the connection, or as a proxy passes it on.
    Whole(ClientCertificate),
    /// What a proxy says of a certificate that it has verified.
    Told {
        /// Its URIs (RFC 5280 section 4.2.1.6).
        uris: Vec<String>,
        /// Its SHA-256 in base64url.
        thumbprint: Option<String>,
    },
}

impl Shown {
    /// The SHA-256 of the certificate in base64url, as tokens name it (`x5t#S256`, RFC 8705 section 3.1).
    pub fn thumbprint(&self) -> Option<&str> {
        match self {
            Self::Whole(certificate) => Some(certificate.thumbprint()),
            Self::Told { thumbprint, .. } => thumbprint.as_deref(),
        }
    }
}
