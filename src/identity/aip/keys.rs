//! The keys that session tokens are signed with, and verified.
//!
//! INVARIANT (as long as a token): a key that was made verifies until the last token that it may have signed has ended.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use verdict_jose::{Algorithm, Curve, PublicKey};

use super::TYPE;
use crate::aip::SigningAlgorithm;
use crate::aip::policy::Terms;
use crate::identity::jwt::key::Key;
use crate::identity::key_file;
use crate::model::clock::Timestamp;
use crate::model::secret::Secret;

/// How long a key is published and verifies after another has taken its place: as long as a token may live.
const KEPT: Duration = Duration::from_secs(3_600);

enum Private {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// A key that signs and verifies.
pub(super) struct SigningKey {
    pub(super) kid: String,
    private: Private,
    public: Key,
    jwk: Value,
    algorithm: SigningAlgorithm,
    /// Where it was read from; none where it was made.
    file: Option<PathBuf>,
    made_at: Timestamp,
}

impl SigningKey {
    fn generate(algorithm: SigningAlgorithm, now: Timestamp) -> Result<Self, String> {
        const FAILED: &str = "a signing key cannot be made";
        let private = match algorithm {
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Private::Es256)
            }
            SigningAlgorithm::EdDsa => Ed25519KeyPair::generate().map(Private::EdDsa),
        };
        Self::new(private.map_err(|_| FAILED)?, algorithm, None, now)
    }

    fn read(path: &Path, algorithm: SigningAlgorithm, now: Timestamp) -> Result<Self, String> {
        let shown = |problem: &str| format!("`{}` {problem}", path.display());
        let text = key_file::read_pem(path).map_err(|error| shown(&format!("cannot be read: {error}")))?;
        let text = Secret::new(text);
        let body = text.expose().trim().strip_prefix("-----BEGIN PRIVATE KEY-----");
        let body = body.and_then(|body| body.strip_suffix("-----END PRIVATE KEY-----"));
        let body: String = body
            .ok_or_else(|| shown("is not a private key (PKCS #8 in PEM)"))?
            .split_ascii_whitespace()
            .collect();
        let der = BASE64_STANDARD.decode(body).map_err(|_| shown("is not valid base64"))?;
        let private = match algorithm {
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok().map(Private::Es256)
            }
            SigningAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(&der).ok().map(Private::EdDsa),
        };
        let private = private.ok_or_else(|| shown("is not a key for the policy's `signing_algorithm`"))?;
        Self::new(private, algorithm, Some(path.to_owned()), now)
    }

    fn new(
        private: Private,
        algorithm: SigningAlgorithm,
        file: Option<PathBuf>,
        made_at: Timestamp,
    ) -> Result<Self, String> {
        let b64 = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let (public, mut jwk) = match &private {
            Private::Es256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len() / 2);
                (
                    PublicKey::ec(Curve::P256, point.to_vec())?,
                    json!({ "kty": "EC", "crv": "P-256", "x": b64(x), "y": b64(y) }),
                )
            }
            Private::EdDsa(pair) => {
                let bytes = pair.public_key().as_ref();
                let key = PublicKey::ed25519(bytes).ok_or("the key has no public half")?;
                (key, json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(bytes) }))
            }
        };
        let public = Key::public(public)?;
        let kid = b64(&public.thumbprint);
        if let Some(members) = jwk.as_object_mut() {
            members.extend(
                [("kid", kid.as_str()), ("use", "sig"), ("alg", name(algorithm))]
                    .map(|(k, v)| (k.to_owned(), v.into())),
            );
        }
        Ok(Self { kid, private, public, jwk, algorithm, file, made_at })
    }

    /// Whether a policy's tokens may be signed with it.
    pub(super) fn is_of(&self, terms: &Terms) -> bool {
        self.algorithm == terms.algorithm && self.file == terms.key_file
    }

    /// Whether a signature is its own.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &str, signature: &str) -> bool {
        self.public.verifies(algorithm, message, signature)
    }

    /// A token with this payload.
    pub(super) fn sign(&self, payload: &Value) -> Option<Secret<String>> {
        let header = json!({ "alg": name(self.algorithm), "typ": TYPE, "kid": self.kid });
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(payload));
        let signature = match &self.private {
            Private::Es256(pair) => pair.sign(&SystemRandom::new(), signed.as_bytes()).ok()?,
            Private::EdDsa(pair) => pair.sign(signed.as_bytes()),
        };
        Some(Secret::new(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
    }
}

