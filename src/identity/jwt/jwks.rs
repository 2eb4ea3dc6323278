//! The keys of one issuer at one time (RFC 7517 section 5).

use serde::Deserialize;
use serde_json::value::RawValue;
use verdict_jose::{Algorithm, MAX_PEM_KEYS, PublicKey};

use super::jwk;
use super::jws::Jws;
use super::key::{Key, Thumbprint};
use super::{secret, strict_json};
use crate::identity::refusal::Refusal;

/// The longest JWKS that is read, in bytes.
pub const MAX_JWKS_BYTES: usize = 1 << 20;
const MAX_KEYS: usize = 100;
const MAX_KEY_BYTES: usize = 16 * 1024;
/// A token without `kid`, or with one that several keys share, may cost this many signature checks.
const MAX_TRIALS: usize = MAX_PEM_KEYS;

/// The usable keys of an issuer. Immutable: a changed document is another `KeySet`.
#[derive(Default)]
pub struct KeySet {
    keys: Vec<Key>,
    /// Whether the keys have no names, so that a token's `kid` says nothing: those of PEM, and secrets.
    nameless: bool,
    warnings: Vec<String>,
}

impl KeySet {
    /// Reads a JWKS document. A key that cannot be used is left out, with a warning; an empty set is a set: its issuer
    /// has revoked everything.
    ///
    /// # Errors
    /// When it is not a JWKS, is longer than 1 MiB, holds more than 100 keys, or a key of more than 16 KiB.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        // Not strict about members beside `keys`: SPIFFE and others add their own.
        #[derive(Deserialize)]
        struct Document<'j> {
            #[serde(borrow)]
            keys: Vec<&'j RawValue>,
        }
        if text.len() > MAX_JWKS_BYTES {
            return Err(format!("the jwks is longer than {MAX_JWKS_BYTES} bytes"));
        }
        let document: Document<'_> = serde_json::from_slice(text).map_err(|error| {
            format!("not a jwks (a json object with an array `keys`): {}", position(&error))
        })?;
        if document.keys.len() > MAX_KEYS {
            return Err(format!("the jwks has {} keys; at most {MAX_KEYS} are read", document.keys.len()));
        }
        let mut set = Self::default();
        for (index, raw) in document.keys.iter().enumerate() {
            if raw.get().len() > MAX_KEY_BYTES {
                return Err(format!("keys[{index}] of the jwks is longer than {MAX_KEY_BYTES} bytes"));
            }
            let jwk = strict_json::object(raw.get().as_bytes()).map_err(str::to_owned);
            match jwk.and_then(|jwk| jwk::read(&jwk)) {
                Ok(key) => set.keys.push(key),
                Err(reason) => set.warnings.push(format!("keys[{index}] is ignored: {reason}")),
            }
        }
        Ok(set)
    }

    /// Keys that were read one by one.
    pub(in crate::identity) const fn of(keys: Vec<Key>) -> Self {
        Self { keys, nameless: false, warnings: Vec::new() }
    }

    /// Reads public keys in PEM (`PUBLIC KEY`), which have no names: a token's `kid` does not matter.
    ///
    /// # Errors
    /// When one of them cannot be used, or none is for any of `algorithms`.
    pub fn from_pem(text: &[u8], algorithms: &[Algorithm]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "it is not text")?;
        let keys: Result<Vec<Key>, String> =
            PublicKey::from_pem(text)?.into_iter().map(Key::public).collect();
        let keys = keys?;
        let unfit = |key: &Key| !algorithms.iter().any(|algorithm| key.may_verify(*algorithm));
        if keys.iter().any(unfit) {
            return Err("it is a key for none of the issuer's `algorithms`".to_owned());
        }
        Ok(Self { keys, nameless: true, warnings: Vec::new() })
    }

    /// Takes the secret that an issuer shares with Verdict, which has no name either.
    ///
    /// # Errors
    /// When it is too short or too long for `algorithms`, or is a key of another kind.
    pub fn from_secret(text: &[u8], algorithms: &[Algorithm]) -> Result<Self, String> {
        let keys = vec![secret::read(text, algorithms)?];
        Ok(Self { keys, nameless: true, warnings: Vec::new() })
    }

    /// How many keys can be used.
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can be used.
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Which keys were left out, and why.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(in crate::identity) fn contains(&self, thumbprint: &Thumbprint, algorithm: Algorithm) -> bool {
        self.keys.iter().any(|key| key.thumbprint == *thumbprint && key.may_verify(algorithm))
    }

    /// Checks the signature, and says which key made it. The caller has checked that the issuer may use the algorithm.
    ///
    /// # Errors
    /// [`Refusal::UnknownKey`], [`Refusal::KeyMismatch`] or [`Refusal::Signature`]. A newer set might change each of them:
    /// issuers have been known to put another key under the same `kid`.
    pub fn verify(&self, jws: &Jws<'_>) -> Result<Thumbprint, Refusal> {
        let any = self.nameless || jws.kid.is_none();
        let mut named = self.keys.iter().filter(|key| any || key.kid == jws.kid).peekable();
        if named.peek().is_none() {
            return Err(Refusal::UnknownKey);
        }
        let mut tried = false;
        for key in named.filter(|key| key.may_verify(jws.algorithm)).take(MAX_TRIALS) {
            tried = true;
            if key.verifies(jws.algorithm, jws.signing_input, jws.signature) {
                return Ok(key.thumbprint);
            }
        }
        Err(match (tried, !any || self.nameless) {
            (true, true) => Refusal::Signature,
            (false, true) => Refusal::KeyMismatch,
            // Without a `kid`, a rotated key looks like a bad signature.
            (_, false) => Refusal::UnknownKey,
        })
    }
}

/// The parser's own words may quote the document; its position is enough to find the fault.
fn position(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}
