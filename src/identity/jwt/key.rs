//! One key of an issuer: judged, and prepared for verifying, once.
//!
//! INVARIANT (fit to verify): a [`Key`] exists only if it is safe: an RSA key of a sound size, exponent and origin, a point
//! on its curve, a secret as long as its hash.
//! INVARIANT (no confusion): what a key is made of says which algorithms it can verify. A public key never becomes a secret,
//! and a secret comes from nowhere but `secret_env` and `secret_file`.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use verdict_jose::{Algorithm, Curve, Ec, Halves, Hash, PublicKey, Rsa};

/// The SHA-256 thumbprint of a public key (RFC 7638): what it is, whatever it is called. Of a secret, a keyed hash that
/// does not disclose it.
pub type Thumbprint = [u8; 32];

/// A key of an issuer, ready to verify with.
pub(in crate::identity) struct Key {
    pub(in crate::identity) kid: Option<String>,
    pub(in crate::identity) thumbprint: Thumbprint,
    algorithms: Vec<Algorithm>,
    material: Material,
}

enum Material {
    Public(PublicKey),
    /// By the hash of its algorithm.
    Secret(Vec<(Algorithm, hmac::Key)>),
}

impl Key {
    /// A public key without a name.
    ///
    /// # Errors
    /// Why it is not safe to verify with.
    pub(in crate::identity) fn public(public: PublicKey) -> Result<Self, String> {
        let (algorithms, members): (&[Algorithm], String) = match &public {
            PublicKey::Rsa(key) => rsa(key)?,
            PublicKey::Ec(key) => elliptic(key)?,
            PublicKey::Ed25519(key) => {
                let x = BASE64_URL_SAFE_NO_PAD.encode(key.bytes);
                (&[Algorithm::EdDsa], format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#))
            }
            PublicKey::X25519 | PublicKey::Dsa(_) => {
                return Err("it is of a kind that signs no tokens".to_owned());
            }
        };
        let mut thumbprint = [0; 32];
        thumbprint.copy_from_slice(digest::digest(&digest::SHA256, members.as_bytes()).as_ref());
        Ok(Self {
            kid: None,
            thumbprint,
            algorithms: algorithms.to_vec(),
            material: Material::Public(public),
        })
    }

    /// A secret, for those of `algorithms` that take one.
    ///
    /// # Errors
    /// When it is shorter than the longest hash among them (RFC 7518 section 3.2).
    pub(in crate::identity) fn secret(secret: &[u8], algorithms: &[Algorithm]) -> Result<Self, String> {
        let hashes = algorithms.iter().filter_map(|name| Some((*name, hash_of(*name)?)));
        let hashes: Vec<(Algorithm, hmac::Algorithm)> = hashes.collect();
        for (name, hash) in &hashes {
            let least = hash.digest_algorithm().output_len();
            if secret.len() < least {
                return Err(format!(
                    "it has {} bytes; {} needs at least {least} (RFC 7518 section 3.2)",
                    secret.len(),
                    name.name()
                ));
            }
        }
        let label =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"verdict: thumbprint of a secret");
        let mut thumbprint = [0; 32];
        thumbprint.copy_from_slice(label.as_ref());
        Ok(Self {
            kid: None,
            thumbprint,
            algorithms: hashes.iter().map(|(name, _)| *name).collect(),
            material: Material::Secret(
                hashes.into_iter().map(|(name, hash)| (name, hmac::Key::new(hash, secret))).collect(),
            ),
        })
    }

    /// The same key, by a name.
    pub(in crate::identity) fn named(self, kid: Option<String>) -> Self {
        Self { kid, ..self }
    }

    /// The same key, for this algorithm alone; `None` where it is not one of its own.
    pub(in crate::identity) fn pinned(self, algorithm: Algorithm) -> Option<Self> {
        self.may_verify(algorithm).then(|| Self { algorithms: vec![algorithm], ..self })
    }

    pub(in crate::identity) fn may_verify(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Whether `signature` (base64url) is this key's, by `algorithm`, over `message`.
    pub(in crate::identity) fn verifies(&self, algorithm: Algorithm, message: &str, signature: &str) -> bool {
        let Ok(signature) = BASE64_URL_SAFE_NO_PAD.decode(signature) else { return false };
        if !self.may_verify(algorithm) {
            return false;
        }
        match (&self.material, algorithm.scheme()) {
            (Material::Public(key), Some(scheme)) => {
                key.verifies_jws(scheme, Halves::OfCurve, message.as_bytes(), &signature)
            }
            // Compares in constant time.
            (Material::Secret(keys), None) => keys
                .iter()
                .find(|(of, _)| *of == algorithm)
                .is_some_and(|(_, key)| hmac::verify(key, message.as_bytes(), &signature).is_ok()),
            (Material::Public(_), None) | (Material::Secret(_), Some(_)) => false,
        }
    }
}

const fn hash_of(algorithm: Algorithm) -> Option<hmac::Algorithm> {
    match algorithm.secret_hash() {
        Some(Hash::Sha256) => Some(hmac::HMAC_SHA256),
        Some(Hash::Sha384) => Some(hmac::HMAC_SHA384),
        Some(Hash::Sha512) => Some(hmac::HMAC_SHA512),
        None => None,
    }
}

/// What a key may verify, and the members of its JWK that its thumbprint is made of (RFC 7638 section 3.2): sorted,
/// without white space. Base64url and names of curves need no escaping.
type Judged = Result<(&'static [Algorithm], String), String>;

fn rsa(key: &Rsa) -> Judged {
    let Rsa { n, e, .. } = key;
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    if !(2048..=8192).contains(&bits) {
        return Err(format!("its modulus has {bits} bits; 2048 to 8192 are accepted"));
    }
    let exponent = e.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    if e.len() > 4 || exponent < 3 || exponent.is_multiple_of(2) {
        return Err("its exponent is not an odd number from 3 to 2^32".to_owned());
    }
    if has_roca_fingerprint(n) {
        return Err("its modulus was made by a defective generator (ROCA, CVE-2017-15361)".to_owned());
    }
    let [e, n] = [e, n].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    let algorithms = &[
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
    ];
    Ok((algorithms, format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)))
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

fn elliptic(key: &Ec) -> Judged {
    // Each curve has its one algorithm (RFC 7518 section 3.4).
    let algorithms: &[Algorithm] = match key.curve {
        Curve::P256 => &[Algorithm::Es256],
        Curve::P384 => &[Algorithm::Es384],
        Curve::P521 => &[Algorithm::Es512],
        Curve::P224 => return Err("its curve `P-224` is not supported".to_owned()),
    };
    let (x, y) = key.coordinates();
    let [x, y] = [x, y].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    Ok((algorithms, format!(r#"{{"crv":"{}","kty":"EC","x":"{x}","y":"{y}"}}"#, key.curve.name())))
}
