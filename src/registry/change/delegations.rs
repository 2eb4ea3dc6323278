//! Delegations.

use super::organisations::check_transition;
use super::{Change, Done};
use crate::model::roles::covers;
use crate::registry::actor::Right;
use crate::registry::command::NewDelegation;
use crate::registry::names::check_words;
use crate::registry::record::{Agent, Delegation, State};
use crate::registry::rejection::Rejection;
use crate::registry::row::Kind;
use crate::registry::store::WriteError;

/// The most delegations of one agent.
const MOST_DELEGATIONS: usize = 1000;

impl Change<'_> {
    pub(super) fn delegate(&mut self, new: &NewDelegation) -> Result<Done, WriteError> {
        let own = self.actor.agent().map(str::to_owned);
        let Some(from) = new.from.clone().or(own) else {
            return Err(Rejection::invalid("from", "is missing: name the agent that delegates").into());
        };
        let (giver, taker): (Agent, Agent) = (self.find(&from)?, self.find(&new.to)?);
        self.require_or_own(Right::Provision, giver.organisation.as_deref(), &from)?;
        if giver.organisation != taker.organisation {
            return Err(Rejection::invalid("to", "is an agent of another organisation").into());
        }
        if from == new.to {
            return Err(Rejection::invalid("to", "is the agent that delegates").into());
        }
        if let Some(agent) = [&giver, &taker].into_iter().find(|agent| agent.state != State::Active) {
            let message = format!("the agent `{}` is {}", agent.id, agent.state.name());
            return Err(Rejection::conflict(message).into());
        }
        check_words("scope", &new.scope)?;
        if new.scope.is_empty() {
            return Err(Rejection::invalid("scope", "is empty, and allows nothing").into());
        }
        if new.expires_at <= self.with.now {
            return Err(Rejection::invalid("expires_at", "is in the past").into());
        }
        if self.tx.owned(&from, Some(Kind::Delegation))?.len() >= MOST_DELEGATIONS {
            let message =
                format!("`{from}` has granted {MOST_DELEGATIONS} delegations; delete some that are over");
            return Err(Rejection::conflict(message).into());
        }
        if let Some(parent) = &new.parent {
            self.check_narrower(&from, new, parent)?;
        }
        let made = Delegation {
            id: self.new_id(Kind::Delegation, "dlg")?,
            organisation: giver.organisation,
            from,
            to: new.to.clone(),
            scope: new.scope.clone(),
            expires_at: new.expires_at,
            parent: new.parent.clone(),
            state: State::Active,
            created_at: Some(self.with.now),
        };
        self.put(None, &made, None)
    }

    /// INVARIANT (chains only narrow): what is passed on is no wider and no longer than what was received. There are no
    /// circles, for a delegation rests on one that was there before it.
    fn check_narrower(&mut self, from: &str, new: &NewDelegation, parent: &str) -> Result<(), WriteError> {
        let parent: Delegation = self.find(parent)?;
        if parent.to != from {
            return Err(Rejection::invalid("parent", "was granted to another agent").into());
        }
        if parent.state != State::Active {
            return Err(Rejection::invalid("parent", "is no longer valid").into());
        }
        let covered = |operation: &&String| !parent.scope.iter().any(|granted| covers(granted, operation));
        if let Some(operation) = new.scope.iter().find(covered) {
            return Err(
                Rejection::invalid("scope", format!("`{operation}` is not in that of its parent")).into()
            );
        }
        if new.expires_at > parent.expires_at {
            return Err(Rejection::invalid("expires_at", "is later than that of its parent").into());
        }
        Ok(())
    }

    fn managed_delegation(&mut self, id: &str) -> Result<Delegation, WriteError> {
        let delegation: Delegation = self.find(id)?;
        self.require_or_own(Right::Provision, delegation.organisation.as_deref(), &delegation.from)?;
        Ok(delegation)
    }

    pub(super) fn set_delegation_state(&mut self, id: &str, state: State) -> Result<Done, WriteError> {
        let before = self.managed_delegation(id)?;
        check_transition("delegation", id, before.state, state)?;
        let after = Delegation { state, ..before.clone() };
        self.put(Some(&before), &after, None)
    }

    pub(super) fn delete_delegation(&mut self, id: &str) -> Result<Done, WriteError> {
        let before = self.managed_delegation(id)?;
        self.delete(&before)
    }
}
