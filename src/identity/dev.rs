//! The development issuer: a key pair of its own under the state directory, so that a first run needs no identity
//! provider. Whoever can read the key file can be anyone; production must not trust it.
//!
//! INVARIANT (one key): the key file is made whole under another name and then linked to its own, which fails if it is
//! there already. Of two processes that start together one makes the key, and both use it.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};

use super::config::{ClaimMapping, IssuerConfig};
use super::key_file;
use crate::model::clock::Timestamp;
use crate::model::secret::Secret;
use crate::model::subject;
use crate::model::units::Period;

/// The `iss` of its tokens. `.invalid` belongs to nobody (RFC 2606 section 2).
pub const ISSUER: &str = "https://verdict-dev.invalid";
/// The `aud` of its tokens.
pub const AUDIENCE: &str = "verdict";

const DIRECTORY: &str = "dev-issuer";
const KEY_FILE: &str = "key.pem";
/// Claims that the issuer itself writes.
const RESERVED: [&str; 6] = ["iss", "aud", "sub", "iat", "nbf", "exp"];

/// Why there is no development issuer, or no token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The key file is there but holds no key.
    #[error(
        "`{}` is not the development issuer's key (a P-256 private key, PKCS #8 in PEM); delete it and a new one is made, which ends all tokens of the old one",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
    /// A key could not be made, or not be used.
    #[error("cannot {0} with the development issuer's key")]
    Crypto(&'static str),
    /// The request asks for what only the issuer says.
    #[error("claim `{0}` is the issuer's own and cannot be chosen")]
    Reserved(String),
    /// The subject or its type is one that is refused in every token.
    #[error("the {0} {1}")]
    Subject(&'static str, &'static str),
    /// The lifetime is zero.
    #[error("the lifetime is zero")]
    NoLifetime,
}

/// What a development token says.
#[derive(Debug, Clone, Default)]
pub struct TokenRequest {
    /// The subject (`sub`).
    pub sub: String,
    /// What the subject is (`type`); nothing means `user`.
    pub kind: Option<String>,
    /// Its roles (`roles`).
    pub roles: Vec<String>,
    /// Any other claims.
    pub claims: Map<String, Value>,
    /// How long the token is valid from now on; whole seconds, rounded up.
    pub ttl: Duration,
}

/// The development issuer, ready to mint.
pub struct DevIssuer {
    key: EncodingKey,
    kid: String,
    jwks: String,
    path: PathBuf,
}

/// The key file's name, never the key.
impl std::fmt::Debug for DevIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevIssuer").field("kid", &self.kid).field("path", &self.path).finish_non_exhaustive()
    }
}

impl DevIssuer {
    /// The issuer whose key is kept under `state_dir`; makes the directory (0700) and the key (0600) the first time.
    ///
    /// # Errors
    /// When the directory or the file cannot be made or read, or the file holds something else.
    pub fn load_or_create(state_dir: &Path) -> Result<Self, Error> {
        let directory = state_dir.join(DIRECTORY);
        private_directory(&directory)?;
        let path = directory.join(KEY_FILE);
        if !path.exists() {
            create_key(&directory, &path)?;
        }
        make_private(&path)?;
        let pem = fs::read(&path).map_err(io("read", &path))?;
        Self::from_pem(&pem, &path).ok_or(Error::Corrupt { path })
    }