const fn name(algorithm: SigningAlgorithm) -> &'static str {
    match algorithm {
        SigningAlgorithm::Es256 => "ES256",
        SigningAlgorithm::EdDsa => "EdDSA",
    }
}

/// Every key of this process. It lives as long as the process, whatever becomes of the configuration.
#[derive(Default)]
pub(super) struct KeyRing {
    keys: ArcSwap<Vec<Arc<SigningKey>>>,
    changing: Mutex<()>,
}

impl KeyRing {
    /// The key of that name.
    pub(super) fn find(&self, kid: &str) -> Option<Arc<SigningKey>> {
        self.keys.load().iter().find(|key| key.kid == kid).cloned()
    }

    /// Whether a key may verify a policy's tokens: it is the newest of its own, or was until a token's life ago.
    pub(super) fn counts_for(&self, key: &SigningKey, terms: &Terms, now: Timestamp) -> bool {
        let keys = self.keys.load();
        let mut newer =
            keys.iter().filter(|other| other.is_of(terms)).skip_while(|other| other.kid != key.kid);
        newer.next().is_some() && newer.next().is_none_or(|successor| age(successor, now) < KEPT)
    }

    /// Reads a key file again.
    ///
    /// # Errors
    /// It is no key for this algorithm.
    pub(super) fn read(&self, terms: &Terms, now: Timestamp) -> Result<(), String> {
        let Some(path) = &terms.key_file else { return Ok(()) };
        let key = SigningKey::read(path, terms.algorithm, now)?;
        self.change(|keys| {
            // The same key again is as old as it was.
            if keys.iter().rev().find(|known| known.is_of(terms)).is_none_or(|newest| newest.kid != key.kid) {
                keys.retain(|known| known.kid != key.kid);
                keys.push(Arc::new(key));
            }
        });
        Ok(())
    }

    /// The key that a policy's tokens are signed with now: the newest of its own.
    ///
    /// # Errors
    /// None can be made.
    pub(super) fn signing(&self, terms: &Terms, now: Timestamp) -> Result<Arc<SigningKey>, String> {
        let newest = |keys: &[Arc<SigningKey>]| keys.iter().rev().find(|key| key.is_of(terms)).cloned();
        let due = |key: &SigningKey| key.file.is_none() && age(key, now) >= terms.key_rotation;
        if let Some(key) = newest(&self.keys.load()).filter(|key| !due(key)) {
            return Ok(key);
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = newest(&self.keys.load()).filter(|key| !due(key)) {
            return Ok(key);
        }
        if let Some(file) = &terms.key_file {
            return Err(format!("`{}` has not been read", file.display()));
        }
        let key = Arc::new(SigningKey::generate(terms.algorithm, now)?);
        let mut keys = self.keys.load().as_ref().clone();
        // Whoever was replaced longer ago than a token lives has signed nothing that is still valid.
        let over = terms.key_rotation.saturating_add(KEPT);
        keys.retain(|known| !known.is_of(terms) || age(known, now) < over);
        keys.push(Arc::clone(&key));
        self.keys.store(Arc::new(keys));
        Ok(key)
    }

    /// The public keys, as a JWKS (RFC 7517 section 5).
    pub(super) fn jwks(&self) -> Value {
        json!({ "keys": self.keys.load().iter().map(|key| key.jwk.clone()).collect::<Vec<_>>() })
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<SigningKey>>)) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = self.keys.load().as_ref().clone();
        change(&mut keys);
        self.keys.store(Arc::new(keys));
    }
}

fn age(key: &SigningKey, now: Timestamp) -> Duration {
    Duration::from_nanos(u64::try_from(now.0.saturating_sub(key.made_at.0)).unwrap_or(0))
}
