//! What a verified payload says: the registered claims judged (RFC 7519 section 4.1), and how others are read.

use serde_json::{Map, Value};

use super::claim_path::{Ambiguous, ClaimPath};
use super::issuer::Issuer;
use crate::identity::kind::Validity;
use crate::identity::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::model::subject;

pub(in crate::identity) type Claims = Map<String, Value>;

/// The last second of the year 9999; a later NumericDate is a mistake or an attack.
const LAST_SECOND: u64 = 253_402_300_799;

pub(in crate::identity) const fn wrong(name: &'static str, problem: &'static str) -> Refusal {
    Refusal::Claim { name, problem }
}

/// A claim that must be there and be a text with something in it.
pub(in crate::identity) fn required_text<'c>(
    claims: &'c Claims,
    name: &'static str,
) -> Result<&'c str, Refusal> {
    match claims.get(name) {
        None => Err(wrong(name, "is missing")),
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(_) => Err(wrong(name, "is not a text, or empty")),
    }
}

/// RFC 7519 section 2, NumericDate: seconds since the epoch, perhaps with a fraction; here in nanoseconds.
pub(in crate::identity) fn numeric_date(claims: &Claims, name: &'static str) -> Result<Option<i64>, Refusal> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    if let Some(seconds) = value.as_u64().filter(|seconds| *seconds <= LAST_SECOND) {
        return Ok(Some(Timestamp::from_unix_seconds(i64::try_from(seconds).unwrap_or(i64::MAX)).0));
    }
    match value.as_f64() {
        Some(seconds) if !value.is_u64() && (0.0..=LAST_SECOND as f64).contains(&seconds) => {
            Ok(Some((seconds * 1e9) as i64))
        }
        Some(_) => Err(wrong(name, "is out of range")),
        None => Err(wrong(name, "is not a number")),
    }
}

/// The claims that say when. `iat` must be a time but decides nothing, unless there is a longest lifetime: an issuer that
/// wants a start says `nbf`.
pub(in crate::identity) fn validity(
    claims: &Claims,
    leeway_nanos: i64,
    max_lifetime_nanos: Option<i64>,
) -> Result<Validity, Refusal> {
    let exp = numeric_date(claims, "exp")?.ok_or(wrong("exp", "is missing"))?;
    let (nbf, iat) = (numeric_date(claims, "nbf")?, numeric_date(claims, "iat")?);
    let mut from = nbf;
    if let Some(longest) = max_lifetime_nanos {
        let iat = iat.ok_or(wrong("iat", "is missing"))?;
        if exp.saturating_sub(iat) > longest {
            return Err(wrong("exp", "is too long after `iat`"));
        }
        // A later `iat` would make the lifetime look shorter than it is.
        from = from.max(Some(iat));
    }
    Ok(Validity {
        from: from.map(|from| from.saturating_sub(leeway_nanos)),
        until: Some(exp.saturating_add(leeway_nanos)),
    })
}

/// The token's own `exp`, without leeway.
pub(in crate::identity) fn expires_at(claims: &Claims) -> Result<Option<Timestamp>, Refusal> {
    Ok(numeric_date(claims, "exp")?.map(Timestamp))
}

/// RFC 7519 section 4.1.3: a text, or an array of texts, of which one is ours.
/// Without any of ours, every audience will do.
pub(in crate::identity) fn check_audience(claims: &Claims, audience: &[String]) -> Result<(), Refusal> {
    const FORM: Refusal = wrong("aud", "is not a text or a list of texts");
    let ours = |name: &str| audience.iter().any(|ours| ours == name);
    let (well_formed, matches) = match claims.get("aud") {
        None if audience.is_empty() => return Ok(()),
        None => return Err(wrong("aud", "is missing")),
        Some(Value::String(name)) => (true, ours(name)),
        Some(Value::Array(names)) => {
            (names.iter().all(Value::is_string), names.iter().filter_map(Value::as_str).any(ours))
        }
        Some(_) => (false, false),
    };
    match (well_formed, matches || audience.is_empty()) {
        (false, _) => Err(FORM),
        (true, false) => Err(Refusal::Audience),
        (true, true) => Ok(()),
    }
}

pub(super) fn checked(
    path: &ClaimPath,
    text: String,
    check: fn(&str) -> Result<(), &'static str>,
) -> Result<String, Refusal> {
    check(&text).map(|()| text).map_err(|problem| unusable(path, problem))
}

/// The id at a path, if there is one: of an agent, a session, a tenant.
pub(super) fn id_at(claims: &Claims, path: &ClaimPath) -> Result<Option<String>, Refusal> {
    text(claims, path)?.map(|id| checked(path, id, subject::check_id)).transpose()
}

/// A claim that the mapping reads, and what is wrong with it.
pub(super) fn unusable(path: &impl ToString, problem: &'static str) -> Refusal {
    Refusal::Attribute { path: path.to_string(), problem }
}

pub(super) const AMBIGUOUS: &str = "is ambiguous: the token has several members that the path can mean";

pub(super) fn text(claims: &Claims, path: &ClaimPath) -> Result<Option<String>, Refusal> {
    match path.find(claims) {
        Ok(None | Some(Value::Null)) => Ok(None),
        Ok(Some(Value::String(text))) => Ok(Some(text.clone())),
        Ok(Some(_)) => Err(unusable(path, "is not a text")),
        Err(Ambiguous) => Err(unusable(path, AMBIGUOUS)),
    }
}

/// Claims that every token of the issuer must have, and not as null.
pub(super) fn check_required(claims: &Claims, issuer: &Issuer) -> Result<(), Refusal> {
    issuer.required_claims.iter().try_for_each(|path| match path.find(claims) {
        Ok(None | Some(Value::Null)) => Err(unusable(path, "is missing")),
        Ok(Some(_)) => Ok(()),
        Err(Ambiguous) => Err(unusable(path, AMBIGUOUS)),
    })
}

/// What one text in the place of a list means.
#[derive(Clone, Copy)]
pub(in crate::identity) enum Single {
    /// One element.
    Whole,
    /// Elements separated by spaces (RFC 6749 section 3.3).
    Words,
}

pub(in crate::identity) fn texts(
    path: &impl ToString,
    found: Result<Option<&Value>, Ambiguous>,
    single: Single,
) -> Result<Vec<String>, Refusal> {
    let form = || unusable(path, "is not a text or a list of texts");
    match (found.map_err(|Ambiguous| unusable(path, AMBIGUOUS))?, single) {
        (None | Some(Value::Null), _) => Ok(Vec::new()),
        (Some(Value::String(text)), Single::Whole) => Ok(vec![text.clone()]),
        (Some(Value::String(text)), Single::Words) => {
            Ok(text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect())
        }
        (Some(Value::Array(items)), _) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(form)).collect()
        }
        (Some(_), _) => Err(form()),
    }
}
