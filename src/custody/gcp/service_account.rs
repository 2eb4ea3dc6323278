//! The key file of a service account, and the token that it is exchanged for (RFC 7523).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::super::calls::zeroizing;
use crate::model::clock::Timestamp;
use crate::model::secret::Secret;
use crate::net::{Endpoint, UrlText};

/// What the token may be used for; what the service account may do is narrower.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// How long an assertion is good for: it is used at once.
const LIFETIME_SECS: i64 = 600;
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// A key file, as far as it is of interest.
#[derive(Deserialize)]
pub(super) struct ServiceAccount {
    client_email: String,
    private_key_id: Option<String>,
    #[serde(deserialize_with = "zeroizing")]
    private_key: Zeroizing<String>,
    token_uri: UrlText,
}

impl ServiceAccount {
    /// Reads a key file.
    ///
    /// # Errors
    /// What is wrong with it, without any of its content.
    pub(super) fn read(content: &[u8]) -> Result<Self, &'static str> {
        serde_json::from_slice(content)
            .map_err(|_| "it is not json with `client_email`, `private_key` and `token_uri`")
    }

    /// Where it is exchanged.
    ///
    /// # Errors
    /// When that is not over https, nor on this machine.
    pub(super) fn token_endpoint(&self) -> Result<Endpoint, &'static str> {
        let endpoint = Endpoint::parse(self.token_uri.expose()).ok().filter(Endpoint::is_private);
        endpoint.ok_or("its `token_uri` is not an https url")
    }

    /// What is exchanged for a token.
    ///
    /// # Errors
    /// When the private key is none.
    pub(super) fn assertion(&self, now: Timestamp) -> Result<Secret<String>, &'static str> {
        let issued = now.unix_seconds();
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.private_key_id });
        let claims = json!({
            "iss": self.client_email,
            "scope": SCOPE,
            "aud": self.token_uri.expose(),
            "iat": issued,
            "exp": issued.saturating_add(LIFETIME_SECS),
        });
        let encode = |part: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let pair =
            self.key_pair().ok_or("its `private_key` is not an rsa key in pem (`BEGIN PRIVATE KEY`)")?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| "its `private_key` does not sign")?;
        Ok(Secret::new(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
    }

    fn key_pair(&self) -> Option<RsaKeyPair> {
        let body = self.private_key.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
        let body = Zeroizing::new(body.split_ascii_whitespace().collect::<String>());
        let der = Zeroizing::new(BASE64_STANDARD.decode(body.as_bytes()).ok()?);
        RsaKeyPair::from_pkcs8(&der).ok()
    }
}
