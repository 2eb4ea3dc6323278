//! What a verified payload says: the registered claims judged (RFC 7519 section 4.1), the rest mapped to a principal.

use serde_json::{Map, Value};

use super::claim_path::{Ambiguous, ClaimPath};
use super::issuer::Issuer;
use super::mapping::Mapping;
use crate::identity::kind::Validity;
use crate::identity::refusal::Refusal;
use crate::identity::subject;
use crate::model::clock::Timestamp;
use crate::model::principal::{Actor, Prepared, Principal, Proof};

type Claims = Map<String, Value>;

/// The last second of the year 9999; a later NumericDate is a mistake or an attack.
const LAST_SECOND: u64 = 253_402_300_799;

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
        from: nbf.map(|nbf| nbf.saturating_sub(issuer.leeway_nanos)),
        until: Some(exp.saturating_add(issuer.leeway_nanos)),
    })
}

/// The token's own `exp`, without leeway.
pub(in crate::identity) fn expires_at(claims: &Claims) -> Result<Option<Timestamp>, Refusal> {
    Ok(numeric_date(claims, "exp")?.map(Timestamp))
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
    let Mapping { id, kind, roles, scopes, permissions, tenant } = &issuer.mapping;
    let id = subject_id(&claims, id.as_ref())?;
    let kind = match text(&claims, kind)? {
        Some(given) => checked(kind, given, subject::check_kind)?,
        None => "user".to_owned(),
    };
    let tenant = match text(&claims, tenant)? {
        Some(given) => Some(checked(tenant, given, subject::check_tenant)?),
        None => None,
    };
    let scopes = match scopes {
        Some(path) => texts(path, path.find(&claims), Single::Words)?,
        None => {
            let usual = if claims.contains_key("scope") { "scope" } else { "scp" };
            texts(&usual, Ok(claims.get(usual)), Single::Words)?
        }
    };
    Ok(Principal {
        id,
        kind,
        issuer: issuer.name.clone(),
        method: "jwt",
        roles: texts(roles, roles.find(&claims), Single::Whole)?,
        scopes,
        permissions: texts(permissions, permissions.find(&claims), Single::Whole)?,
        tenant,
        agent: None,
        actors: actors(&claims)?,
        attributes: Map::new(),
        claims,
        proof: Proof::Bearer,
        prepared: Prepared::default(),
    })
}

/// `sub`, or what the mapping names in its place. A `sub` of a wrong form is refused either way.
fn subject_id(claims: &Claims, mapped: Option<&ClaimPath>) -> Result<String, Refusal> {
    let Some(path) = mapped else {
        let sub = required_text(claims, "sub")?;
        return subject::check_id(sub).map(|()| sub.to_owned()).map_err(|problem| wrong("sub", problem));
    };
    if claims.get("sub").is_some_and(|sub| !sub.is_string()) {
        return Err(wrong("sub", "is not a text, or empty"));
    }
    match text(claims, path)? {
        Some(id) => checked(path, id, subject::check_id),
        None => Err(unusable(path, "is missing")),
    }
}

fn checked(
    path: &ClaimPath,
    text: String,
    check: fn(&str) -> Result<(), &'static str>,
) -> Result<String, Refusal> {
    check(&text).map(|()| text).map_err(|problem| unusable(path, problem))
}

/// A claim that the mapping reads, and what is wrong with it.
fn unusable(path: &impl ToString, problem: &'static str) -> Refusal {
    Refusal::Attribute { path: path.to_string(), problem }
}

const AMBIGUOUS: &str = "is ambiguous: the token has several members that the path can mean";

fn text(claims: &Claims, path: &ClaimPath) -> Result<Option<String>, Refusal> {
    match path.find(claims) {
        Ok(None | Some(Value::Null)) => Ok(None),
        Ok(Some(Value::String(text))) => Ok(Some(text.clone())),
        Ok(Some(_)) => Err(unusable(path, "is not a text")),
        Err(Ambiguous) => Err(unusable(path, AMBIGUOUS)),
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

fn texts(
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

/// The most actors that stand behind each other.
const MAX_ACTORS: usize = 8;

/// The actor chain (RFC 8693 section 4.1), outermost first: `act` names the current actor, and each `act` within it the one
/// before.
fn actors(claims: &Claims) -> Result<Vec<Actor>, Refusal> {
    const FORM: Refusal = wrong("act", "is not an object with a text `sub`, or nests too deeply");
    let (mut actors, mut next) = (Vec::new(), claims.get("act"));
    while let Some(act) = next {
        let act = act.as_object().filter(|_| actors.len() < MAX_ACTORS).ok_or(FORM)?;
        let id = act.get("sub").and_then(Value::as_str).ok_or(FORM)?;
        subject::check_id(id).map_err(|_| FORM)?;
        let issuer = match act.get("iss") {
            None => None,
            Some(issuer) => Some(issuer.as_str().ok_or(FORM)?.to_owned()),
        };
        actors.push(Actor { id: id.to_owned(), issuer });
        next = act.get("act");
    }
    Ok(actors)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_actor_chain_is_read_outermost_first_or_refused() {
        let read = |act: Value| {
            let claims = json!({ "act": act }).as_object().cloned().unwrap();
            actors(&claims)
                .map(|actors| actors.into_iter().map(|actor| actor.id).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(actors(&Claims::new()).unwrap(), []);
        let chain = json!({ "sub": "agent-b", "iss": "https://b.example", "act": { "sub": "agent-a" } });
        assert_eq!(read(chain).unwrap(), "agent-b agent-a");
        let deep = (0..9).fold(json!({ "sub": "x" }), |inner, _| json!({ "sub": "x", "act": inner }));
        for bad in [json!("agent"), json!({}), json!({ "sub": 1 }), json!({ "sub": "" }), Value::Null, deep] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
