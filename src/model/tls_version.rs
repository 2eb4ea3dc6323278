//! Versions of TLS.

use serde::{Deserialize, Serialize};

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
