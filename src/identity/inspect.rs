//! What a credential says by its form alone: for people who wonder why it is refused. Nothing of it is verified here.
//!
//! INVARIANT (never the signature): what is returned can be shown to whoever has the credential's contents to see; the part
//! that makes it worth stealing is left out.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use verdict_jose::Algorithm;

use super::api_key::text as key_text;
use super::candidate::MAX_CREDENTIAL_BYTES;
use super::capability;
use super::jwt::claims::numeric_date;
use super::jwt::issuer::media_type;
use super::jwt::strict_json;
use super::jwt::token_type::{TRANSACTION, other_purpose};
use crate::model::clock::Timestamp;

/// What a text looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A JSON Web Token.
    Jwt,
    /// A JSON Web Token behind a prefix, e.g. `relay_jwt_`.
    PrefixedJwt(String),
    /// A capability token.
    Capability,
    /// An encrypted token (RFC 7516).
    Encrypted,
    /// An API key of the kind that Verdict makes, with how it begins.
    ApiKey(String),
    /// Something without the parts of a token.
    Opaque,
    /// No credential.
    Nothing,
}

/// Something to know about a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is refused for that, whatever the configuration says.
    pub refused: bool,
    /// What it is.
    pub text: String,
}

/// What a credential says.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// What it looks like.
    pub form: Form,
    /// Its header, as far as it can be read.
    pub header: Option<Map<String, Value>>,
    /// Its claims, likewise.
    pub claims: Option<Map<String, Value>>,
    /// The claims that are times, in the order in which they come.
    pub times: Vec<(&'static str, Timestamp)>,
    /// What there is to know.
    pub findings: Vec<Finding>,
}

impl Inspected {
    fn refuse(&mut self, text: impl Into<String>) {
        self.findings.push(Finding { refused: true, text: text.into() });
    }

    fn remark(&mut self, text: impl Into<String>) {
        self.findings.push(Finding { refused: false, text: text.into() });
    }
}

/// Reads a credential at the time `now`, by which it is said to be expired.
pub fn inspect(text: &str, now: Timestamp) -> Inspected {
    let mut seen =
        Inspected { form: Form::Opaque, header: None, claims: None, times: Vec::new(), findings: Vec::new() };
    if text.len() > MAX_CREDENTIAL_BYTES {
        seen.refuse(format!("it is longer than {MAX_CREDENTIAL_BYTES} bytes"));
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        seen.form = Form::Nothing;
        seen.refuse("it is empty, or has characters that no credential has");
        return seen;
    }
    let parts: Vec<&str> = text.splitn(6, '.').collect();
    match parts.as_slice() {
        [_] => opaque(&mut seen, text),
        [header, payload, signature] => token(&mut seen, header, payload, signature, now),
        [header, _, _, _, _] => {
            seen.form = Form::Encrypted;
            seen.header = decode(header).and_then(|bytes| serde_json::from_slice(&bytes).ok());
            seen.refuse("it is encrypted, and nothing here decrypts tokens");
        }
        _ => {
            seen.form = Form::Nothing;
            seen.refuse("it does not have the three parts of a signed token");
        }
    }
    seen
}

fn opaque(seen: &mut Inspected, text: &str) {
    let kind = key_text::form(text);
    if kind == key_text::Form::Other {
        return;
    }
    seen.form = Form::ApiKey(key_text::prefix(text).to_owned());
    match kind {
        key_text::Form::Mistyped => seen.refuse("its checksum is wrong: it is mistyped, or cut off"),
        _ => seen.remark("its checksum is right, which says nothing of whether anybody knows it"),
    }
}

fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()
}

fn token(seen: &mut Inspected, first: &str, payload: &str, signature: &str, now: Timestamp) {
    // Every header begins with `{"`, whose encoding begins with `ey`.
    let begin = match decode(first).filter(|bytes| bytes.starts_with(b"{")) {
        Some(_) => 0,
        None => first.find("eyJ").unwrap_or(0),
    };
    let (prefix, header) = first.split_at(begin);
    seen.form = match prefix {
        "" => Form::Jwt,
        prefix => Form::PrefixedJwt(prefix.to_owned()),
    };
    seen.header = object(seen, header, "header");
    seen.claims = object(seen, payload, "payload");
    if signature.is_empty() {
        seen.refuse("it is not signed");
    } else if decode(signature).is_none() || signature.contains('=') {
        seen.refuse("its signature is not base64url without padding");
    }
    if let Some(header) = seen.header.clone() {
        judge_header(seen, &header);
    } else {
        seen.form = Form::Nothing;
    }
    if let Some(claims) = seen.claims.clone() {
        judge_claims(seen, &claims, now);
    }
}

