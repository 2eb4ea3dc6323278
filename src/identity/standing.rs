//! Whether a credential that verifies still counts: revocations, and whoever it names in the directory.
//!
//! INVARIANT (asked every time): a cached credential is asked about like a new one. What the directory says is in force
//! with the next call.

use std::sync::Arc;

use super::kind::{Accepted, Statement};
use super::refusal::Refusal;
use super::{aip, capability};
use crate::model::principal::{Principal, Verified};
use crate::registry::{Agent, Records, Standing, State};

/// Checks a verified credential against the directory.
///
/// # Errors
/// [`Refusal::Revoked`]; [`Refusal::UnknownAgent`] or [`Refusal::OtherOrganisation`] where it names an agent that the
/// directory does not know, or knows in another organisation.
pub(super) fn check(records: &Records, accepted: &Accepted) -> Result<(), Refusal> {
    let facts = &accepted.facts;
    if records.revocations().covers(facts) {
        return Err(Refusal::Revoked("the credential was revoked"));
    }
    // One that the directory does not know is another issuer's own affair.
    if let Some(organisation) = facts.organisation.as_deref().and_then(|id| records.organisation(id)) {
        match organisation.state {
            State::Active => {}
            State::Disabled => return Err(Refusal::Revoked("the organisation is disabled")),
            State::Revoked => return Err(Refusal::Revoked("the organisation was revoked")),
        }
    }
    // An actor that another issuer names may be nobody here; one that is somebody here counts only while it may call.
    for agent in facts.agents.iter().filter_map(|id| records.agent(id)) {
        check_agent(records, agent)?;
    }
    match &accepted.says {
        Statement::Subject(subject) => check_named(records, &subject.principal),
        Statement::Delegation(_) | Statement::Transaction(_) => Ok(()),
    }
}

/// INVARIANT (agents are provisioned): who names an agent of the directory names one that is there, in its organisation.
fn check_named(records: &Records, principal: &Principal) -> Result<(), Refusal> {
    let Some(id) = &principal.agent else { return Ok(()) };
    let Some(agent) = records.agent(id) else {
        // The word of whoever signs capabilities is good without any record, and so is that of the file that names an agent.
        let vouched = [capability::METHOD, aip::METHOD].contains(&principal.method);
        return if vouched { Ok(()) } else { Err(Refusal::UnknownAgent) };
    };
    match (&agent.organisation, &principal.tenant) {
        (Some(ours), Some(theirs)) if ours != theirs => Err(Refusal::OtherOrganisation),
        _ => Ok(()),
    }
}

fn check_agent(records: &Records, agent: &Agent) -> Result<(), Refusal> {
    match records.agent_standing(agent) {
        Standing::InForce => Ok(()),
        Standing::Disabled => Err(Refusal::Revoked("the agent is disabled")),
        Standing::Revoked => Err(Refusal::Revoked("the agent was revoked")),
    }
}

/// Puts a subject that names an agent of the directory, and no tenant, in the agent's organisation.
///
/// INVARIANT (an agent has its organisation): whoever vouches for it and says nothing of its organisation does not take it out
/// of its organisation's policy, roles and revocations.
pub(super) fn place(records: &Records, accepted: &mut Accepted) {
    let Statement::Subject(subject) = &mut accepted.says else { return };
    // One that is kept with its record has its organisation.
    let Some(principal) = Arc::get_mut(&mut subject.principal).filter(|one| one.tenant.is_none()) else {
        return;
    };
    let Some(id) = &principal.agent else { return };
    match records.agent(id) {
        Some(agent) => {
            principal.tenant.clone_from(&agent.organisation);
            accepted.facts.organisation.clone_from(&agent.organisation);
        }
        // It may be there the next time, and then has its organisation.
        None => accepted.kept &= principal.method == capability::METHOD,
    }
}

/// Adds the hard limits that the directory has for the agent that calls, whoever vouches for it.
pub(super) fn limit(records: &Records, verified: &mut Verified) {
    if let Some(agent) = verified.principal.agent.as_deref().and_then(|id| records.agent(id)) {
        verified.restrictions.limit(&Arc::clone(&agent.limits));
    }
}
