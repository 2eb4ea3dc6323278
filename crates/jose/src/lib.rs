//! Public keys, as JWKs, certificates and PEM have them, and the signatures that are checked with them: for identity and
//! for policy (`io.jwt.*`, `crypto.x509.*`) alike.
//!
//! INVARIANT (parsed once): what checking needs is prepared with the first signature and kept with the key.
//! INVARIANT (right stays right): a signature that was found right is remembered by the hash of key, scheme, message and
//! signature, whoever asked; what is wrong is checked anew, so that only the owners of keys fill the memory.
//!
//! Deliberately absent: which keys and schemes are good enough, which is for those who ask; private keys; secrets.

use std::sync::{LazyLock, OnceLock};

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use quick_cache::sync::Cache;
use x509_parser::asn1_rs::{FromDer as _, Integer, Oid, Sequence, ToDer as _, oid};
use x509_parser::public_key::RSAPublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// RSA keys with a longer modulus are refused: checking a signature would take too long.
const MAX_RSA_BITS: usize = 16_384;
/// The longest ECDSA signature that is looked at, in bytes: OPA takes any zeros before its numbers.
const MAX_ECDSA: usize = 1024;
/// How many right signatures are remembered, at some 50 bytes each.
const REMEMBERED: usize = 16_384;

static RIGHT: LazyLock<Cache<[u8; 32], ()>> = LazyLock::new(|| Cache::new(REMEMBERED));

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
    prepared: [OnceLock<Option<ParsedPublicKey>>; 6],
}

/// A point on a curve.
pub struct Ec {
    /// Which curve.
    pub curve: Curve,
    /// The point, uncompressed (SEC 1 section 2.3.3).
    pub point: Vec<u8>,
    prepared: [OnceLock<Option<ParsedPublicKey>>; 3],
}

/// An Ed25519 key.
pub struct Ed25519 {
    /// The point, compressed (RFC 8032 section 5.1.2).
    pub bytes: [u8; 32],
    prepared: OnceLock<Option<ParsedPublicKey>>,
}

