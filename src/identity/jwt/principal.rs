//! The principal that verified claims describe.

use serde_json::Value;

use super::claim_path::{Ambiguous, ClaimPath};
use super::claims::{AMBIGUOUS, Claims, Single, checked, id_at, required_text, text, texts, unusable, wrong};
use super::mapping::Mapping;
use super::{access_token, entra};
use crate::identity::refusal::Refusal;
use crate::model::principal::{Actor, Prepared, Principal, Proof};
use crate::model::subject;

/// The principal that verified claims describe.
///
/// INVARIANT (no silent loss): an attribute of a wrong form refuses the token. A role that is dropped can be one that a
/// policy denies by.
pub(in crate::identity) fn principal(
    claims: Claims,
    issuer: &str,
    mapping: &Mapping,
    is_access_token: bool,
) -> Result<Principal, Refusal> {
    let Mapping { id, kind, roles, scopes, permissions, tenant, agent, session: _, attributes, usual_kind } =
        mapping;
    let id = subject_id(&claims, id.as_ref())?;
    let agent = agent.as_ref().map(|path| id_at(&claims, path)).transpose()?.flatten();
    let said = entra::read(&claims, &id)?;
    let kind = match text(&claims, kind)? {
        Some(given) => checked(kind, given, subject::check_kind)?,
        None if agent.as_ref() == Some(&id) => "agent".to_owned(),
        None => said.kind.unwrap_or(*usual_kind).to_owned(),
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
    let permissions = match permissions {
        Some(path) => texts(path, path.find(&claims), Single::Whole)?,
        None => usual_permissions(&claims, is_access_token)?,
    };
    let mut actors = actors(&claims)?;
    if actors.is_empty() {
        actors.extend(said.actor);
    }
    Ok(Principal {
        id,
        kind,
        issuer: issuer.to_owned(),
        method: "jwt",
        roles: texts(roles, roles.find(&claims), Single::Whole)?,
        scopes,
        permissions,
        tenant,
        agent,
        actors,
        attributes: found(&claims, attributes)?,
        claims,
        proof: Proof::Bearer,
        prepared: Prepared::default(),
    })
}

/// The attributes that the mapping names, of those that the token has; of any form.
fn found(claims: &Claims, attributes: &[(String, ClaimPath)]) -> Result<Claims, Refusal> {
    let mut found = Claims::new();
    for (name, path) in attributes {
        if let Some(value) = path.find(claims).map_err(|Ambiguous| unusable(path, AMBIGUOUS))? {
            found.insert(name.clone(), value.clone());
        }
    }
    Ok(found)
}

/// `permissions`, and the entitlements of an access token: what it may do, by another name (RFC 9068 section 2.2.3.1).
fn usual_permissions(claims: &Claims, is_access_token: bool) -> Result<Vec<String>, Refusal> {
    let mut permissions = texts(&"permissions", Ok(claims.get("permissions")), Single::Whole)?;
    for entitlement in access_token::entitlements(claims).filter(|_| is_access_token) {
        if !permissions.iter().any(|known| known == entitlement) {
            permissions.push(entitlement.to_owned());
        }
    }
    Ok(permissions)
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

/// The most actors that stand behind each other.
const MAX_ACTORS: usize = 8;

/// The actor chain (RFC 8693 section 4.1), outermost first: `act` names the current actor, and each `act` within it the one
/// before.
pub(in crate::identity) fn actors(claims: &Claims) -> Result<Vec<Actor>, Refusal> {
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
