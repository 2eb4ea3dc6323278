//! What `identity.client_certificates` may say in the configuration.

use serde::{Deserialize, Serialize};

/// `identity.client_certificates` in the configuration: certificates of clients are credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificatesConfig {
    /// Which name of a certificate is its subject's. It must have exactly one of these.
    pub subject: NameType,
    /// What the subjects are: `input.subject.type`.
    #[serde(rename = "type", default = "default_kind")]
    pub kind: String,
    /// Whether the subjects are agents of the directory.
    #[serde(default)]
    pub agent: bool,
}

fn default_kind() -> String {
    "service".to_owned()
}

/// A name that a certificate may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameType {
    /// A URI (RFC 5280 section 4.2.1.6).
    Uri,
    /// A DNS name (RFC 5280 section 4.2.1.6).
    Dns,
    /// An address of electronic mail (RFC 5280 section 4.2.1.6).
    Email,
    /// The common name of its subject (RFC 5280 section 4.1.2.6).
    CommonName,
}
