//! The token in `.signatures.json`: a JWS (RFC 7515) whose payload lists every file of the bundle with its digest.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::bound::Bound;
use super::hash::{Algorithm, hex};
use super::keys::SigningKey;
use crate::model::clock::Timestamp;

/// The file that holds the token, at the top of the bundle.
pub const FILE: &str = ".signatures.json";
/// The digest for new signatures.
const HASH: Algorithm = Algorithm::Sha256;

/// `.signatures.json`
#[derive(Deserialize)]
struct Signatures {
    #[serde(default)]
    signatures: Vec<String>,
    #[serde(default)]
    plugin: String,
}

/// The token of a `.signatures.json`, which must have exactly one.
pub(super) fn of_file(bytes: &[u8]) -> Result<String, String> {
    let Signatures { mut signatures, plugin } =
        serde_json::from_slice(bytes).map_err(|error| format!("`{FILE}` is malformed: {error}"))?;
    // `opa build` writes `_default` if no plugin is set.
    if !matches!(plugin.as_str(), "" | "_default") {
        return Err(format!(
            "`{FILE}` names the signing plugin `{plugin}`; plugins are not supported, sign with a key"
        ));
    }
    let count = signatures.len();
    match (signatures.pop(), count) {
        (Some(token), 1) => Ok(token),
        _ => Err(format!("`{FILE}` holds {count} tokens; there must be exactly one")),
    }
}

/// Whether a `.signatures.json` is empty (`{}`), which OPA treats as no signature.
pub(super) fn says_nothing(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Signatures>(bytes)
        .is_ok_and(|Signatures { signatures, plugin }| signatures.is_empty() && plugin.is_empty())
}

/// A parsed token; nothing in it is trusted before its signature has been verified.
pub(super) struct Token<'t> {
    pub(super) header: Header,
    /// The signed message.
    pub(super) message: &'t str,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// The relevant fields of a header.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    #[serde(default)]
    pub(super) kid: Option<String>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
    #[serde(default)]
    b64: Option<IgnoredAny>,
}

impl<'t> Token<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Self, String> {
        let wrong = |what: &str| format!("the token in `{FILE}` is not a JWS: {what}");
        let parts = text.rsplit_once('.').and_then(|(message, signature)| {
            let (header, payload) = message.split_once('.')?;
            (!payload.contains('.')).then_some((message, header, payload, signature))
        });
        let (message, header, payload, signature) =
            parts.ok_or_else(|| wrong("it does not have three parts"))?;
        let decode = |part: &str, name: &str| {
            BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| wrong(&format!("its {name} is not base64url")))
        };
        let header: Header = serde_json::from_slice(&decode(header, "header")?)
            .map_err(|error| wrong(&format!("its header is malformed: {error}")))?;
        // RFC 7515 section 4.1.11: an unknown critical header makes a token invalid.
        if header.crit.is_some() || header.b64.is_some() {
            return Err(wrong("its header has `crit` or `b64`, which are not supported"));
        }
        Ok(Self {
            header,
            message,
            payload: decode(payload, "payload")?,
            signature: decode(signature, "signature")?,
        })
    }
}

/// The claims of a token.
#[derive(Deserialize)]
struct Payload {
    files: Vec<Entry>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    keyid: Option<String>,
    #[serde(default)]
    bundle: Option<String>,
    #[serde(default)]
    revision: Option<String>,
    /// In seconds (RFC 7519 section 4.1.4).
    #[serde(default)]
    exp: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    hash: String,
    #[serde(default)]
    algorithm: String,
}

/// The verified claims about a bundle's files.
pub(super) struct Claims {
    pub(super) scope: String,
    /// By name; the digest and how it was made.
    pub(super) files: BTreeMap<String, (Algorithm, String)>,
    pub(super) bound: Bound,
}

/// The deprecated claim for the key's ID, if the header has none. Read before the signature is verified, and only used to
/// select one of the trusted keys.
pub(super) fn key_id(payload: &[u8]) -> Option<String> {
    serde_json::from_slice::<Payload>(payload).ok()?.keyid.filter(|id| !id.is_empty())
}

impl Claims {
    /// Parses the payload of a verified token.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, String> {
        let Payload { files: entries, scope, keyid: _, bundle, revision, exp } =
            serde_json::from_slice(payload)
                .map_err(|error| format!("the payload of the token in `{FILE}` is malformed: {error}"))?;
        let mut files = BTreeMap::new();
        for Entry { name, hash, algorithm } in entries {
            let found = Algorithm::by_name(&algorithm).ok_or_else(|| match algorithm.as_str() {
                "" => format!("the signature names no hashing algorithm for `{name}`"),
                other => format!(
                    "the signature names the hashing algorithm `{other}` for `{name}`, which is not supported"
                ),
            })?;
            let name = super::super::name::normalise(name.as_bytes())
                .map_err(|why| format!("the signature lists the file `{}`: {why}", name.escape_debug()))?;
            if files.contains_key(&name) {
                return Err(format!("the signature lists `{name}` twice"));
            }
            files.insert(name, (found, hash));
        }
        // A number that is too large for a time saturates.
        let expires = exp.map(|seconds| Timestamp::from_unix_seconds(seconds.floor() as i64));
        Ok(Self { scope: scope.unwrap_or_default(), files, bound: Bound { bundle, revision, expires } })
    }
}

/// Signs these files, except `.signatures.json` itself, and gives the contents of that file.
///
/// # Errors
/// A malformed document, or claims that are reserved for the signer.
pub fn sign<'f>(
    files: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    key: &SigningKey,
    claims: Option<&Map<String, Json>>,
    key_id: Option<&str>,
) -> Result<Vec<u8>, String> {
    let mut entries = BTreeMap::new();
    for (name, bytes) in files.into_iter().filter(|(name, _)| *name != FILE) {
        let digest =
            HASH.of_file(name, bytes).map_err(|fault| format!("`{name}` cannot be signed: {fault}"))?;
        entries.insert(
            name,
            Entry { name: name.to_owned(), hash: hex(&digest), algorithm: HASH.name().to_owned() },
        );
    }
    if entries.is_empty() {
        return Err("no files to sign".to_owned());
    }
    let mut payload = claims.cloned().unwrap_or_default();
    if payload.contains_key("files") {
        return Err("the claims must not contain `files`, the list of signed files".to_owned());
    }
    if let Some(id) = key_id {
        payload.entry("keyid").or_insert_with(|| json!(id));
    }
    payload.insert("files".to_owned(), json!(entries.into_values().collect::<Vec<_>>()));
    let mut header = Map::from_iter([("alg".to_owned(), json!(key.algorithm().name()))]);
    header.extend(key_id.map(|id| ("kid".to_owned(), json!(id))));
    let encode = |json: Map<String, Json>| BASE64_URL_SAFE_NO_PAD.encode(Json::Object(json).to_string());
    let message = format!("{}.{}", encode(header), encode(payload));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes())?);
    let file = json!({"signatures": [format!("{message}.{signature}")]});
    Ok(format!("{file:#}\n").into_bytes())
}
