//! The authorities of one trust domain at one time, and the documents that they come in (the SPIFFE Trust Domain and Bundle
//! standard, section 4).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio_rustls::rustls::pki_types::CertificateDer;
use verdict_jose::Algorithm;
use x509_parser::parse_x509_certificate;

use crate::identity::jwt::jwk;
use crate::identity::jwt::jwks::KeySet;
use crate::identity::jwt::key::Key;
use crate::identity::jwt::strict_json;

/// The longest document that is read, in bytes.
pub const MAX_BUNDLE_BYTES: usize = 1 << 20;
/// The most authorities of a kind.
pub const MAX_AUTHORITIES: usize = 100;
const MAX_KEY_BYTES: usize = 16 * 1024;
/// The algorithms that may sign JWT-SVIDs (the JWT-SVID standard, section 2.1).
pub(super) const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
];

/// What a trust domain signs with. Immutable: a changed bundle is another one.
#[derive(Clone, Default)]
pub struct TrustBundle {
    /// The certificates that X.509-SVIDs chain to.
    pub x509_authorities: Arc<[CertificateDer<'static>]>,
    /// The keys that sign JWT-SVIDs.
    pub jwt_authorities: Arc<KeySet>,
    /// Its place among the bundles of its domain (`spiffe_sequence`), where it says so.
    pub sequence: Option<u64>,
    /// How often it is to be read again, where it says so.
    pub refresh_hint: Option<Duration>,
    /// What was left out of it, and why.
    pub warnings: Vec<String>,
}

impl TrustBundle {
    /// Reads a bundle document. What cannot be used is left out, with a warning; a document without keys is a bundle: its domain has
    /// revoked everything.
    ///
    /// # Errors
    /// When it is no bundle document, is longer than 1 MiB, or holds more than 100 keys, or a key of more than 16 KiB.
    pub fn parse(document: &[u8]) -> Result<Self, String> {
        let Document { keys, spiffe_sequence, spiffe_refresh_hint } = parsed(document)?;
        let (mut authorities, mut named, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
        for (index, jwk) in keys.into_iter().enumerate() {
            let mut read = || -> Result<(), String> {
                let jwk = strict_json::object(jwk.get().as_bytes())?;
                match jwk.get("use").and_then(Value::as_str) {
                    Some("x509-svid") => authorities.push(certificate(&jwk)?),
                    Some("jwt-svid") => named.push(jwt_key(jwk)?),
                    Some(_) => return Err("its `use` is neither `x509-svid` nor `jwt-svid`".to_owned()),
                    None => return Err("it has no `use`".to_owned()),
                }
                Ok(())
            };
            if let Err(reason) = read() {
                warnings.push(format!("keys[{index}] is ignored: {reason}"));
            }
        }
        Ok(Self {
            x509_authorities: authorities.into(),
            jwt_authorities: Arc::new(KeySet::of(named)),
            sequence: spiffe_sequence,
            refresh_hint: spiffe_refresh_hint.map(Duration::from_secs),
            warnings,
        })
    }

    /// Whether there is nothing that anything could be verified with.
    pub fn is_empty(&self) -> bool {
        self.x509_authorities.is_empty() && self.jwt_authorities.is_empty()
    }

    /// How many authorities there are.
    pub fn len(&self) -> usize {
        self.x509_authorities.len() + self.jwt_authorities.len()
    }

    /// Whether this certificate is one that X.509-SVIDs may chain to.
    pub fn has_authority(&self, certificate: &CertificateDer<'_>) -> bool {
        self.x509_authorities.iter().any(|known| known.as_ref() == certificate.as_ref())
    }
}

/// Makes a bundle of what the Workload API has for a trust domain: certificates, and JWKs that may lack a `use`, because all of them
/// are for JWT-SVIDs.
///
/// # Errors
/// When there are more than 100 of a kind.
pub(super) fn from_parts<'p>(
    certificates: impl ExactSizeIterator<Item = &'p [u8]>,
    jwks: impl ExactSizeIterator<Item = &'p [u8]>,
) -> Result<TrustBundle, String> {
    let longest = certificates.len().max(jwks.len());
    if longest > MAX_AUTHORITIES {
        return Err(format!("there are {longest} authorities of a kind; at most {MAX_AUTHORITIES} are read"));
    }
    let mut warnings = Vec::new();
    let mut left_out = |what: &str, reason: String| warnings.push(format!("{what} is ignored: {reason}"));
    let mut authorities = Vec::new();
    for der in certificates {
        match authority(der) {
            Ok(certificate) => authorities.push(certificate),
            Err(reason) => left_out("a certificate", reason),
        }
    }
    let mut named = Vec::new();
    for jwk in jwks {
        let read = || match strict_json::object(jwk)? {
            jwk if jwk.get("use").is_none_or(|purpose| purpose == "jwt-svid") => jwt_key(jwk),
            _ => Err("its `use` is not `jwt-svid`".to_owned()),
        };
        match read() {
            Ok(key) => named.push(key),
            Err(reason) => left_out("a jwt key", reason),
        }
    }
    Ok(TrustBundle {
        x509_authorities: authorities.into(),
        jwt_authorities: Arc::new(KeySet::of(named)),
        warnings,
        ..TrustBundle::default()
    })
}

// Members that are not known are ignored, as the standard wants.
#[derive(Deserialize)]
struct Document<'j> {
    #[serde(borrow)]
    keys: Vec<&'j RawValue>,
    spiffe_sequence: Option<u64>,
    spiffe_refresh_hint: Option<u64>,
}

