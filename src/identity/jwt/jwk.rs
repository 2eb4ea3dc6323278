//! One key of an issuer (RFC 7517): read, judged, and prepared for verifying, once.
//!
//! INVARIANT (fit to verify): a [`Key`] exists only if everything that its JWK says allows verifying with it: `use`,
//! `key_ops`, an `alg` that fits its type and curve, a size that is safe, a point on its curve.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::jws;
use verdict_jose::{Curve, Halves, Hash, PublicKey, Scheme};

/// The SHA-256 thumbprint of a key (RFC 7638): what it is, whatever it is called.
pub type Thumbprint = [u8; 32];

/// A public key of an issuer, ready to verify with.
pub(in crate::identity) struct Key {
    pub(in crate::identity) kid: Option<String>,
    pub(in crate::identity) thumbprint: Thumbprint,
    /// What it may verify: the one that its JWK names, or all that its type allows.
    algorithms: Vec<Algorithm>,
    public: PublicKey,
}

impl Key {
    /// Reads one JWK.
    ///
    /// # Errors
    /// Why this key cannot be used; the others of its set still can.
    pub(in crate::identity) fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, String> {
        let kid = optional_text(jwk, "kid")?.map(str::to_owned);
        check_purpose(jwk)?;
        let material = match optional_text(jwk, "kty")? {
            Some("RSA") => rsa(jwk)?,
            Some("EC") => elliptic(jwk)?,
            Some("OKP") => edwards(jwk)?,
            Some("oct") => {
                return Err(
                    "it is a symmetric key (`oct`), and whoever can read it could sign with it".into()
                );
            }
            Some(other) => return Err(format!("its type `{other}` is not supported")),
            None => return Err("it has no `kty`".into()),
        };
        let algorithms = match optional_text(jwk, "alg")? {
            None => material.algorithms,
            Some(name) => {
                let pinned = jws::algorithm(name).filter(|pinned| material.algorithms.contains(pinned));
                vec![pinned.ok_or_else(|| format!("its `alg` `{name}` is not one for its type"))?]
            }
        };
        Ok(Self { kid, thumbprint: material.thumbprint, algorithms, public: material.public })
    }

    pub(in crate::identity) fn may_verify(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Whether `signature` (base64url) is this key's, by `algorithm`, over `message`.
    pub(in crate::identity) fn verifies(&self, algorithm: Algorithm, message: &str, signature: &str) -> bool {
        let (Some(scheme), Ok(signature)) = (scheme(algorithm), BASE64_URL_SAFE_NO_PAD.decode(signature))
        else {
            return false;
        };
        self.may_verify(algorithm)
            && self.public.verifies_jws(scheme, Halves::OfCurve, message.as_bytes(), &signature)
    }
}

/// How an algorithm signs; `None` for those of a shared secret.
const fn scheme(algorithm: Algorithm) -> Option<Scheme> {
    Some(match algorithm {
        Algorithm::RS256 => Scheme::Pkcs1(Hash::Sha256),
        Algorithm::RS384 => Scheme::Pkcs1(Hash::Sha384),
        Algorithm::RS512 => Scheme::Pkcs1(Hash::Sha512),
        Algorithm::PS256 => Scheme::Pss(Hash::Sha256),
        Algorithm::PS384 => Scheme::Pss(Hash::Sha384),
        Algorithm::PS512 => Scheme::Pss(Hash::Sha512),
        Algorithm::ES256 => Scheme::Ecdsa(Hash::Sha256),
        Algorithm::ES384 => Scheme::Ecdsa(Hash::Sha384),
        Algorithm::EdDSA => Scheme::Ed25519,
        _ => return None,
    })
}

struct Material {
    public: PublicKey,
    algorithms: Vec<Algorithm>,
    thumbprint: Thumbprint,
}

/// RFC 7517 sections 4.2 and 4.3: what is for encryption, or for signing alone, does not verify.
fn check_purpose(jwk: &Map<String, Value>) -> Result<(), String> {
    match optional_text(jwk, "use")? {
        None | Some("sig") => {}
        Some(other) => return Err(format!("its `use` is `{other}`, not `sig`")),
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(ops)) if ops.iter().any(|op| op == "verify") => Ok(()),
        Some(_) => Err("its `key_ops` do not have `verify`".to_owned()),
    }
}

