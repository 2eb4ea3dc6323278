//! Private keys of PEM blocks: PKCS #1, PKCS #8 and SEC 1.

use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use num_bigint::{BigUint, ToBigInt as _};
use x509_parser::asn1_rs::{self, FromDer as _, Integer, OctetString, Sequence, oid};
use x509_parser::x509::AlgorithmIdentifier;

use crate::builtins::encoding::pem;
use crate::builtins::error::Error;
use crate::builtins::x509::go_json::{base64, big, object};
use crate::value::{Number, Value};
use verdict_jose::{Curve, PublicKey};

/// The longest number of an RSA key, in bytes.
const MAX_NUMBER: usize = 2048;

/// A private key.
pub enum PrivateKey {
    /// RSA
    Rsa(Box<RsaPrivate>),
    /// A number for a curve, and the point that it makes.
    Ec {
        /// Which curve.
        curve: Curve,
        /// The number, as long as a coordinate.
        d: Vec<u8>,
        /// The point, uncompressed.
        point: Vec<u8>,
    },
    /// Ed25519
    Ed25519 {
        /// What the key is made of.
        seed: Vec<u8>,
        /// The public key.
        public: Vec<u8>,
    },
    /// X25519: for agreement, not for signatures.
    X25519,
}

/// The numbers of an RSA key with two primes.
pub struct RsaPrivate {
    pub n: BigUint,
    pub e: BigUint,
    pub d: BigUint,
    pub p: BigUint,
    pub q: BigUint,
}

impl RsaPrivate {
    /// A key of its numbers, when they belong together.
    pub fn new([n, e, d, p, q]: [BigUint; 5]) -> Option<Self> {
        let one = BigUint::from(1u8);
        let primes = p > one && q > one && &p * &q == n;
        let inverse = |prime: &BigUint| (&d * &e) % (prime - 1u8) == one;
        (primes && e > one && inverse(&p) && inverse(&q)).then_some(Self { n, e, d, p, q })
    }

    /// What is derived of the primes, to sign faster: `d mod p-1`, `d mod q-1` and the inverse of `q`.
    pub fn derived(&self) -> Option<[BigUint; 3]> {
        Some([&self.d % (&self.p - 1u8), &self.d % (&self.q - 1u8), self.q.modinv(&self.p)?])
    }
}

impl PrivateKey {
    /// As Go's JSON has it.
    pub fn to_value(&self) -> Value {
        let number = |number: &BigUint| {
            number.to_bigint().map_or(Value::Null, |number| Value::from(Number::from(number)))
        };
        match self {
            Self::Rsa(key) => {
                let [dp, dq, qi] = key.derived().map_or([Value::Null, Value::Null, Value::Null], |derived| {
                    derived.each_ref().map(number)
                });
                let precomputed =
                    [("Dp", dp), ("Dq", dq), ("Qinv", qi), ("CRTValues", Value::from(Vec::new()))];
                object([
                    ("N", number(&key.n)),
                    ("E", number(&key.e)),
                    ("D", number(&key.d)),
                    ("Primes", Value::from(vec![number(&key.p), number(&key.q)])),
                    ("Precomputed", object(precomputed)),
                ])
            }
            Self::Ec { curve, d, point } => {
                let (x, y) = halves(point, *curve);
                object([("Curve", object([])), ("X", big(x)), ("Y", big(y)), ("D", big(d))])
            }
            Self::Ed25519 { seed, public } => base64(&[seed.as_slice(), public].concat()),
            Self::X25519 => object([]),
        }
    }

    /// As a JWK.
    pub fn to_jwk(&self) -> Result<Value, Error> {
        let text = |bytes: &[u8]| Value::from(BASE64_URL_SAFE_NO_PAD.encode(bytes));
        let number = |number: &BigUint| text(&number.to_bytes_be());
        match self {
            Self::Rsa(key) => {
                let [dp, dq, qi] = key.derived().ok_or_else(|| Error::failed("invalid RSA key"))?;
                Ok(object([
                    ("kty", Value::from("RSA")),
                    ("n", number(&key.n)),
                    ("e", number(&key.e)),
                    ("d", number(&key.d)),
                    ("p", number(&key.p)),
                    ("q", number(&key.q)),
                    ("dp", number(&dp)),
                    ("dq", number(&dq)),
                    ("qi", number(&qi)),
                ]))
            }
            Self::Ec { curve, d, point } => {
                let (x, y) = halves(point, *curve);
                let kind = [("kty", Value::from("EC")), ("crv", Value::from(curve.name()))];
                Ok(object(kind.into_iter().chain([("x", text(x)), ("y", text(y)), ("d", text(d))])))
            }
            Self::Ed25519 { seed, public } => Ok(object([
                ("kty", Value::from("OKP")),
                ("crv", Value::from("Ed25519")),
                ("x", text(public)),
                ("d", text(seed)),
            ])),
            Self::X25519 => Err(Error::failed("unsupported key type")),
        }
    }

    /// Whether this is the private half of a public key.
    pub fn belongs_to(&self, public: &PublicKey) -> bool {
        match (self, public) {
            (Self::Rsa(key), PublicKey::Rsa(public)) => {
                key.n.to_bytes_be() == public.n && key.e.to_bytes_be() == public.e
            }
            (Self::Ec { curve, point, .. }, PublicKey::Ec(public)) => {
                *curve == public.curve && *point == public.point
            }
            (Self::Ed25519 { public: mine, .. }, PublicKey::Ed25519(public)) => *mine == public.bytes,
            _ => false,
        }
    }
}