fn parsed(document: &[u8]) -> Result<Document<'_>, String> {
    if document.len() > MAX_BUNDLE_BYTES {
        return Err(format!("the bundle is longer than {MAX_BUNDLE_BYTES} bytes"));
    }
    // The parser's own words may quote the document.
    let parsed: Document<'_> = serde_json::from_slice(document).map_err(|error| {
        format!(
            "not a bundle (a JSON object with an array `keys`): line {}, column {}",
            error.line(),
            error.column()
        )
    })?;
    if parsed.keys.len() > MAX_AUTHORITIES {
        return Err(format!("the bundle has {} keys; at most {MAX_AUTHORITIES} are read", parsed.keys.len()));
    }
    match parsed.keys.iter().position(|key| key.get().len() > MAX_KEY_BYTES) {
        Some(index) => Err(format!("keys[{index}] of the bundle is longer than {MAX_KEY_BYTES} bytes")),
        None => Ok(parsed),
    }
}

/// The one certificate of an authority for X.509-SVIDs (section 4.2.2): in `x5c`, in plain base64 (RFC 7517 section 4.7).
fn certificate(jwk: &Map<String, Value>) -> Result<CertificateDer<'static>, String> {
    if !matches!(jwk.get("kty").and_then(Value::as_str), Some("RSA" | "EC" | "OKP")) {
        return Err("its `kty` is not supported".to_owned());
    }
    let chain = jwk.get("x5c").and_then(Value::as_array).map(Vec::as_slice);
    let Some([Value::String(text)]) = chain else {
        return Err("its `x5c` is not one certificate".to_owned());
    };
    let der = BASE64_STANDARD.decode(text).map_err(|_| "its `x5c` is not base64")?;
    authority(&der)
}

/// A certificate that can stand at the end of a chain.
///
/// # Errors
/// When it is not one whole certificate.
fn authority(der: &[u8]) -> Result<CertificateDer<'static>, String> {
    match parse_x509_certificate(der) {
        Ok(([], certificate)) if certificate.is_ca() => Ok(CertificateDer::from(der.to_vec())),
        Ok(([], _)) => Err("it is not the certificate of an authority (`CA:TRUE`)".to_owned()),
        _ => Err("it is not one X.509 certificate".to_owned()),
    }
}

/// A key that may sign JWT-SVIDs: it has a name (section 4.2.1), and is not one of EdDSA.
fn jwt_key(mut jwk: Map<String, Value>) -> Result<Key, String> {
    // What it is for was looked at, and means the same as `sig` elsewhere.
    jwk.remove("use");
    let key = jwk::read(&jwk)?;
    if key.kid.as_deref().is_none_or(str::is_empty) {
        return Err("it has no `kid`".to_owned());
    }
    match ALGORITHMS.iter().any(|algorithm| key.may_verify(*algorithm)) {
        true => Ok(key),
        false => Err("it is of a kind that signs no JWT-SVIDs".to_owned()),
    }
}
