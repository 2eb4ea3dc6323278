//! Schemes of signatures, as far as they are checked here.

/// A digest that signatures are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// RSASSA-PKCS1-v1_5
    Pkcs1(Hash),
    /// RSASSA-PSS
    Pss(Hash),
    /// ECDSA, the signature as DER.
    Ecdsa(Hash),
    /// EdDSA with Ed25519
    Ed25519,
}
