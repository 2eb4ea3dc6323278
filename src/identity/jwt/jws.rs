//! The compact form of a signed token (RFC 7515 section 7.1), read strictly and before anything is believed.
//!
//! `jku`, `x5u`, `jwk` and `x5c` are never looked at: keys come from the issuer's configuration alone, so a header can
//! name one (`kid`) but not bring one. They are ignored, not refused, because honest issuers send them. A proof of possession is no
//! issuer's token, and its key is compared with the one that such a token names ([`crate::identity`], `dpop`).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use verdict_jose::Algorithm;

use super::strict_json;
use crate::identity::refusal::Refusal;

/// The longest token that is looked at; checked before any decoding.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// A token taken apart. Nothing in it is verified.
pub struct Jws<'t> {
    /// What is signed: header and payload, as they came.
    pub(in crate::identity) signing_input: &'t str,
    /// The signature, still encoded.
    pub(in crate::identity) signature: &'t str,
    /// The header's `alg`.
    pub(in crate::identity) algorithm: Algorithm,
    /// The header's `kid`.
    pub(in crate::identity) kid: Option<String>,
    /// The header's `typ`.
    pub(in crate::identity) typ: Option<String>,
    /// The payload, decoded.
    pub(in crate::identity) payload: Vec<u8>,
}

impl<'t> Jws<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// When it is too long, is not three parts of unpadded base64url, its header is not one strict JSON object, or the
    /// header asks for what nobody may have: `crit`, `b64`, the algorithm `none`, or an unknown one.
    pub fn parse(token: &'t str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::TooLong);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Malformed("it does not have three parts"));
        };
        match parts.count() {
            0 => {}
            2 => return Err(Refusal::Encrypted),
            _ => return Err(Refusal::Malformed("it does not have three parts")),
        }
        let header_json = header_of(header)?;
        for name in ["crit", "b64"] {
            if header_json.contains_key(name) {
                return Err(Refusal::Header(name));
            }
        }
        let text = |name, problem| match header_json.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Refusal::Malformed(problem)),
        };
        let name = text("alg", "its `alg` is not a text")?.ok_or(Refusal::Malformed("it has no `alg`"))?;
        Ok(Self {
            signing_input: token.get(..header.len() + 1 + payload.len()).unwrap_or_default(),
            signature,
            algorithm: Algorithm::by_name(&name).ok_or(Refusal::Algorithm)?,
            kid: text("kid", "its `kid` is not a text")?,
            typ: text("typ", "its `typ` is not a text")?,
            payload: BASE64_URL_SAFE_NO_PAD
                .decode(payload)
                .map_err(|_| Refusal::Malformed("its payload is not base64url"))?,
        })
    }
}

/// What kind of token a text says that it is, in its header's `typ`; `None` where it says nothing that could be read.
pub(in crate::identity) fn declared_type(text: &str) -> Option<String> {
    let (header, _) = text.split_once('.')?;
    header_of(header).ok()?.get("typ")?.as_str().map(str::to_owned)
}

/// The whole header of a token, for what brings its own key.
///
/// # Errors
/// When it is not one strict JSON object in base64url.
pub(in crate::identity) fn header(token: &str) -> Result<Map<String, Value>, Refusal> {
    header_of(token.split('.').next().unwrap_or_default())
}

/// The payload of a token, if it has the three parts of one and is not too long. Nothing of it is verified, or strict JSON yet.
pub(in crate::identity) fn payload(token: &str) -> Option<Vec<u8>> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none() && token.len() <= MAX_TOKEN_BYTES;
    BASE64_URL_SAFE_NO_PAD.decode(payload).ok().filter(|_| whole)
}

/// The header, of which there is only one reading.
fn header_of(part: &str) -> Result<Map<String, Value>, Refusal> {
    let bytes =
        BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed("its header is not base64url"))?;
    strict_json::object(&bytes).map_err(|_| Refusal::Malformed("its header is not one strict json object"))
}
