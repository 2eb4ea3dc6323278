//! Shared by the parsers of certificates.

use x509_parser::asn1_rs::Oid;

/// Why something is no certificate.
pub type Refused = &'static str;

/// An object identifier.
pub type Id = Oid<'static>;

/// An address of its bytes.
pub fn address(bytes: &[u8]) -> Option<std::net::IpAddr> {
    let four = || <[u8; 4]>::try_from(bytes).map(std::net::IpAddr::from);
    four().or_else(|_| <[u8; 16]>::try_from(bytes).map(std::net::IpAddr::from)).ok()
}