/// How the two halves of an ECDSA signature in a JWS are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halves {
    /// Each is as long as a coordinate of the key's curve (RFC 7518 section 3.4).
    OfCurve,
    /// Each is half of the signature.
    Equal,
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

    /// Whether a signature over a message is this key's; that of ECDSA is in DER. A key of another kind than the scheme's
    /// never signed it.
    pub fn verifies(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
        let Some(key) = self.prepare(scheme) else { return false };
        let seen = self.seen(scheme, message, signature);
        if RIGHT.get(&seen).is_some() {
            return true;
        }
        let right = key.verify_sig(message, signature).is_ok();
        if right {
            RIGHT.insert(seen, ());
        }
        right
    }

    /// Whether the signature of a JWS is this key's. JWS joins the two numbers of ECDSA without DER.
    pub fn verifies_jws(&self, scheme: Scheme, halves: Halves, message: &[u8], signature: &[u8]) -> bool {
        let (Scheme::Ecdsa(_), Self::Ec(key)) = (scheme, self) else {
            return self.verifies(scheme, message, signature);
        };
        if halves == Halves::OfCurve && signature.len() != 2 * key.curve.coordinate_len() {
            return false;
        }
        let (r, s) = signature.split_at(signature.len() / 2);
        // No number of a signature is longer than a coordinate, whatever zeros are before it.
        signature.len() <= MAX_ECDSA
            && ecdsa_der(r, s).is_some_and(|der| self.verifies(scheme, message, &der))
    }

    fn prepare(&self, scheme: Scheme) -> Option<&ParsedPublicKey> {
        match (self, scheme) {
            (Self::Rsa(key), Scheme::Pkcs1(_) | Scheme::Pss(_)) => key.prepare(scheme),
            (Self::Ec(key), Scheme::Ecdsa(hash)) => key.prepare(hash),
            (Self::Ed25519(key), Scheme::Ed25519) => key.prepare(),
            _ => None,
        }
    }

    /// What a signature is remembered by.
    fn seen(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> [u8; 32] {
        let (scheme, hash) = match scheme {
            Scheme::Pkcs1(hash) => (1, hash as u8),
            Scheme::Pss(hash) => (2, hash as u8),
            Scheme::Ecdsa(hash) => (3, hash as u8),
            Scheme::Ed25519 => (4, 0),
        };
        let key: [&[u8]; 2] = match self {
            Self::Rsa(key) => [&key.n, &key.e],
            Self::Ec(key) => [key.curve.name().as_bytes(), &key.point],
            Self::Ed25519(key) => [&[], &key.bytes],
            Self::X25519 | Self::Dsa(_) => [&[], &[]],
        };
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&[scheme, hash]);
        for part in [key[0], key[1], signature, message] {
            // With their lengths, so that no two lists of parts are the same bytes.
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut seen = [0; 32];
        seen.copy_from_slice(context.finish().as_ref());
        seen
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

impl Ed25519 {
    fn prepare(&self) -> Option<&ParsedPublicKey> {
        self.prepared.get_or_init(|| ParsedPublicKey::new(&signature::ED25519, self.bytes).ok()).as_ref()
    }
}

/// The two numbers of an ECDSA signature, as JWS joins them, in DER.
fn ecdsa_der(r: &[u8], s: &[u8]) -> Option<Vec<u8>> {
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
pub fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn bytes_of(number: &Integer) -> Vec<u8> {
    number.as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

    use super::*;

    fn elliptic() -> (EcdsaKeyPair, PublicKey) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public = PublicKey::ec(Curve::P256, pair.public_key().as_ref().to_vec()).unwrap();
        (pair, public)
    }

    const ES256: Scheme = Scheme::Ecdsa(Hash::Sha256);

    /// Asked twice, so that the memory answers once.
    fn twice(key: &PublicKey, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
        let [first, second] = [(); 2].map(|()| key.verifies_jws(scheme, Halves::OfCurve, message, signature));
        assert_eq!(first, second);
        first
    }

    #[test]
    fn what_is_remembered_is_of_this_key_scheme_message_and_signature() {
        let (pair, key) = elliptic();
        let signature = pair.sign(&SystemRandom::new(), b"message").unwrap();
        let signature = signature.as_ref();
        assert!(twice(&key, ES256, b"message", signature));
        assert!(!twice(&key, ES256, b"another", signature));
        assert!(!twice(&key, Scheme::Ecdsa(Hash::Sha384), b"message", signature));
        assert!(!twice(&elliptic().1, ES256, b"message", signature));
        for at in 0..signature.len() {
            let mut wrong = signature.to_vec();
            wrong[at] ^= 1;
            assert!(!twice(&key, ES256, b"message", &wrong), "byte {at}");
        }
        for length in 0..signature.len() {
            assert!(!twice(&key, ES256, b"message", &signature[..length]), "{length} bytes");
        }
    }

    /// No bytes change sides: the key's to the signature's, the signature's to the message's.
    #[test]
    fn parts_are_told_apart() {
        let (_, key) = elliptic();
        let seen = |message: &[u8], signature: &[u8]| key.seen(ES256, message, signature);
        assert_eq!(seen(b"ab", b"cd"), seen(b"ab", b"cd"));
        assert_ne!(seen(b"ab", b"cd"), seen(b"b", b"cda"));
        assert_ne!(seen(b"ab", b""), seen(b"", b"ab"));
        let rsa = |n: &[u8], e: &[u8]| PublicKey::rsa(n, e).unwrap().seen(ES256, b"", b"");
        assert_ne!(rsa(&[1, 2], &[3]), rsa(&[1], &[2, 3]));
    }

    #[test]
    fn a_key_verifies_by_its_own_kind_of_scheme() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = PublicKey::ed25519(pair.public_key().as_ref()).unwrap();
        let signature = pair.sign(b"message");
        assert!(twice(&key, Scheme::Ed25519, b"message", signature.as_ref()));
        for scheme in [ES256, Scheme::Pkcs1(Hash::Sha256), Scheme::Pss(Hash::Sha512)] {
            assert!(!twice(&key, scheme, b"message", signature.as_ref()));
        }
        assert!(PublicKey::ed25519(&[1; 31]).is_none());
    }

    /// OPA takes halves of any length; RFC 7518 section 3.4 does not.
    #[test]
    fn halves_may_be_longer_only_where_that_is_asked_for() {
        let (pair, key) = elliptic();
        let signature = pair.sign(&SystemRandom::new(), b"message").unwrap();
        let (r, s) = signature.as_ref().split_at(32);
        let long = [&[0; 3], r, &[0; 3], s].concat();
        assert!(key.verifies_jws(ES256, Halves::Equal, b"message", &long));
        assert!(!key.verifies_jws(ES256, Halves::OfCurve, b"message", &long));
        let endless = [&[0; 600], r, &[0; 600], s].concat();
        assert!(!key.verifies_jws(ES256, Halves::Equal, b"message", &endless));
    }

    #[test]
    fn points_off_the_curve_are_no_keys() {
        assert!(PublicKey::ec(Curve::P256, [&[4][..], &[1; 64]].concat()).is_err());
        assert!(PublicKey::ec(Curve::P384, [&[4][..], &[1; 64]].concat()).is_err());
        assert!(PublicKey::rsa(&[], &[3]).is_err());
        assert!(PublicKey::rsa(&[1; MAX_RSA_BITS / 8 + 1], &[3]).is_err());
    }
}
