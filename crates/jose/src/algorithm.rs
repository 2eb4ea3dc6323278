//! The signature algorithms of JWS, by their names.

use crate::schemes::{Hash, Scheme};

/// A signature algorithm of a JWS (RFC 7518 section 3.1, RFC 8037 section 3.1). `none` is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512
    Rs512,
    /// RSASSA-PSS with SHA-256
    Ps256,
    /// RSASSA-PSS with SHA-384
    Ps384,
    /// RSASSA-PSS with SHA-512
    Ps512,
    /// ECDSA on P-256 with SHA-256
    Es256,
    /// ECDSA on P-384 with SHA-384
    Es384,
    /// ECDSA on P-521 with SHA-512
    Es512,
    /// Ed25519
    EdDsa,
    /// HMAC with SHA-256
    Hs256,
    /// HMAC with SHA-384
    Hs384,
    /// HMAC with SHA-512
    Hs512,
}

impl Algorithm {
    /// All of them, those of key pairs first.
    pub const ALL: [Self; 13] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
    ];

    /// By its name, which is case-sensitive (RFC 7515 section 4.1.1). `Ed25519` is RFC 9864's name for EdDSA with that
    /// curve, the only one that is supported.
    pub fn by_name(name: &str) -> Option<Self> {
        let known = Self::ALL.into_iter().find(|algorithm| algorithm.name() == name);
        known.or_else(|| (name == "Ed25519").then_some(Self::EdDsa))
    }

    /// Its name in a header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// How the owner of a key pair signs by it; `None` for the algorithms of a shared secret.
    pub const fn scheme(self) -> Option<Scheme> {
        Some(match self {
            Self::Rs256 => Scheme::Pkcs1(Hash::Sha256),
            Self::Rs384 => Scheme::Pkcs1(Hash::Sha384),
            Self::Rs512 => Scheme::Pkcs1(Hash::Sha512),
            Self::Ps256 => Scheme::Pss(Hash::Sha256),
            Self::Ps384 => Scheme::Pss(Hash::Sha384),
            Self::Ps512 => Scheme::Pss(Hash::Sha512),
            Self::Es256 => Scheme::Ecdsa(Hash::Sha256),
            Self::Es384 => Scheme::Ecdsa(Hash::Sha384),
            Self::Es512 => Scheme::Ecdsa(Hash::Sha512),
            Self::EdDsa => Scheme::Ed25519,
            Self::Hs256 | Self::Hs384 | Self::Hs512 => return None,
        })
    }

    /// The hash of its HMAC; `None` for the algorithms of a key pair.
    pub const fn secret_hash(self) -> Option<Hash> {
        match self {
            Self::Hs256 => Some(Hash::Sha256),
            Self::Hs384 => Some(Hash::Sha384),
            Self::Hs512 => Some(Hash::Sha512),
            _ => None,
        }
    }

    /// Whether its key is a secret that both sides share.
    pub const fn is_shared(self) -> bool {
        self.secret_hash().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact_and_every_algorithm_has_one_kind_of_key() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::by_name(algorithm.name()), Some(algorithm));
            assert_ne!(algorithm.scheme().is_some(), algorithm.is_shared(), "{algorithm:?}");
        }
        assert_eq!(Algorithm::by_name("Ed25519"), Some(Algorithm::EdDsa));
        for name in ["none", "None", "", "rs256", "RS256 ", "ES256K", "ES521", "Ed448", "HS1", "eddsa"] {
            assert_eq!(Algorithm::by_name(name), None, "{name}");
        }
    }
}
