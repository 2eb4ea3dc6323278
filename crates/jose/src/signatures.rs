//! Checking signatures.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use quick_cache::sync::Cache;
use x509_parser::asn1_rs::{Integer, Sequence, ToDer as _};

use crate::keys::{Curve, Ec, Ed25519, PublicKey, Rsa, significant};
use crate::schemes::{Hash, Scheme};

/// How the two halves of an ECDSA signature in a JWS are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halves {
    /// Each is as long as a coordinate of the key's curve (RFC 7518 section 3.4).
    OfCurve,
    /// Each is half of the signature.
    Equal,
}

/// The longest ECDSA signature that is looked at, in bytes: OPA takes any zeros before its numbers.
const MAX_ECDSA: usize = 1024;

/// How many valid signatures are remembered, at some 50 bytes each.
const REMEMBERED: usize = 16_384;

static VALID: LazyLock<Cache<[u8; 32], ()>> = LazyLock::new(|| Cache::new(REMEMBERED));

impl PublicKey {
    /// Whether a signature over a message is this key's; that of ECDSA is in DER. A key of another kind than the scheme's
    /// never signed it.
    pub fn verifies(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
        let Some(key) = self.prepare(scheme) else { return false };
        let seen = self.fingerprint(scheme, message, signature);
        if VALID.get(&seen).is_some() {
            return true;
        }
        let valid = key.verify_sig(message, signature).is_ok();
        if valid {
            VALID.insert(seen, ());
        }
        valid
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

    /// What a valid signature is remembered by.
    fn fingerprint(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> [u8; 32] {
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
    pub(crate) fn prepare(&self, scheme: Scheme) -> Option<&ParsedPublicKey> {
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
    pub(crate) fn prepare(&self, hash: Hash) -> Option<&ParsedPublicKey> {
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
    pub(crate) fn prepare(&self) -> Option<&ParsedPublicKey> {
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

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair as _,
    };

    use super::*;
    use crate::keys::MAX_RSA_BITS;

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
        let seen = |message: &[u8], signature: &[u8]| key.fingerprint(ES256, message, signature);
        assert_eq!(seen(b"ab", b"cd"), seen(b"ab", b"cd"));
        assert_ne!(seen(b"ab", b"cd"), seen(b"b", b"cda"));
        assert_ne!(seen(b"ab", b""), seen(b"", b"ab"));
        let rsa = |n: &[u8], e: &[u8]| PublicKey::rsa(n, e).unwrap().fingerprint(ES256, b"", b"");
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
    fn p_521_signs_with_sha_512_in_132_bytes() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
        let key = PublicKey::ec(Curve::P521, pair.public_key().as_ref().to_vec()).unwrap();
        let signature = pair.sign(&SystemRandom::new(), b"message").unwrap();
        let scheme = Scheme::Ecdsa(Hash::Sha512);
        assert_eq!(signature.as_ref().len(), 132);
        assert!(twice(&key, scheme, b"message", signature.as_ref()));
        assert!(!twice(&key, scheme, b"another", signature.as_ref()));
        assert!(!twice(&key, scheme, b"message", &[0; 132]), "r and s are not zero, CVE-2022-21449");
        assert!(!twice(&key, Scheme::Ecdsa(Hash::Sha256), b"message", signature.as_ref()));
    }

    #[test]
    fn points_off_the_curve_are_no_keys() {
        assert!(PublicKey::ec(Curve::P256, [&[4][..], &[1; 64]].concat()).is_err());
        assert!(PublicKey::ec(Curve::P384, [&[4][..], &[1; 64]].concat()).is_err());
        assert!(PublicKey::rsa(&[], &[3]).is_err());
        assert!(PublicKey::rsa(&[1; MAX_RSA_BITS / 8 + 1], &[3]).is_err());
    }
}