    /// An issuer whose key is nowhere but in this value: for tests, and for the fixtures of policies.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn in_memory() -> Result<Self, Error> {
        let path = Path::new("memory");
        Self::from_pem(new_key()?.as_bytes(), path).ok_or(Error::Crypto("start"))
    }

    fn from_pem(pem: &[u8], path: &Path) -> Option<Self> {
        let key = EncodingKey::from_ec_pem(pem).ok()?;
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).ok()?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).ok()?;
        jwk.common.key_id = Some(kid.clone());
        let jwks = json!({ "keys": [jwk] }).to_string();
        // The verifying side must agree that this is a P-256 key, or every token would be refused later.
        let set = super::jwt::jwks::KeySet::parse(jwks.as_bytes()).ok()?;
        (set.len() == 1).then(|| Self { key, kid, jwks, path: path.to_owned() })
    }

    /// The file that holds the private key.
    pub fn key_path(&self) -> &Path {
        &self.path
    }

    /// How to trust this issuer: an entry for `identity.issuers`, with the public key in it.
    pub fn issuer_config(&self) -> IssuerConfig {
        IssuerConfig {
            issuer: ISSUER.to_owned(),
            audience: vec![AUDIENCE.to_owned()],
            algorithms: vec!["ES256".to_owned()],
            jwks: Some(self.jwks.clone()),
            claims: ClaimMapping { agent: Some("agent".to_owned()), ..ClaimMapping::default() },
            leeway: Period::secs(0),
            types: vec!["JWT".to_owned()],
            ..IssuerConfig::default()
        }
    }

    /// A token that says what `request` says, valid from `now`.
    ///
    /// # Errors
    /// When the subject or its type is refused in tokens, the lifetime zero, or a claim is the issuer's own.
    pub fn mint(&self, request: &TokenRequest, now: Timestamp) -> Result<Secret<String>, Error> {
        let TokenRequest { sub, kind, roles, claims, ttl } = request;
        subject::check_id(sub).map_err(|problem| Error::Subject("subject", problem))?;
        if let Some(kind) = kind {
            subject::check_kind(kind).map_err(|problem| Error::Subject("type", problem))?;
        }
        if ttl.is_zero() {
            return Err(Error::NoLifetime);
        }
        if let Some(name) = claims.keys().find(|name| RESERVED.contains(&name.as_str())) {
            return Err(Error::Reserved(name.clone()));
        }
        let mut payload = claims.clone();
        let issued_at = now.unix_seconds();
        let lifetime = i64::try_from(ttl.as_millis().div_ceil(1000)).unwrap_or(i64::MAX);
        let own = [
            ("iss", Value::from(ISSUER)),
            ("aud", Value::from(AUDIENCE)),
            ("sub", Value::from(sub.as_str())),
            ("iat", Value::from(issued_at)),
            ("exp", Value::from(issued_at.saturating_add(lifetime))),
        ];
        payload.extend(own.map(|(name, value)| (name.to_owned(), value)));
        if let Some(kind) = kind {
            payload.insert("type".to_owned(), Value::from(kind.as_str()));
        }
        if !roles.is_empty() {
            payload.insert("roles".to_owned(), Value::from(roles.as_slice()));
        }
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, &payload, &self.key).map(Secret::new).map_err(|_| Error::Crypto("sign"))
    }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { action, path, source }
}

fn private_directory(directory: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(io("create", directory))?;
    set_mode(directory, 0o700)
}

/// A key file that others could read is closed to them, not refused: a copied working tree loses its modes.
fn make_private(path: &Path) -> Result<(), Error> {
    set_mode(path, 0o600)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let current = fs::metadata(path).map_err(io("read", path))?.permissions().mode() & 0o777;
    if current == mode {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(io("restrict the mode of", path))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> Result<(), Error> {
    Ok(())
}

fn new_key() -> Result<String, Error> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| Error::Crypto("generate"))?;
    Ok(key_file::pem("PRIVATE KEY", pkcs8.as_ref()))
}

fn create_key(directory: &Path, path: &Path) -> Result<(), Error> {
    let pem = new_key()?;
    let draft = directory.join(format!("{KEY_FILE}.{}", uuid::Uuid::new_v4()));
    let written =
        key_file::write_private(&draft, pem.as_bytes()).and_then(|()| match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            outcome => outcome,
        });
    let outcome = written.map_err(io("create", path));
    // A draft that stays behind is only untidy; the outcome above is what matters.
    let _ = fs::remove_file(&draft);
    outcome
}
