//! `server.tls` and `management.tls` in the configuration.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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
    /// Whether clients show a certificate; see [`TlsConfig::clients`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuth>,
    /// The oldest version that is spoken.
    #[serde(default)]
    pub min_version: TlsVersion,
}

impl TlsConfig {
    /// Whether clients show a certificate: where there are authorities for them they must, unless the configuration says
    /// otherwise.
    pub fn clients(&self) -> ClientAuth {
        let usual = if self.client_ca.is_some() { ClientAuth::Required } else { ClientAuth::None };
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

/// A version of TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsVersion {
    /// RFC 8446.
    #[default]
    #[serde(rename = "1.3")]
    V13,
    /// RFC 5246.
    #[serde(rename = "1.2")]
    V12,
}
