//! Public keys, as certificates, PEM and JWKs have them, and the checking of signatures with them.

use std::sync::OnceLock;

use aws_lc_rs::signature::{
    self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use num_bigint::{BigInt, Sign};
use x509_parser::asn1_rs::{FromDer as _, Integer, Oid, Sequence, ToDer as _, oid};
use x509_parser::public_key::RSAPublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::super::value::{Number, Value};

/// RSA keys with a longer modulus are refused: checking a signature would take too long.
const MAX_RSA_BITS: usize = 16_384;

/// A digest that signatures are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// RSASSA-PKCS1-v1_5
    Pkcs1(Hash),
    /// RSASSA-PSS
    Pss(Hash),
    /// ECDSA, the signature as DER.
    Ecdsa(Hash),
    /// EdDSA with Ed25519
    Ed25519,
}

/// A curve for ECDSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
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
    pub(super) const fn len(self) -> usize {
        match self {
            Self::P224 => 28,
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// By its name in a JWK, of those that JWKs have.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.name() == name)
    }

    /// Its name in a JWK.
    pub(super) const fn name(self) -> &'static str {
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
pub(super) enum PublicKey {
    /// RSA
    Rsa(Box<Rsa>),
    /// A point on a curve.
    Ec(Box<Ec>),
    /// Ed25519
    Ed25519(Vec<u8>),
    /// X25519: for agreement, not for signatures.
    X25519,
    /// DSA, of which no signature is checked: the parameters p, q, g and the key y.
    Dsa([BigInt; 4]),
}

/// An RSA key, its numbers without leading zeros.
pub(super) struct Rsa {
    /// The modulus.
    pub(super) n: Vec<u8>,
    /// The exponent.
    pub(super) e: Vec<u8>,
    /// What has been prepared for verifying, by scheme.
    prepared: [OnceLock<Option<ParsedPublicKey>>; 6],
}

/// A point on a curve.
pub(super) struct Ec {
    /// Which curve.
    pub(super) curve: Curve,
    /// The point, uncompressed (SEC 1 section 2.3.3).
    pub(super) point: Vec<u8>,
    prepared: [OnceLock<Option<ParsedPublicKey>>; 3],
}

impl Ec {
    /// The coordinates.
    pub(super) fn coordinates(&self) -> (&[u8], &[u8]) {
        self.point.get(1..).and_then(|both| both.split_at_checked(self.curve.len())).unwrap_or_default()
    }
}

impl PublicKey {
    /// An RSA key of its modulus and exponent.
    ///
    /// # Errors
    /// When it cannot be one, or is too large.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, &'static str> {
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
    pub(super) fn ec(curve: Curve, point: Vec<u8>) -> Result<Self, &'static str> {
        let key = Ec { curve, point, prepared: Default::default() };
        let uncompressed = key.point.len() == 1 + 2 * curve.len() && key.point.first() == Some(&4);
        // Points on P-224 are taken as they are: nothing is ever checked with them.
        let on_curve = curve == Curve::P224 || key.prepare(Hash::Sha256).is_some();
        if uncompressed && on_curve {
            Ok(Self::Ec(Box::new(key)))
        } else {
            Err("x509: failed to unmarshal elliptic curve point")
        }
    }

    /// Of a SubjectPublicKeyInfo. `None` for a key of an unknown kind.
    ///
    /// # Errors
    /// When it is not what it says it is.
    pub(super) fn from_info(info: &SubjectPublicKeyInfo) -> Result<Option<Self>, &'static str> {
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
            if bytes.len() != 32 {
                return Err("x509: wrong Ed25519 public key size");
            }
            Ok(Some(Self::Ed25519(bytes.to_vec())))
        } else if *kind == oid!(1.3.101.110) {
            (bytes.len() == 32).then_some(Some(Self::X25519)).ok_or("x509: invalid X25519 public key")
        } else if *kind == oid!(1.2.840.10040.4.1) {
            let wrong = "x509: invalid DSA public key";
            let (_, y) = Integer::from_der(bytes).map_err(|_| wrong)?;
            let numbers = parameters
                .and_then(|any| any.as_sequence().ok())
                .and_then(|sequence| {
                    let numbers = sequence.der_sequence_of::<Integer, x509_parser::asn1_rs::Error>().ok()?;
                    Some(numbers.iter().map(unsigned).collect::<Vec<_>>())
                })
                .ok_or("x509: invalid DSA parameters")?;
            let [p, q, g] = <[BigInt; 3]>::try_from(numbers).map_err(|_| "x509: invalid DSA parameters")?;
            Ok(Some(Self::Dsa([p, q, g, unsigned(&y)])))
        } else {
            Ok(None)
        }
    }

    /// Go's number for the kind of key.
    pub(super) const fn algorithm(&self) -> i64 {
        match self {
            Self::Rsa(_) => 1,
            Self::Dsa(_) => 2,
            Self::Ec(_) => 3,
            Self::Ed25519(_) => 4,
            Self::X25519 => 0,
        }
    }

    /// Whether a signature over a message is this key's. A key of another kind than the scheme's never signed it.
    pub(super) fn verifies(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
        match (self, scheme) {
            (Self::Rsa(key), Scheme::Pkcs1(_) | Scheme::Pss(_)) => {
                key.prepare(scheme).is_some_and(|key| key.verify_sig(message, signature).is_ok())
            }
            (Self::Ec(key), Scheme::Ecdsa(hash)) => {
                key.prepare(hash).is_some_and(|key| key.verify_sig(message, signature).is_ok())
            }
            (Self::Ed25519(key), Scheme::Ed25519) => {
                signature::UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signature).is_ok()
            }
            _ => false,
        }
    }

    /// As Go's JSON has it.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Rsa(key) => object([("N", big(&key.n)), ("E", big(&key.e))]),
            Self::Ec(key) => {
                let (x, y) = key.coordinates();
                object([("Curve", object([])), ("X", big(x)), ("Y", big(y))])
            }
            Self::Ed25519(key) => base64(key),
            Self::X25519 => object([]),
            Self::Dsa(numbers) => {
                let value = |number: &BigInt| Value::from(Number::from(number.clone()));
                object(["P", "Q", "G", "Y"].into_iter().zip(numbers.iter().map(value)))
            }
        }
    }
}

