//! The keys that tokens are verified with: a certificate or a public key as PEM, a JWK, or a set of them.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::{Map, Value as Json};
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::builtins::encoding::pem;
use crate::builtins::error::Error;
use crate::builtins::x509::parse::Certificate;
use verdict_jose::{Curve, Hash, PublicKey, Scheme};

/// The most keys of one set.
const MAX_KEYS: usize = 1_000;

/// How many bytes of texts are remembered with their keys, and how long one may be.
const MAX_REMEMBERED: u64 = 8 << 20;
const MAX_ONE: usize = 1 << 20;

/// Keys by the SHA-256 of their text: most policies name the same few again and again.
static PARSED: LazyLock<Cache<[u8; 32], Remembered, ByLength>> =
    LazyLock::new(|| Cache::with_weighter(256, MAX_REMEMBERED, ByLength));

/// The keys of a text, and its length.
type Remembered = (Arc<[VerificationKey]>, usize);

#[derive(Clone)]
struct ByLength;

impl Weighter<[u8; 32], Remembered> for ByLength {
    fn weight(&self, _: &[u8; 32], (_, length): &Remembered) -> u64 {
        (*length as u64).max(1024)
    }
}

/// How a token says that it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// With a shared secret.
    Hmac(Hash),
    /// With a private key.
    Signature(Scheme),
}

impl Algorithm {
    /// The name of RFC 7518 or RFC 8037. Never `none`.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        let hash = match name.get(2..) {
            Some("256") => Hash::Sha256,
            Some("384") => Hash::Sha384,
            Some("512") => Hash::Sha512,
            _ => return (name == "EdDSA").then_some(Self::Signature(Scheme::Ed25519)),
        };
        match name.get(..2) {
            Some("HS") => Some(Self::Hmac(hash)),
            Some("RS") => Some(Self::Signature(Scheme::Pkcs1(hash))),
            Some("PS") => Some(Self::Signature(Scheme::Pss(hash))),
            Some("ES") => Some(Self::Signature(Scheme::Ecdsa(hash))),
            _ => None,
        }
    }
}

/// What a token may be verified with.
pub(super) struct VerificationKey {
    /// Which algorithm it is for, if it says so.
    pub(super) algorithm: Option<String>,
    /// Its name in a set; empty where it has none.
    pub(super) id: String,
    /// The key.
    pub(super) material: Material,
}

/// The key itself.
pub(super) enum Material {
    /// A public key.
    Public(PublicKey),
    /// The public half of a private key.
    Private(PublicKey),
    /// A shared secret.
    Secret(Vec<u8>),
    /// A key that signs nothing.
    Other,
}

/// The keys of a text.
///
/// # Errors
/// When it has none, or one that cannot be read.
pub(super) fn of_text(text: &str) -> Result<Arc<[VerificationKey]>, Error> {
    if text.len() > pem::MAX_TEXT {
        return Err(Error::failed("the keys are too long"));
    }
    if text.len() > MAX_ONE {
        return parse(text).map(Into::into);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    if let Some((keys, _)) = PARSED.get(&hash) {
        return Ok(keys);
    }
    let keys: Arc<[VerificationKey]> = parse(text)?.into();
    PARSED.insert(hash, (Arc::clone(&keys), text.len()));
    Ok(keys)
}

fn parse(text: &str) -> Result<Vec<VerificationKey>, Error> {
    #[cfg(test)]
    tests::TEXTS.with(|count| count.set(count.get() + 1));
    let Some((block, rest)) = pem::first_block(text.as_bytes()) else {
        return of_jwks(text)
            .map_err(|why| Error::failed(format_args!("failed to parse a JWK key (set): {why}")));
    };
    if !rest.is_empty() {
        return Err(Error::failed("extra data after a PEM certificate block"));
    }
    let key = match block.label {
        b"CERTIFICATE" => Certificate::parse(&block.bytes)
            .map(|certificate| certificate.public_key)
            .map_err(|why| Error::failed(format_args!("failed to parse a PEM certificate: {why}")))?,
        b"PUBLIC KEY" => public_key(&block.bytes)
            .map(Some)
            .map_err(|why| Error::failed(format_args!("failed to parse a PEM public key: {why}")))?,
        _ => return Err(Error::failed("failed to extract a Key from the PEM certificate")),
    };
    let material = key.map_or(Material::Other, Material::Public);
    Ok(vec![VerificationKey { algorithm: None, id: String::new(), material }])
}

fn public_key(der: &[u8]) -> Result<PublicKey, &'static str> {
    let (rest, info) =
        SubjectPublicKeyInfo::from_der(der).map_err(|_| "asn1: structure error: malformed public key")?;
    if !rest.is_empty() {
        return Err("x509: trailing data after ASN.1 of public-key");
    }
    PublicKey::from_info(&info)?.ok_or("x509: unknown public key algorithm")
}

fn of_jwks(text: &str) -> Result<Vec<VerificationKey>, String> {
    let mut keys = Vec::new();
    for (at, jwk) in jwks(text)?.iter().enumerate() {
        let algorithm = optional(jwk, "alg")?.filter(|name| !name.is_empty());
        let material = material(jwk).map_err(|why| format!("key {at}: {why}"))?;
        // A key for something else than signatures is passed over.
        if algorithm.is_none_or(|name| Algorithm::by_name(name).is_some()) {
            let id = optional(jwk, "kid")?.unwrap_or_default().to_owned();
            keys.push(VerificationKey { algorithm: algorithm.map(str::to_owned), id, material });
        }
    }
    Ok(keys)
}

