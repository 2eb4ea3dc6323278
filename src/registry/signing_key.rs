//! The keys by which an organisation signs: what is known of them, and how one is made.
//!
//! INVARIANT (the private half is sealed or gone): it stands sealed beside its row, and only while the key signs. A key that was
//! rotated away or revoked has none any more.

use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use aws_lc_rs::{digest, encoding::EcPublicKeyUncompressedBin};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::record::{State, Stored};
use super::row::Kind;
use crate::model::clock::Timestamp;
use crate::model::secret::SecretBytes;

/// The algorithm of all of them (RFC 7518 section 3.4).
pub const ALGORITHM: &str = "ES256";

/// A public P-256 key (RFC 7518 section 6.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublicKey {
    /// Its first coordinate, in base64url.
    pub x: String,
    /// Its second coordinate, in base64url.
    pub y: String,
}

impl PublicKey {
    /// As JWK, with what it is called and for: `sig`, or `jwt-svid`.
    pub fn jwk(&self, kid: &str, purpose: &str) -> Value {
        let Self { x, y } = self;
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": purpose, "alg": ALGORITHM })
    }

    /// Its thumbprint (RFC 7638).
    fn thumbprint(&self) -> String {
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, self.x, self.y);
        BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, members.as_bytes()))
    }
}

/// A key by which an organisation signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SigningKey {
    /// Its identifier: the thumbprint of the public key (RFC 7638). It is the `kid` of what it signs.
    pub id: String,
    /// The organisation whose it is.
    pub organisation: String,
    /// How it signs: `ES256`.
    pub algorithm: String,
    /// Its public half.
    pub public_key: PublicKey,
    /// Whether what it signs counts.
    pub state: State,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ceases to be published, for a key that signs no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retires_at: Option<Timestamp>,
}

impl SigningKey {
    /// A new key of an organisation, and its private half in PKCS #8.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn generate(
        organisation: &str,
        now: Timestamp,
    ) -> Result<(Self, SecretBytes), aws_lc_rs::error::Unspecified> {
        let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref());
        let pair = pair.map_err(|_| aws_lc_rs::error::Unspecified)?;
        let point: EcPublicKeyUncompressedBin<'_> = pair.public_key().as_be_bytes()?;
        // SEC 1 section 2.3.3: 4, then both coordinates.
        let coordinates = point.as_ref().get(1..65).ok_or(aws_lc_rs::error::Unspecified)?;
        let (x, y) = coordinates.split_at(32);
        let [x, y] = [x, y].map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes));
        let public_key = PublicKey { x, y };
        let made = Self {
            id: public_key.thumbprint(),
            organisation: organisation.to_owned(),
            algorithm: ALGORITHM.to_owned(),
            public_key,
            state: State::Active,
            created_at: now,
            retires_at: None,
        };
        Ok((made, SecretBytes::new(private.as_ref().to_vec().into())))
    }

    /// Whether it signs.
    pub fn is_current(&self) -> bool {
        self.state == State::Active && self.retires_at.is_none()
    }

    /// Whether what it signed verifies.
    pub fn is_published(&self, now: Timestamp) -> bool {
        self.state == State::Active && !self.is_retired(now)
    }

    /// Whether its time is over.
    pub fn is_retired(&self, now: Timestamp) -> bool {
        self.retires_at.is_some_and(|end| end <= now)
    }
}

impl Stored for SigningKey {
    const KIND: Kind = Kind::SigningKey;
    const WORD: &'static str = "signing key";

    fn row_id(&self) -> String {
        self.id.clone()
    }

    fn organisation(&self) -> Option<&str> {
        Some(&self.organisation)
    }

    fn owner(&self) -> Option<&str> {
        Some(&self.organisation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        let now = Timestamp(7);
        let (key, private) = SigningKey::generate("acme", now).unwrap();
        let (other, _) = SigningKey::generate("acme", now).unwrap();
        assert_ne!(key.id, other.id);
        assert_eq!(key.id.len(), 43);
        assert!(key.is_current() && key.is_published(now) && !private.expose().is_empty());
        let shown = key.shown().to_string();
        assert!(!shown.contains(&BASE64_URL_SAFE_NO_PAD.encode(private.expose())), "{shown}");
        let retired = SigningKey { retires_at: Some(Timestamp(9)), ..key.clone() };
        assert!(
            !retired.is_current()
                && retired.is_published(Timestamp(8))
                && !retired.is_published(Timestamp(9))
        );
        let revoked = SigningKey { state: State::Revoked, ..key };
        assert!(!revoked.is_current() && !revoked.is_published(now));
    }

    /// The key of RFC 7515 appendix A.3, whose thumbprint others have computed, too.
    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let key = PublicKey {
            x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU".to_owned(),
            y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0".to_owned(),
        };
        assert_eq!(key.thumbprint(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    }
}
