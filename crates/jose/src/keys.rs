//! Public keys, and how they are read from a `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7).

use std::sync::OnceLock;

use aws_lc_rs::signature::ParsedPublicKey;
use x509_parser::asn1_rs::{FromDer as _, Integer, Oid, oid};
use x509_parser::public_key::RSAPublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::schemes::Hash;

/// RSA keys with a longer modulus are refused: checking a signature would take too long.
pub(crate) const MAX_RSA_BITS: usize = 16_384;
/// A curve for ECDSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// Known, but signatures on it are not checked.
    P224,
    /// secp256r1
    P256,
    /// secp384r1
    P384,
    /// secp521r1
    P521,
}

impl Curve {
    /// How many bytes a coordinate has.
    pub const fn coordinate_len(self) -> usize {
        match self {
            Self::P224 => 28,
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// By its name in a JWK, of those that JWKs have.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.name() == name)
    }

    /// Its name in a JWK.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P224 => "P-224",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    fn by_oid(oid: &Oid) -> Option<Self> {
        [
            (oid!(1.3.132.0.33), Self::P224),
            (oid!(1.2.840.10045.3.1.7), Self::P256),
            (oid!(1.3.132.0.34), Self::P384),
            (oid!(1.3.132.0.35), Self::P521),
        ]
        .into_iter()
        .find_map(|(known, curve)| (known == *oid).then_some(curve))
    }
}

/// A public key.
pub enum PublicKey {
    /// RSA
    Rsa(Box<Rsa>),
    /// A point on a curve.
    Ec(Box<Ec>),
    /// Ed25519
    Ed25519(Box<Ed25519>),
    /// X25519: for agreement, not for signatures.
    X25519,
    /// DSA, of which no signature is checked: the parameters p, q, g and the key y, as signed numbers.
    Dsa([Vec<u8>; 4]),
}

/// An RSA key, its numbers without leading zeros.
pub struct Rsa {
    /// The modulus.
    pub n: Vec<u8>,
    /// The exponent.
    pub e: Vec<u8>,
    /// What has been prepared for verifying, by scheme.
    pub(crate) prepared: [OnceLock<Option<ParsedPublicKey>>; 6],
}

/// A point on a curve.
pub struct Ec {
    /// Which curve.
    pub curve: Curve,
    /// The point, uncompressed (SEC 1 section 2.3.3).
    pub point: Vec<u8>,
    pub(crate) prepared: [OnceLock<Option<ParsedPublicKey>>; 3],
}

/// An Ed25519 key.
pub struct Ed25519 {
    /// The point, compressed (RFC 8032 section 5.1.2).
    pub bytes: [u8; 32],
    pub(crate) prepared: OnceLock<Option<ParsedPublicKey>>,
}

impl Ec {
    /// The coordinates.
    pub fn coordinates(&self) -> (&[u8], &[u8]) {
        self.point
            .get(1..)
            .and_then(|both| both.split_at_checked(self.curve.coordinate_len()))
            .unwrap_or_default()
    }
}

impl PublicKey {
    /// An RSA key of its modulus and exponent.
    ///
    /// # Errors
    /// When it cannot be one, or is too large.
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<Self, &'static str> {
        let (n, e) = (significant(n), significant(e));
        if n.is_empty() {
            return Err("x509: RSA modulus is not a positive number");
        }
        if n.len() > MAX_RSA_BITS / 8 {
            return Err("x509: RSA modulus is too large");
        }
        if e.is_empty() || e.len() > 8 {
            return Err("x509: RSA public exponent is not a positive number");
        }
        Ok(Self::Rsa(Box::new(Rsa { n: n.to_vec(), e: e.to_vec(), prepared: Default::default() })))
    }

    /// A point on a curve.
    ///
    /// # Errors
    /// When it is not on it.
    pub fn ec(curve: Curve, point: Vec<u8>) -> Result<Self, &'static str> {
        let key = Ec { curve, point, prepared: Default::default() };
        let uncompressed = key.point.len() == 1 + 2 * curve.coordinate_len() && key.point.first() == Some(&4);
        // Points on P-224 are taken as they are: nothing is ever checked with them.
        let on_curve = curve == Curve::P224 || key.prepare(Hash::Sha256).is_some();
        if uncompressed && on_curve {
            Ok(Self::Ec(Box::new(key)))
        } else {
            Err("x509: failed to unmarshal elliptic curve point")
        }
    }

    /// An Ed25519 key of its 32 bytes.
    pub fn ed25519(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.try_into().ok()?;
        Some(Self::Ed25519(Box::new(Ed25519 { bytes, prepared: OnceLock::new() })))
    }

    /// Of a SubjectPublicKeyInfo. `None` for a key of an unknown kind.
    ///
    /// # Errors
    /// When it is not what it says it is.
    pub fn from_info(info: &SubjectPublicKeyInfo) -> Result<Option<Self>, &'static str> {
        let kind = &info.algorithm.algorithm;
        let bytes: &[u8] = &info.subject_public_key.data;
        let parameters = info.algorithm.parameters.as_ref();
        if *kind == oid!(1.2.840.113549.1.1.1) {
            if parameters.is_none_or(|any| any.as_null().is_err()) {
                return Err("x509: RSA key missing NULL parameters");
            }
            let (rest, key) = RSAPublicKey::from_der(bytes).map_err(|_| "x509: invalid RSA public key")?;
            let negative = |number: &[u8]| number.first().is_some_and(|byte| *byte >= 0x80);
            if !rest.is_empty() || negative(key.modulus) || negative(key.exponent) {
                return Err("x509: invalid RSA public key");
            }
            Self::rsa(key.modulus, key.exponent).map(Some)
        } else if *kind == oid!(1.2.840.10045.2.1) {
            let curve =
                parameters.and_then(|any| any.as_oid().ok()).ok_or("x509: invalid ECDSA parameters")?;
            let curve = Curve::by_oid(&curve).ok_or("x509: unsupported elliptic curve")?;
            Self::ec(curve, bytes.to_vec()).map(Some)
        } else if *kind == oid!(1.3.101.112) {
            if parameters.is_some() {
                return Err("x509: Ed25519 key encoded with illegal parameters");
            }
            Self::ed25519(bytes).map(Some).ok_or("x509: wrong Ed25519 public key size")
        } else if *kind == oid!(1.3.101.110) {
            (bytes.len() == 32).then_some(Some(Self::X25519)).ok_or("x509: invalid X25519 public key")
        } else if *kind == oid!(1.2.840.10040.4.1) {
            let wrong = "x509: invalid DSA public key";
            let (_, y) = Integer::from_der(bytes).map_err(|_| wrong)?;
            let numbers = parameters
                .and_then(|any| any.as_sequence().ok())
                .and_then(|sequence| {
                    let numbers = sequence.der_sequence_of::<Integer, x509_parser::asn1_rs::Error>().ok()?;
                    Some(numbers.iter().map(bytes_of).collect::<Vec<_>>())
                })
                .ok_or("x509: invalid DSA parameters")?;
            let [p, q, g] = <[Vec<u8>; 3]>::try_from(numbers).map_err(|_| "x509: invalid DSA parameters")?;
            Ok(Some(Self::Dsa([p, q, g, bytes_of(&y)])))
        } else {
            Ok(None)
        }
    }
}

/// A number without leading zeros.
pub fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn bytes_of(number: &Integer) -> Vec<u8> {
    number.as_ref().to_vec()
}
