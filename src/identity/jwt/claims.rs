//! What a verified payload says: the registered claims judged (RFC 7519 section 4.1), the rest mapped to a principal.

use serde_json::{Map, Value};

use super::issuer::Issuer;
use crate::identity::config::ClaimMapping;
use crate::identity::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::model::principal::{Prepared, Principal};

type Claims = Map<String, Value>;

/// The last second of the year 9999; a later NumericDate is a mistake or an attack.
const LAST_SECOND: u64 = 253_402_300_799;

/// When a token is valid, leeway included: from `from` up to but not at `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) struct Validity {
    pub(in crate::identity) from: i64,
    pub(in crate::identity) until: i64,
    /// The token's own `exp`, without leeway.
    pub(in crate::identity) expires_at: Timestamp,
}

impl Validity {
    /// # Errors
    /// [`Refusal::Expired`] or [`Refusal::NotYet`].
    pub(in crate::identity) const fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        if now.0 >= self.until {
            Err(Refusal::Expired)
        } else if now.0 < self.from {
            Err(Refusal::NotYet)
        } else {
            Ok(())
        }
    }
}

const fn wrong(name: &'static str, problem: &'static str) -> Refusal {
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
fn numeric_date(claims: &Claims, name: &'static str) -> Result<Option<i64>, Refusal> {
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

/// The claims that say when. `iat` must be a time but decides nothing: an issuer that wants a start says `nbf`.
pub(in crate::identity) fn validity(claims: &Claims, issuer: &Issuer) -> Result<Validity, Refusal> {
    let exp = numeric_date(claims, "exp")?.ok_or(wrong("exp", "is missing"))?;
    let nbf = numeric_date(claims, "nbf")?;
    numeric_date(claims, "iat")?;
    Ok(Validity {
        from: nbf.map_or(i64::MIN, |nbf| nbf.saturating_sub(issuer.leeway_nanos)),
        until: exp.saturating_add(issuer.leeway_nanos),
        expires_at: Timestamp(exp),
    })
}

/// RFC 7519 section 4.1.3: a text, or an array of texts, of which one is ours.
pub(in crate::identity) fn check_audience(claims: &Claims, issuer: &Issuer) -> Result<(), Refusal> {
    const FORM: Refusal = wrong("aud", "is not a text or a list of texts");
    let ours = |name: &str| issuer.audience.iter().any(|audience| audience == name);
    let (well_formed, matches) = match claims.get("aud") {
        None if issuer.audience.is_empty() => return Ok(()),
        None => return Err(wrong("aud", "is missing")),
        Some(Value::String(name)) => (true, ours(name)),
        Some(Value::Array(names)) => {
            (names.iter().all(Value::is_string), names.iter().filter_map(Value::as_str).any(ours))
        }
        Some(_) => (false, false),
    };
    match (well_formed, matches || issuer.audience.is_empty()) {
        (false, _) => Err(FORM),
        (true, false) => Err(Refusal::Audience),
        (true, true) => Ok(()),
    }
}

/// The principal that verified claims describe.
///
/// INVARIANT (no silent loss): an attribute of a wrong form refuses the token. A role that is dropped can be one that a
/// policy denies by.
pub(in crate::identity) fn principal(claims: Claims, issuer: &Issuer) -> Result<Principal, Refusal> {
    let ClaimMapping { id, kind, roles, scopes, permissions, tenant } = &issuer.mapping;
    let subject = match (id, claims.get("sub")) {
        (None, _) => required_text(&claims, "sub")?.to_owned(),
        (Some(_), Some(sub)) if !sub.is_string() => return Err(wrong("sub", "is not a text, or empty")),
        (Some(path), _) => text(&claims, path)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refusal::Attribute { path: path.clone(), expected: "a text that is not empty" })?,
    };
    let named =
        |mapped: &Option<String>, usual: &'static str| mapped.clone().unwrap_or_else(|| usual.to_owned());
    let scope_path = match scopes {
        Some(path) => path.clone(),
        None if claims.contains_key("scope") => "scope".to_owned(),
        None => "scp".to_owned(),
    };
    Ok(Principal {
        id: subject,
        kind: text(&claims, &named(kind, "type"))?.unwrap_or_else(|| "user".to_owned()),
        issuer: issuer.name.clone(),
        roles: texts(&claims, &named(roles, "roles"), Single::Whole)?,
        scopes: texts(&claims, &scope_path, Single::Words)?,
        permissions: texts(&claims, &named(permissions, "permissions"), Single::Whole)?,
        tenant: text(&claims, &named(tenant, "tenant"))?,
        claims,
        prepared: Prepared::default(),
    })
}

/// Finds a dotted path. A member whose own name has dots (`https://example.com/roles`) is found too, and first.
fn find<'c>(claims: &'c Claims, path: &str) -> Option<&'c Value> {
    claims.get(path).or_else(|| {
        path.match_indices('.').find_map(|(dot, _)| {
            let (head, tail) = (path.get(..dot)?, path.get(dot + 1..)?);
            find(claims.get(head)?.as_object()?, tail)
        })
    })
}

fn text(claims: &Claims, path: &str) -> Result<Option<String>, Refusal> {
    match find(claims, path) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::Attribute { path: path.to_owned(), expected: "a text" }),
    }
}

/// What one text in the place of a list means.
#[derive(Clone, Copy)]
enum Single {
    /// One element.
    Whole,
    /// Elements separated by spaces (RFC 6749 section 3.3).
    Words,
}

fn texts(claims: &Claims, path: &str, single: Single) -> Result<Vec<String>, Refusal> {
    let wrong = || Refusal::Attribute { path: path.to_owned(), expected: "a text or a list of texts" };
    match (find(claims, path), single) {
        (None | Some(Value::Null), _) => Ok(Vec::new()),
        (Some(Value::String(text)), Single::Whole) => Ok(vec![text.clone()]),
        (Some(Value::String(text)), Single::Words) => {
            Ok(text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect())
        }
        (Some(Value::Array(items)), _) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        (Some(_), _) => Err(wrong()),
    }
}