impl Rsa {
    fn prepare(&self, scheme: Scheme) -> Option<&ParsedPublicKey> {
        let bits = self.n.len() * 8 - self.n.first().map_or(0, |byte| byte.leading_zeros() as usize);
        // Below 2048 bits not all schemes exist, and Go refuses what is below 1024.
        let short = bits < 2048;
        let (at, parameters): (usize, &'static RsaParameters) = match scheme {
            Scheme::Pkcs1(Hash::Sha256) if short => {
                (0, &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY)
            }
            Scheme::Pkcs1(Hash::Sha256) => (0, &signature::RSA_PKCS1_2048_8192_SHA256),
            Scheme::Pkcs1(Hash::Sha384) => (1, &signature::RSA_PKCS1_2048_8192_SHA384),
            Scheme::Pkcs1(Hash::Sha512) if short => {
                (2, &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY)
            }
            Scheme::Pkcs1(Hash::Sha512) => (2, &signature::RSA_PKCS1_2048_8192_SHA512),
            Scheme::Pss(Hash::Sha256) => (3, &signature::RSA_PSS_2048_8192_SHA256),
            Scheme::Pss(Hash::Sha384) => (4, &signature::RSA_PSS_2048_8192_SHA384),
            Scheme::Pss(Hash::Sha512) => (5, &signature::RSA_PSS_2048_8192_SHA512),
            Scheme::Ecdsa(_) | Scheme::Ed25519 => return None,
        };
        let components = RsaPublicKeyComponents { n: self.n.as_slice(), e: self.e.as_slice() };
        self.prepared.get(at)?.get_or_init(|| components.to_parsed_public_key(parameters).ok()).as_ref()
    }
}

impl Ec {
    fn prepare(&self, hash: Hash) -> Option<&ParsedPublicKey> {
        // The curve and the digest need not be those that belong together: OPA does not ask.
        let algorithm: &'static dyn VerificationAlgorithm = match (self.curve, hash) {
            (Curve::P224, _) => return None,
            (Curve::P256, Hash::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
            (Curve::P256, Hash::Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
            (Curve::P256, Hash::Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
            (Curve::P384, Hash::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
            (Curve::P384, Hash::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
            (Curve::P384, Hash::Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
            (Curve::P521, Hash::Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
            (Curve::P521, Hash::Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
            (Curve::P521, Hash::Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
        };
        let cell = self.prepared.get(hash as usize)?;
        cell.get_or_init(|| ParsedPublicKey::new(algorithm, &self.point).ok()).as_ref()
    }
}

/// The two numbers of an ECDSA signature, as JWS joins them, in DER.
pub(super) fn ecdsa_der(r: &[u8], s: &[u8]) -> Option<Vec<u8>> {
    let number = |bytes: &[u8]| {
        let bytes = significant(bytes);
        let mut content = Vec::with_capacity(bytes.len() + 1);
        if bytes.first().is_none_or(|byte| *byte >= 0x80) {
            content.push(0);
        }
        content.extend_from_slice(bytes);
        content
    };
    let (r, s) = (number(r), number(s));
    Sequence::from_iter_to_der([Integer::new(&r), Integer::new(&s)].iter()).ok()?.to_der_vec().ok()
}

/// A number without leading zeros.
pub(super) fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn unsigned(number: &Integer) -> BigInt {
    BigInt::from_signed_bytes_be(number.as_ref())
}

/// A positive number, from its bytes.
pub(super) fn big(bytes: &[u8]) -> Value {
    Value::from(Number::from(BigInt::from_bytes_be(Sign::Plus, bytes)))
}

/// Bytes, as Go's JSON has them.
pub(super) fn base64(bytes: &[u8]) -> Value {
    use base64::Engine as _;
    Value::from(base64::prelude::BASE64_STANDARD.encode(bytes))
}

/// An object of textual keys.
pub(super) fn object<'k>(members: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
    let members = members.into_iter().map(|(key, value)| (Value::from(key), value));
    Value::from(members.collect::<super::super::value::Object>())
}