/// An object in base64url, read as leniently as it can be; what a verifier would not read is found.
fn object(seen: &mut Inspected, part: &str, what: &str) -> Option<Map<String, Value>> {
    let Some(bytes) = decode(part) else {
        seen.refuse(format!("its {what} is not base64url"));
        return None;
    };
    if part.contains('=') {
        seen.refuse(format!("its {what} is padded"));
    }
    match strict_json::object(&bytes) {
        Ok(object) => Some(object),
        Err(problem) => {
            seen.refuse(format!("its {what} is not one strict json object: {problem}"));
            serde_json::from_slice(&bytes).ok()
        }
    }
}

fn judge_header(seen: &mut Inspected, header: &Map<String, Value>) {
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    if text("typ").is_some_and(|typ| media_type(typ) == capability::TYPE) && seen.form == Form::Jwt {
        seen.form = Form::Capability;
    }
    let typ = text("typ").map(media_type).unwrap_or_default();
    match other_purpose(&typ) {
        Some(purpose) if typ == TRANSACTION => {
            seen.remark(format!("its type `{typ}` says that it is {purpose}"))
        }
        Some(purpose) => seen.refuse(format!("its type `{typ}` says that it is {purpose}")),
        None => {}
    }
    let algorithm = text("alg").map(|name| (name, Algorithm::by_name(name)));
    match algorithm {
        None => seen.refuse("its header has no `alg`"),
        Some((name, None)) => seen.refuse(format!("its algorithm `{name}` is not accepted from anybody")),
        Some((name, Some(known))) if seen.form == Form::Capability && known != Algorithm::EdDsa => {
            seen.refuse(format!("its algorithm is `{name}`, and capabilities are signed with EdDSA"));
        }
        Some((name, Some(known))) if known.is_shared() => seen.remark(format!(
            "`{name}` is symmetric: it is accepted only from an issuer with `secret_env` or `secret_file`"
        )),
        Some(_) => {}
    }
    for name in ["crit", "b64"] {
        if header.contains_key(name) {
            seen.refuse(format!("its header has `{name}`, which is not supported"));
        }
    }
    for name in ["jwk", "jku", "x5u", "x5c"] {
        if header.contains_key(name) {
            seen.remark(format!(
                "its header has `{name}`, which is ignored: keys come from the configuration"
            ));
        }
    }
    if seen.form == Form::Capability && text("kid").is_none() {
        seen.refuse("its header has no `kid`, which a capability needs");
    }
}

fn judge_claims(seen: &mut Inspected, claims: &Map<String, Value>, now: Timestamp) {
    for name in ["iat", "auth_time", "nbf", "exp"] {
        match numeric_date(claims, name) {
            Ok(Some(nanos)) => seen.times.push((name, Timestamp(nanos))),
            Ok(None) => {}
            Err(refusal) => seen.refuse(refusal.to_string()),
        }
    }
    let needed: &[&str] = match seen.form {
        Form::Capability => &["exp", "iss", "sub", "aud", "iat", "jti"],
        _ => &["exp"],
    };
    for name in needed.iter().filter(|name| !claims.contains_key(**name)) {
        seen.refuse(format!("claim `{name}` is missing"));
    }
    if seen.form == Form::Jwt {
        for (name, unless) in [
            ("iss", "only an issuer with a `prefix`, or a SPIFFE trust domain, may leave it out"),
            ("sub", "it is refused unless `claims.id` names another claim"),
            ("aud", "it is refused unless its issuer has no `audience`"),
        ] {
            if !claims.contains_key(name) {
                seen.remark(format!("claim `{name}` is missing; {unless}"));
            }
        }
    }
    let at = |name: &str| seen.times.iter().find(|(known, _)| *known == name).map(|(_, at)| *at);
    let (begins, ends) = (at("nbf"), at("exp"));
    if ends.is_some_and(|ends| ends <= now) {
        seen.remark("it has expired, unless the clocks differ by less than its issuer's `leeway`");
    }
    if begins.is_some_and(|begins| begins > now) {
        seen.remark("it is not valid yet, unless the clocks differ by less than its issuer's `leeway`");
    }
    if claims.contains_key("cnf") {
        seen.remark("it is bound to a key (`cnf`): alone it is refused");
    }
}
