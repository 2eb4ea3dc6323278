//! The token in `.signatures.json`: a JWS (RFC 7515) whose payload lists every file of the bundle with its digest.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::hash::{Algorithm, hex};
use super::keys::SigningKey;

/// The file that holds the token, at the top of the bundle.
pub const FILE: &str = ".signatures.json";
/// The digest of what is signed here.
const HASH: Algorithm = Algorithm::Sha256;

/// `.signatures.json`
#[derive(Deserialize)]
struct Signatures {
    #[serde(default)]
    signatures: Vec<String>,
    #[serde(default)]
    plugin: String,
}

/// The one token of a `.signatures.json`.
pub(super) fn of_file(bytes: &[u8]) -> Result<String, String> {
    let Signatures { mut signatures, plugin } =
        serde_json::from_slice(bytes).map_err(|error| format!("`{FILE}` is malformed: {error}"))?;
    // What `opa build` writes when no plugin was asked for.
    if !matches!(plugin.as_str(), "" | "_default") {
        return Err(format!(
            "`{FILE}` asks for the signing plugin `{plugin}`; there are no plugins, sign with a key"
        ));
    }
    let count = signatures.len();
    match (signatures.pop(), count) {
        (Some(token), 1) => Ok(token),
        _ => Err(format!("`{FILE}` holds {count} tokens; there must be exactly one")),
    }
}

/// Whether a `.signatures.json` says nothing at all, as an empty object does; OPA takes that for no signature.
pub(super) fn says_nothing(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Signatures>(bytes)
        .is_ok_and(|Signatures { signatures, plugin }| signatures.is_empty() && plugin.is_empty())
}

/// A token, taken apart; nothing in it can be believed before its signature has been checked.
pub(super) struct Token<'t> {
    pub(super) header: Header,
    /// What is signed.
    pub(super) message: &'t str,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// A header, as far as it matters.
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
        let wrong = |what: &str| format!("the token in `{FILE}` is no JWS: {what}");
        let parts = text.rsplit_once('.').and_then(|(message, signature)| {
            let (header, payload) = message.split_once('.')?;
            (!payload.contains('.')).then_some((message, header, payload, signature))
        });
        let (message, header, payload, signature) = parts.ok_or_else(|| wrong("it has not three parts"))?;
        let decode = |part: &str, name: &str| {
            BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| wrong(&format!("its {name} is not base64url")))
        };
        let header: Header = serde_json::from_slice(&decode(header, "header")?)
            .map_err(|error| wrong(&format!("its header is malformed: {error}")))?;
        // RFC 7515 section 4.1.11: what is critical and not understood makes it invalid.
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

/// What a token says.
#[derive(Deserialize)]
struct Payload {
    files: Vec<Entry>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    keyid: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    hash: String,
    #[serde(default)]
    algorithm: String,
}

/// What a token says of the bundle's files.
pub(super) struct Claims {
    pub(super) scope: String,
    /// By name; the digest and how it was made.
    pub(super) files: BTreeMap<String, (Algorithm, String)>,
}

/// The deprecated place for the name of the key, where the header says none. Read before the signature is checked, and
/// good for nothing but to choose among the keys that are trusted.
pub(super) fn key_id(payload: &[u8]) -> Option<String> {
    serde_json::from_slice::<Payload>(payload).ok()?.keyid.filter(|id| !id.is_empty())
}

impl Claims {
    /// Reads a payload whose signature is right.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, String> {
        let Payload { files: entries, scope, keyid: _ } = serde_json::from_slice(payload)
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
        Ok(Self { scope: scope.unwrap_or_default(), files })
    }
}

/// Signs these files, `.signatures.json` itself aside, and gives the contents of that file.
///
/// # Errors
/// A document that cannot be read as one, or claims that say what only the signer may say.
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
        return Err("there is no file to sign".to_owned());
    }
    let mut payload = claims.cloned().unwrap_or_default();
    if payload.contains_key("files") {
        return Err("the claims have `files`, which is the list of what is signed; take it out".to_owned());
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
