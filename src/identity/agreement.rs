//! Several credentials of one call: all of them verify, and all of them agree, or the call is refused.
//!
//! INVARIANT (all of them): every credential that was presented has its part in the result. None is passed over.
//! INVARIANT (only narrower): what is added to a credential can only narrow what the call may do.

use std::sync::Arc;

use super::kind::{Accepted, Grant, Key, Statement, Subject};
use super::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::model::limits::Restrictions;
use crate::model::principal::{Actor, Principal, Proof, Verified};

/// What the credentials say together; none where there is none.
///
/// Two credentials agree if they name the same subject or the same agent, if one is bound to a key that the other proves
/// (RFC 7800), or if a delegation names both.
///
/// # Errors
/// [`Refusal::Disagreement`], [`Refusal::Unproven`], or why the delegation is not for this caller.
pub(super) fn agreed(accepted: &[Arc<Accepted>]) -> Result<Option<Verified>, Refusal> {
    let mut subjects: Vec<(&Accepted, &Subject)> = Vec::with_capacity(accepted.len());
    let mut grant: Option<&Grant> = None;
    for credential in accepted {
        match &credential.says {
            Statement::Subject(subject) => subjects.push((credential, subject)),
            Statement::Delegation(another) if grant.is_none() => grant = Some(another),
            Statement::Delegation(_) => return Err(Refusal::Delegation("more than one delegation")),
        }
    }
    for (credential, _) in &subjects {
        check_proof(credential, accepted)?;
    }
    let principal = match (grant, subjects.as_slice()) {
        (None, []) => return Ok(None),
        (Some(_), []) => {
            return Err(Refusal::Delegation(
                "a delegation is used with the credential of the agent that it names",
            ));
        }
        (Some(grant), subjects) => delegated(grant, subjects)?,
        (None, subjects) => one_subject(subjects)?,
    };
    Ok(Some(Verified {
        principal,
        expires_at: accepted
            .iter()
            .filter_map(|credential| credential.expires_at)
            .min_by_key(|at: &Timestamp| at.0),
        key: subjects.iter().find_map(|(credential, _)| match &credential.proves {
            Some(Key::Id(id)) => Some(Arc::from(id.as_str())),
            _ => None,
        }),
        delegation: grant.map(|grant| Arc::clone(&grant.id)),
        restrictions: restrictions(grant, &subjects),
    }))
}

/// INVARIANT (bound is proven): a credential that is bound to a key is nothing without the proof of that key.
fn check_proof(credential: &Accepted, accepted: &[Arc<Accepted>]) -> Result<(), Refusal> {
    match &credential.bound_to {
        Some(key) if !accepted.iter().any(|other| other.proves.as_ref() == Some(key)) => {
            Err(Refusal::Unproven)
        }
        _ => Ok(()),
    }
}

/// Whether two credentials speak of the same caller. Agents have one name each, whoever vouches for them.
fn is_same(one: &Principal, other: &Principal) -> bool {
    let tenants_agree = one.tenant.is_none() || other.tenant.is_none() || one.tenant == other.tenant;
    one.is_same_as(other) || (one.agent.is_some() && one.agent == other.agent && tenants_agree)
}

fn one_subject(subjects: &[(&Accepted, &Subject)]) -> Result<Arc<Principal>, Refusal> {
    let bound = subjects.iter().find(|(credential, _)| credential.bound_to.is_some());
    // What is for some operations only says most of what the call may do.
    let narrow = || subjects.iter().find(|(_, subject)| subject.scope.is_some());
    let Some((credential, subject)) = bound.or_else(narrow).or(subjects.first()) else {
        return Err(Refusal::Disagreement);
    };
    let mut principal = Arc::clone(&subject.principal);
    for (other, theirs) in subjects {
        if is_same(&subject.principal, &theirs.principal) {
            continue;
        }
        // Who holds the key that a credential is bound to acts for its subject.
        if credential.bound_to.is_none() || other.proves != credential.bound_to {
            return Err(Refusal::Disagreement);
        }
        add_actor(Arc::make_mut(&mut principal), &theirs.principal);
    }
    if credential.bound_to.is_some() {
        Arc::make_mut(&mut principal).proof = Proof::Bound;
    }
    Ok(principal)
}

fn add_actor(principal: &mut Principal, actor: &Principal) {
    let outermost = principal.actors.first();
    if outermost.is_none_or(|known| known.id != actor.id) {
        let actor = Actor { id: actor.id.clone(), issuer: Some(actor.issuer.clone()) };
        principal.actors.insert(0, actor);
    }
    if let Some(agent) = &actor.agent {
        principal.agent = Some(agent.clone());
    }
}

/// The delegation must name all of the callers: one of them is the agent that it was granted to, and the others speak for
/// that agent, or for the one on whose behalf it acts.
fn delegated(grant: &Grant, subjects: &[(&Accepted, &Subject)]) -> Result<Arc<Principal>, Refusal> {
    let is_grantee = |principal: &Principal| principal.agent.as_deref() == Some(grant.to.as_str());
    let is_granter = |principal: &Principal| principal.agent.as_deref() == Some(grant.principal.id.as_str());
    let own = |subject: &Subject| subject.principal.actors.is_empty();
    if !subjects.iter().any(|(_, subject)| is_grantee(&subject.principal) && own(subject)) {
        return Err(Refusal::Delegation("the delegation is not for this agent"));
    }
    if !subjects.iter().all(|(_, subject)| is_grantee(&subject.principal) || is_granter(&subject.principal)) {
        return Err(Refusal::Disagreement);
    }
    Ok(Arc::clone(&grant.principal))
}

fn restrictions(grant: Option<&Grant>, subjects: &[(&Accepted, &Subject)]) -> Restrictions {
    let mut all = Restrictions::default();
    for (_, subject) in subjects {
        if let Some(limits) = &subject.limits {
            all.limit(limits);
        }
        all.scopes.extend(subject.scope.clone());
    }
    if let Some(grant) = grant {
        grant.limits.iter().for_each(|limits| all.limit(limits));
        all.scopes.extend(grant.scopes.iter().cloned());
    }
    all
}