/// The JWKs of a text: those of its `keys`, or itself.
///
/// # Errors
/// What is wrong with it, without what it has in it.
pub(super) fn jwks(text: &str) -> Result<Vec<Map<String, Json>>, String> {
    // What the parser says may show some of a secret.
    let mut set: Map<String, Json> =
        serde_json::from_str(text).map_err(|_| "invalid JSON object".to_owned())?;
    let keys = match set.remove("keys") {
        None => return Ok(vec![set]),
        Some(Json::Array(keys)) => keys,
        Some(_) => return Err("`keys` is not an array".to_owned()),
    };
    if keys.len() > MAX_KEYS {
        return Err("there are too many keys".to_owned());
    }
    let object = |key| match key {
        Json::Object(jwk) => Ok(jwk),
        _ => Err("a key is not an object".to_owned()),
    };
    keys.into_iter().map(object).collect()
}

fn optional<'j>(jwk: &'j Map<String, Json>, name: &str) -> Result<Option<&'j str>, String> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{name}` is not a string")),
    }
}

/// A textual member that there must be.
///
/// # Errors
/// When there is none.
pub(super) fn required<'j>(jwk: &'j Map<String, Json>, name: &str) -> Result<&'j str, String> {
    optional(jwk, name)?.ok_or_else(|| format!("required field `{name}` is missing"))
}

/// A member of bytes.
///
/// # Errors
/// When there is none, or it is not base64url.
pub(super) fn bytes(jwk: &Map<String, Json>, name: &str) -> Result<Vec<u8>, String> {
    pem::decode_base64url(required(jwk, name)?).map_err(|_| format!("`{name}` is not base64url"))
}

fn material(jwk: &Map<String, Json>) -> Result<Material, String> {
    let kind = required(jwk, "kty")?;
    let key = match kind {
        "RSA" => PublicKey::rsa(&bytes(jwk, "n")?, &bytes(jwk, "e")?)?,
        "EC" => {
            let (curve, point) = point(jwk)?;
            PublicKey::ec(curve, point)?
        }
        "OKP" => {
            let x = bytes(jwk, "x")?;
            match required(jwk, "crv")? {
                "X25519" if x.len() == 32 => return Ok(Material::Other),
                "Ed25519" => PublicKey::ed25519(&x),
                _ => None,
            }
            .ok_or("unsupported curve, or a key of another length than its curve's")?
        }
        "oct" => return Ok(Material::Secret(bytes(jwk, "k")?)),
        _ => return Err("unsupported key type".to_owned()),
    };
    Ok(if jwk.contains_key("d") { Material::Private(key) } else { Material::Public(key) })
}

/// The point of an `EC` key, uncompressed.
///
/// # Errors
/// When there is none.
pub(super) fn point(jwk: &Map<String, Json>) -> Result<(Curve, Vec<u8>), String> {
    let curve = Curve::by_name(required(jwk, "crv")?).ok_or("unsupported curve")?;
    let mut point = vec![4];
    for name in ["x", "y"] {
        point.extend(padded(&bytes(jwk, name)?, curve.coordinate_len()).ok_or("a coordinate is too long")?);
    }
    Ok((curve, point))
}

/// A number as so many bytes.
pub(super) fn padded(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let number = verdict_jose::significant(number);
    let mut bytes = vec![0; length.checked_sub(number.len())?];
    bytes.extend_from_slice(number);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// How many texts this thread has parsed.
        pub(super) static TEXTS: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn a_text_is_parsed_once_however_many_keys_are_in_it() {
        let key = |n: usize| format!(r#"{{"kty": "oct", "k": "{}", "kid": "{n}"}}"#, "A".repeat(400));
        for count in [1, 900] {
            let keys: Vec<String> = (0..count).map(|n| key(n + count * 10_000)).collect();
            let set = format!(r#"{{"keys": [{}]}}"#, keys.join(","));
            let before = TEXTS.with(Cell::get);
            for _ in 0..5 {
                assert_eq!(of_text(&set).unwrap().len(), count);
            }
            assert_eq!(TEXTS.with(Cell::get), before + 1, "{count}: {} bytes", set.len());
        }
    }

    #[test]
    fn algorithms_are_known_by_their_exact_names() {
        assert_eq!(Algorithm::by_name("PS384"), Some(Algorithm::Signature(Scheme::Pss(Hash::Sha384))));
        assert_eq!(Algorithm::by_name("HS512"), Some(Algorithm::Hmac(Hash::Sha512)));
        for name in ["none", "", "hs256", "HS", "HS2560", "ES256K", "eddsa", "\u{e9}256"] {
            assert_eq!(Algorithm::by_name(name), None, "{name}");
        }
    }

    #[test]
    fn keys_for_other_purposes_are_passed_over() {
        let set = r#"{"keys": [{"kty": "oct", "k": "AQ", "alg": "A128KW"}, {"kty": "oct", "k": "Ag", "kid": "b"}]}"#;
        let keys = of_text(set).unwrap();
        let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        assert_eq!(ids, ["b"]);
        assert!(Arc::ptr_eq(&keys, &of_text(set).unwrap()), "read once");
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        for text in [
            "sesame",
            r#"{"kty": "oct", "k": "sesame!"}"#,
            r#"{"kty": "sesame"}"#,
            r#"{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}"#,
            r#"{"keys": [1]}"#,
            "-----BEGIN SESAME-----\nAAAA\n-----END SESAME-----\n",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        ] {
            let error = of_text(text).err().unwrap();
            assert!(!error.message.to_lowercase().contains("sesame"), "{error:?}");
        }
        let large = "A".repeat(3000);
        assert!(of_text(&format!(r#"{{"kty": "RSA", "n": "{large}", "e": "AQAB"}}"#)).is_err());
    }
}
