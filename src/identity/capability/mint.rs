//! Makes keys and tokens: for the command line, offline. Nothing that answers calls has a signing key.

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::TYPE;
use crate::identity::key_file;
use crate::model::clock::Timestamp;
use crate::model::principal::{Actor, ActorChain};
use crate::model::secret::Secret;
use crate::model::subject;

/// Why there is no key, or no token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is no signing key.
    #[error("`{0}` {1}; make one with `verdict capability keygen`")]
    NotAKey(String, &'static str),
    /// The library failed.
    #[error("cannot {0} an Ed25519 key")]
    Crypto(&'static str),
    /// Something that no token can say.
    #[error("the {0} {1}")]
    Wrong(&'static str, &'static str),
}

/// What a capability says.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who mints it (`iss`).
    pub issuer: String,
    /// Whom it is for (`aud`).
    pub audience: String,
    /// The agent (`sub`).
    pub agent: String,
    /// The operations that it is for (`scope`); none where it is for all that the agent may do.
    pub scope: Option<Vec<String>>,
    /// Permissions that it gives (`permissions`).
    pub permissions: Vec<String>,
    /// The agent's organisation (`org`).
    pub organisation: Option<String>,
    /// Who acts for the agent, the current actor first (`act`).
    pub actors: Vec<String>,
    /// The API key that must be presented with it (`cnf.kid`).
    pub bound_to: Option<String>,
    /// How long it is valid from now on; whole seconds, rounded up.
    pub ttl: Duration,
}

/// A key pair that signs capabilities.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    kid: String,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// When the library fails.
    pub fn generate() -> Result<Self, Error> {
        Self::of(Ed25519KeyPair::generate().map_err(|_| Error::Crypto("generate"))?)
    }

    /// Writes the private key to a new file that only its owner can read: PKCS #8 in PEM, as OpenSSL reads it.
    ///
    /// # Errors
    /// When the file is there already, or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let der = self.pair.to_pkcs8v1().map_err(|_| Error::Crypto("encode"))?;
        let pem = Secret::new(key_file::pem("PRIVATE KEY", der.as_ref()));
        let failed = |source| Error::Io { action: "create", path: path.display().to_string(), source };
        key_file::write_private(path, pem.expose().as_bytes()).map_err(failed)
    }

    /// Reads a file that [`SigningKey::write`] or OpenSSL has written.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let shown = || path.display().to_string();
        let text = key_file::read_pem(path).map_err(|error| Error::Io {
            action: "read",
            path: shown(),
            source: std::io::Error::other(error),
        })?;
        let text = Secret::new(text);
        let body = text.expose().trim().strip_prefix("-----BEGIN PRIVATE KEY-----");
        let body = body.and_then(|body| body.strip_suffix("-----END PRIVATE KEY-----"));
        let body = body.ok_or_else(|| Error::NotAKey(shown(), "is not a private key in PEM"))?;
        let body: String = body.split_ascii_whitespace().collect();
        let der = BASE64_STANDARD.decode(body).map_err(|_| Error::NotAKey(shown(), "is not valid base64"))?;
        let pair = Ed25519KeyPair::from_pkcs8(&der);
        Self::of(pair.map_err(|_| Error::NotAKey(shown(), "is not an Ed25519 private key"))?)
    }

    fn of(pair: Ed25519KeyPair) -> Result<Self, Error> {
        // The thumbprint of RFC 7638: the same name wherever the key is read.
        let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let kid = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, members.as_bytes()));
        Ok(Self { pair, kid })
    }

    /// What tokens call the key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key in PEM, for `identity.capabilities.keys`.
    ///
    /// # Errors
    /// When the library fails.
    pub fn public_pem(&self) -> Result<String, Error> {
        let der = self.pair.public_key().as_der().map_err(|_| Error::Crypto("encode"))?;
        Ok(key_file::pem("PUBLIC KEY", der.as_ref()))
    }

    /// A token that says what `request` says, valid from `now`; `kid` is its name for the key.
    ///
    /// # Errors
    /// What no server would accept.
    pub fn mint(&self, request: &Request, kid: &str, now: Timestamp) -> Result<Secret<String>, Error> {
        let payload = claims(request, now)?;
        let header = json!({ "alg": "EdDSA", "typ": TYPE, "kid": kid });
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&Value::Object(payload)));
        let signature = self.pair.sign(signed.as_bytes());
        Ok(Secret::new(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
    }
}

fn claims(request: &Request, now: Timestamp) -> Result<Map<String, Value>, Error> {
    let Request { issuer, audience, agent, scope, permissions, organisation, actors, bound_to, ttl } =
        request;
    let check = |what, check: fn(&str) -> Result<(), &'static str>, text: &str| {
        check(text).map_err(|problem| Error::Wrong(what, problem))
    };
    check("issuer", subject::check_id, issuer)?;
    check("audience", subject::check_id, audience)?;
    check("agent", subject::check_id, agent)?;
    organisation.iter().try_for_each(|org| check("organisation", subject::check_tenant, org))?;
    actors.iter().try_for_each(|actor| check("actor", subject::check_id, actor))?;
    bound_to.iter().try_for_each(|key| check("key", subject::check_id, key))?;
    if ttl.is_zero() {
        return Err(Error::Wrong("lifetime", "is zero"));
    }
    let words = scope.iter().flatten();
    if words.clone().any(|word| word.is_empty() || word.contains(char::is_whitespace)) {
        return Err(Error::Wrong("scope", "is empty, or has white space in one operation"));
    }
    let issued_at = now.unix_seconds();
    let lifetime = i64::try_from(ttl.as_millis().div_ceil(1000)).unwrap_or(i64::MAX);
    let mut claims = Map::new();
    let mut say = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    say("iss", issuer.as_str().into());
    say("aud", audience.as_str().into());
    say("sub", agent.as_str().into());
    say("iat", issued_at.into());
    say("exp", issued_at.saturating_add(lifetime).into());
    say("jti", uuid::Uuid::new_v4().to_string().into());
    if scope.is_some() {
        say("scope", words.map(String::as_str).collect::<Vec<_>>().join(" ").into());
    }
    if !permissions.is_empty() {
        say("permissions", permissions.as_slice().into());
    }
    if let Some(organisation) = organisation {
        say("org", organisation.as_str().into());
    }
    if !actors.is_empty() {
        let actors: Vec<Actor> = actors.iter().map(|id| Actor { id: id.clone(), issuer: None }).collect();
        say("act", serde_json::to_value(ActorChain(&actors)).unwrap_or_default());
    }
    if let Some(key) = bound_to {
        say("cnf", json!({ "kid": key }));
    }
    Ok(claims)
}
