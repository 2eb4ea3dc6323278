//! `server.tls` and `management.tls` in the configuration.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::tls_version::TlsVersion;

/// What a listener serves TLS with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate and those between it and its authority, in PEM.
    pub cert: PathBuf,
    /// The certificate's private key, in PEM.
    pub key: PathBuf,
    /// The authorities that vouch for clients, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
    /// The certificates of clients that their authorities have revoked, as lists (CRLs, RFC 5280 section 5) in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_crl: Option<PathBuf>,
    /// Whether clients may show an X.509-SVID of a trust domain in `identity.spiffe`.
    #[serde(default)]
    pub client_spiffe: bool,
    /// Whether clients show a certificate; see [`TlsConfig::clients`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuth>,
    /// The oldest version that is spoken.
    #[serde(default)]
    pub min_version: TlsVersion,
}

impl TlsConfig {
    /// Whether clients show a certificate: where somebody vouches for them they must, unless the configuration says
    /// otherwise.
    pub fn clients(&self) -> ClientAuth {
        let vouched = self.client_ca.is_some() || self.client_spiffe;
        let usual = if vouched { ClientAuth::Required } else { ClientAuth::None };
        self.client_auth.unwrap_or(usual)
    }
}

/// Whether clients show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// They are not asked.
    None,
    /// They are asked; one that is shown must be right.
    Optional,
    /// Who shows none is not served.
    Required,
}