fn halves(point: &[u8], curve: Curve) -> (&[u8], &[u8]) {
    point.get(1..).and_then(|both| both.split_at_checked(curve.coordinate_len())).unwrap_or_default()
}

/// All private keys of a text: PEM, or PEM as base64. Blocks of other kinds are passed over.
///
/// # Errors
/// When a block says that it is a private key, and is none.
pub fn of_text(text: &str) -> Result<Vec<PrivateKey>, Error> {
    if text.len() > pem::MAX_TEXT {
        return Err(Error::failed("the private keys are too long"));
    }
    let decoded = pem::decode_base64(text.as_bytes());
    let mut rest: &[u8] = decoded.as_deref().unwrap_or(text.as_bytes());
    let mut keys = Vec::new();
    while let Some((block, after)) = pem::first_block(rest) {
        rest = after;
        match block.label {
            b"RSA PRIVATE KEY" => keys.push(pkcs1(&block.bytes)?),
            b"PRIVATE KEY" => keys.push(pkcs8(&block.bytes)?),
            b"EC PRIVATE KEY" => keys.push(elliptic(&block.bytes)?),
            _ => {}
        }
        if keys.len() > 100 {
            return Err(Error::failed("there are too many private keys"));
        }
    }
    Ok(keys)
}

/// A key in any of the three forms.
pub fn of_any(der: &[u8]) -> Option<PrivateKey> {
    pkcs1(der).or_else(|_| pkcs8(der)).or_else(|_| elliptic(der)).ok()
}

/// RFC 8017 appendix A.1.2.
fn pkcs1(der: &[u8]) -> Result<PrivateKey, Error> {
    let wrong = || Error::failed("x509: failed to parse RSA private key");
    let (rest, sequence) = Sequence::from_der(der).map_err(|_| wrong())?;
    let numbers = sequence.der_sequence_of::<Integer, asn1_rs::Error>().map_err(|_| wrong())?;
    // The version comes first; it is 0 for two primes.
    let [version, n, e, d, p, q, _, _, _] = numbers.as_slice() else { return Err(wrong()) };
    let unsigned = |number: &Integer| match number.as_ref() {
        bytes @ [first, ..] if *first < 0x80 && bytes.len() <= MAX_NUMBER + 1 => {
            Some(BigUint::from_bytes_be(bytes))
        }
        _ => None,
    };
    let numbers = [unsigned(n), unsigned(e), unsigned(d), unsigned(p), unsigned(q)];
    let [Some(n), Some(e), Some(d), Some(p), Some(q)] = numbers else { return Err(wrong()) };
    if !rest.is_empty() || unsigned(version) != Some(BigUint::ZERO) {
        return Err(wrong());
    }
    RsaPrivate::new([n, e, d, p, q]).map(|key| PrivateKey::Rsa(Box::new(key))).ok_or_else(wrong)
}

/// RFC 5958, without encryption.
fn pkcs8(der: &[u8]) -> Result<PrivateKey, Error> {
    let wrong = || Error::failed("x509: failed to parse PKCS#8 private key");
    let (_, sequence) = Sequence::from_der(der).map_err(|_| wrong())?;
    let content: &[u8] = sequence.as_ref();
    let (content, _version) = Integer::from_der(content).map_err(|_| wrong())?;
    let (content, algorithm) = AlgorithmIdentifier::from_der(content).map_err(|_| wrong())?;
    let (_, key) = OctetString::from_der(content).map_err(|_| wrong())?;
    let kind = algorithm.algorithm;
    if kind == oid!(1.2.840.113549.1.1.1) {
        pkcs1(key.as_ref())
    } else if kind == oid!(1.2.840.10045.2.1) {
        elliptic(der)
    } else if kind == oid!(1.3.101.112) {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| wrong())?;
        let seed = pair.seed().and_then(|seed| seed.as_be_bytes()).map_err(|_| wrong())?;
        Ok(PrivateKey::Ed25519 { seed: seed.as_ref().to_vec(), public: pair.public_key().as_ref().to_vec() })
    } else if kind == oid!(1.3.101.110) {
        Ok(PrivateKey::X25519)
    } else {
        Err(Error::failed("x509: PKCS#8 wrapping contained private key with unknown algorithm"))
    }
}

/// A key for ECDSA, as SEC 1 or as PKCS #8.
fn elliptic(der: &[u8]) -> Result<PrivateKey, Error> {
    let curves = [
        (Curve::P256, &ECDSA_P256_SHA256_ASN1_SIGNING),
        (Curve::P384, &ECDSA_P384_SHA384_ASN1_SIGNING),
        (Curve::P521, &ECDSA_P521_SHA512_ASN1_SIGNING),
    ];
    curves
        .into_iter()
        .find_map(|(curve, algorithm)| {
            let pair = EcdsaKeyPair::from_private_key_der(algorithm, der).ok()?;
            let d = pair.private_key().as_be_bytes().ok()?.as_ref().to_vec();
            Some(PrivateKey::Ec { curve, d, point: pair.public_key().as_ref().to_vec() })
        })
        .ok_or_else(|| Error::failed("x509: failed to parse EC private key"))
}
