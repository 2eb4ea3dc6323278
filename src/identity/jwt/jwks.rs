//! The keys of one issuer at one time (RFC 7517 section 5).

use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::jwk::{Key, Thumbprint};
use super::jws::Jws;
use super::strict_json;
use crate::identity::refusal::Refusal;

/// The longest JWKS that is read, in bytes.
pub const MAX_JWKS_BYTES: usize = 1 << 20;
const MAX_KEYS: usize = 100;
const MAX_KEY_BYTES: usize = 16 * 1024;
/// A token without `kid`, or with one that several keys share, may cost this many signature checks.
const MAX_TRIALS: usize = 4;

/// The usable keys of a JWKS. Immutable: a changed document is another `KeySet`.
#[derive(Default)]
pub struct KeySet {
    keys: Vec<Key>,
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
            match jwk.and_then(|jwk| Key::from_jwk(&jwk)) {
                Ok(key) => set.keys.push(key),
                Err(reason) => set.warnings.push(format!("keys[{index}] is ignored: {reason}")),
            }
        }
        Ok(set)
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
        let mut named = self.keys.iter().filter(|key| jws.kid.is_none() || key.kid == jws.kid).peekable();
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
        Err(match (tried, jws.kid.is_some()) {
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
