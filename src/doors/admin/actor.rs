//! From who was authenticated to what it may do in the registry.
//!
//! INVARIANT (power is given, never taken): power comes from a key of the registry, from the operator's role, or from a member's
//! record. What is narrower than its subject (a delegation, a capability, somebody who acts for another) has none.

use std::net::IpAddr;

use crate::model::principal::{AuthContext, Principal, Verified};
use crate::registry::actor::{Actor, Power};
use crate::registry::record::MemberRole;
use crate::registry::{ISSUER, KeyKind, Records, Standing};

/// Who is calling, as the registry sees it; none where it has no power here. `organisation` is what it asks about.
pub(super) fn resolve(
    auth: &AuthContext,
    operators: &str,
    records: &Records,
    organisation: Option<&str>,
    peer: Option<IpAddr>,
) -> Option<Actor> {
    let AuthContext::Verified(verified) = auth else { return None };
    let principal = &*verified.principal;
    let (id, power) = match principal.method {
        "api_key" => (key_id(verified), of_key(verified, operators)?),
        "jwt" | "introspection" => {
            (person_id(principal), of_person(verified, operators, records, organisation)?)
        }
        _ => return None,
    };
    Some(Actor { id, power, peer })
}

/// Who acts for an agent by a delegation, as that agent; none where there is none, or it is of no agent of the registry. What the
/// delegation is for has still to be asked.
pub(super) fn delegated(auth: &AuthContext, peer: Option<IpAddr>) -> Option<Actor> {
    let AuthContext::Verified(verified) = auth else { return None };
    let (delegation, principal) = (&verified.delegation.as_deref()?.id, &*verified.principal);
    if principal.issuer != ISSUER || principal.method != "delegation" {
        return None;
    }
    let key = verified.key.as_deref().or(principal.agent.as_deref()).unwrap_or_default();
    let power = Power::Agent { organisation: principal.tenant.clone(), id: principal.id.clone() };
    Some(Actor { id: format!("{key} by {delegation}"), power, peer })
}

fn key_id(Verified { principal, key, .. }: &Verified) -> String {
    let id = key.as_deref().unwrap_or(&principal.id);
    if principal.issuer == ISSUER { id.to_owned() } else { format!("{}:{id}", principal.issuer) }
}

fn person_id(principal: &Principal) -> String {
    format!("{}#{}", principal.issuer, principal.id)
}

fn is_operator(verified: &Verified, operators: &str) -> bool {
    verified.principal.actors.is_empty() && verified.own_roles().iter().any(|role| role == operators)
}

/// INVARIANT (a role in a record is no power): keys of the registry have the power of their kind, whatever roles they name.
fn of_key(verified: &Verified, operators: &str) -> Option<Power> {
    let principal = &*verified.principal;
    if verified.delegation.is_some()
        || !verified.restrictions.scopes.is_empty()
        || !principal.actors.is_empty()
    {
        return None;
    }
    if principal.issuer != ISSUER {
        return (principal.tenant.is_none() && is_operator(verified, operators)).then_some(Power::Operator);
    }
    let kind = principal.claims.get("key").and_then(|key| key.get("kind"))?.as_str()?;
    let is = |wanted: KeyKind| kind == wanted.name();
    // Hard limits say what an agent may do elsewhere. What is its own stays its own.
    if is(KeyKind::Agent) || is(KeyKind::Device) {
        let (organisation, id) = (principal.tenant.clone(), principal.agent.clone()?);
        return Some(Power::Agent { organisation, id });
    }
    if verified.restrictions.names_operations() {
        return None;
    }
    match principal.tenant.clone() {
        None => (is(KeyKind::Admin) && is_operator(verified, operators)).then_some(Power::Operator),
        Some(organisation) if is(KeyKind::Admin) => Some(Power::Admin(organisation)),
        Some(organisation) if is(KeyKind::Bridge) => Some(Power::Bridge(organisation)),
        Some(_) => None,
    }
}

fn of_person(
    verified: &Verified,
    operators: &str,
    records: &Records,
    organisation: Option<&str>,
) -> Option<Power> {
    let principal = &*verified.principal;
    if is_operator(verified, operators) {
        return Some(Power::Operator);
    }
    let narrow = verified.restrictions.names_operations() || verified.delegation.is_some();
    if narrow || !principal.actors.is_empty() || principal.agent.is_some() {
        return None;
    }
    let organisation = principal.tenant.as_deref().or(organisation)?;
    if records.organisation_standing(organisation) != Standing::InForce {
        return None;
    }
    match records.member(organisation, &principal.issuer, &principal.id)? {
        MemberRole::Admin => Some(Power::Admin(organisation.to_owned())),
        MemberRole::Auditor => Some(Power::Auditor(organisation.to_owned())),
    }
}
