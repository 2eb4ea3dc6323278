//! Signs for organisations, with the key that signs now.
//!
//! INVARIANT (typed): what is signed says by its `typ` what it is, so that nothing of it can be taken for something else.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::actor::Actor;
use super::command::{Command, SigningKeyChange};
use super::row::Kind;
use super::service::Registry;
use super::signing_key::{ALGORITHM, SigningKey};
use super::store::{StoreError, StoreErrorKind, WriteError};

impl Registry {
    /// The key that signs for an organisation; its first one is made when it is needed.
    ///
    /// # Errors
    /// It cannot be made, or the database fails.
    pub(super) fn signing_key(&self, organisation: &str) -> Result<Arc<SigningKey>, WriteError> {
        if let Some(key) = self.known_signing_key(organisation) {
            return Ok(key);
        }
        let command =
            Command::SigningKey { organisation: organisation.to_owned(), change: SigningKeyChange::Create };
        let made = self.execute(&Actor::system(), &command);
        // Another process may have been faster; what it made is not here yet.
        self.catch_up()?;
        match (self.known_signing_key(organisation), made) {
            (Some(key), _) => Ok(key),
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => Err(other("the signing key that was made is gone").into()),
        }
    }

    /// The key that signs for an organisation, if there is one.
    pub(super) fn known_signing_key(&self, organisation: &str) -> Option<Arc<SigningKey>> {
        self.known().signing_keys(organisation).and_then(|keys| keys.current()).map(Arc::clone)
    }

    /// Signs claims (RFC 7515 section 7.1).
    ///
    /// # Errors
    /// The key cannot be opened: it was replaced just now, or is sealed under a master key that is not there.
    pub(super) fn sign(&self, key: &SigningKey, typ: &str, claims: &Value) -> Result<String, WriteError> {
        let header = json!({ "alg": ALGORITHM, "kid": key.id, "typ": typ });
        let [header, payload] = [&header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let message = format!("{header}.{payload}");
        let signature = self.pair(&key.id)?.sign(&SystemRandom::new(), message.as_bytes());
        let signature = signature.map_err(|_| other("the key does not sign"))?;
        Ok(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }

    fn pair(&self, kid: &str) -> Result<Arc<EcdsaKeyPair>, WriteError> {
        if let Some(pair) = self.signers.pair(kid) {
            return Ok(pair);
        }
        let sealed = self.store.sealed(Kind::SigningKey, kid)?;
        let sealed = sealed.ok_or_else(|| other("the signing key was replaced just now; try again"))?;
        let private = self.material.open_sealed(Kind::SigningKey, kid, &sealed);
        let private = private.map_err(|error| other(&error.to_string()))?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.expose());
        let pair = Arc::new(pair.map_err(|_| other("the signing key is damaged"))?);
        self.signers.keep(kid, &pair);
        Ok(pair)
    }
}

fn other(detail: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Other, detail)
}