fn optional_text<'j>(jwk: &'j Map<String, Value>, name: &str) -> Result<Option<&'j str>, String> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("its `{name}` is not a text")),
    }
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let text = optional_text(jwk, name)?.ok_or_else(|| format!("it has no `{name}`"))?;
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| format!("its `{name}` is not base64url"))
}

/// RFC 7638: the required members, sorted, without white space. Base64url and curve names need no escaping.
fn thumbprint(members: &str) -> Thumbprint {
    let mut thumbprint = [0; 32];
    thumbprint.copy_from_slice(digest::digest(&digest::SHA256, members.as_bytes()).as_ref());
    thumbprint
}

fn rsa(jwk: &Map<String, Value>) -> Result<Material, String> {
    let significant = |name| {
        bytes(jwk, name).map(|all| all.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>())
    };
    let (n, e) = (significant("n")?, significant("e")?);
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    if !(2048..=8192).contains(&bits) {
        return Err(format!("its modulus has {bits} bits; 2048 to 8192 are accepted"));
    }
    let exponent = e.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    if e.len() > 4 || exponent < 3 || exponent.is_multiple_of(2) {
        return Err("its exponent is not an odd number from 3 to 2^32".to_owned());
    }
    if has_roca_fingerprint(&n) {
        return Err("its modulus was made by a defective generator (ROCA, CVE-2017-15361)".to_owned());
    }
    let [e64, n64] = [&e, &n].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    Ok(Material {
        public: PublicKey::rsa(&n, &e)?,
        algorithms: vec![
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        thumbprint: thumbprint(&format!(r#"{{"e":"{e64}","kty":"RSA","n":"{n64}"}}"#)),
    })
}

/// Nemec et al., "The Return of Coppersmith's Attack" (2017): the primes of a ROCA key make its modulus a power of
/// 65537 modulo every small prime. By chance that happens to about one modulus in 2^27.
fn has_roca_fingerprint(modulus: &[u8]) -> bool {
    const SMALL_PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101,
        103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    SMALL_PRIMES.iter().all(|&prime| {
        let residue = modulus.iter().fold(0, |rest, byte| (rest << 8 | u32::from(*byte)) % prime);
        std::iter::successors(Some(1), |power| Some(power * 65_537 % prime))
            .take(prime as usize)
            .any(|power| power == residue)
    })
}

fn elliptic(jwk: &Map<String, Value>) -> Result<Material, String> {
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    let (curve, algorithm) = match optional_text(jwk, "crv")? {
        Some("P-256") => (Curve::P256, Algorithm::ES256),
        Some("P-384") => (Curve::P384, Algorithm::ES384),
        Some(other) => return Err(format!("its curve `{other}` is not supported")),
        None => return Err("it has no `crv`".to_owned()),
    };
    let (name, length) = (curve.name(), curve.coordinate_len());
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    let public = PublicKey::ec(curve, point).ok().filter(|_| x.len() == length && y.len() == length);
    let public = public.ok_or_else(|| format!("its point is not on {name}"))?;
    let [x64, y64] = [&x, &y].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    Ok(Material {
        public,
        algorithms: vec![algorithm],
        thumbprint: thumbprint(&format!(r#"{{"crv":"{name}","kty":"EC","x":"{x64}","y":"{y64}"}}"#)),
    })
}

fn edwards(jwk: &Map<String, Value>) -> Result<Material, String> {
    match optional_text(jwk, "crv")? {
        Some("Ed25519") => {}
        Some(other) => return Err(format!("its curve `{other}` is not supported")),
        None => return Err("it has no `crv`".to_owned()),
    }
    let x = bytes(jwk, "x")?;
    let public = PublicKey::ed25519(&x).ok_or_else(|| format!("its `x` has {} bytes, not 32", x.len()))?;
    let x64 = BASE64_URL_SAFE_NO_PAD.encode(&x);
    Ok(Material {
        public,
        algorithms: vec![Algorithm::EdDSA],
        thumbprint: thumbprint(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x64}"}}"#)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638_section_3_1() {
        let jwk = serde_json::json!({
            "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        });
        let key = Key::from_jwk(jwk.as_object().unwrap()).unwrap();
        assert_eq!(
            BASE64_URL_SAFE_NO_PAD.encode(key.thumbprint),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }
}
