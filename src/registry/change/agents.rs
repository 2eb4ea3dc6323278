//! Agents.

use std::sync::Arc;

use super::organisations::check_transition;
use super::{Change, Done, Made, broken};
use crate::model::limits::HardLimits;
use crate::registry::actor::Right;
use crate::registry::command::{AgentChange, FirstKey, NewAgent};
use crate::registry::names::{check_json, check_name, check_words};
use crate::registry::record::{
    Agent, Delegation, KeyRecord, Member, OwnedRole, SecretRecord, Setting, State, Stored,
};
use crate::registry::rejection::Rejection;
use crate::registry::row::{Kind, Row};
use crate::registry::signing_key::SigningKey;
use crate::registry::store::WriteError;

impl Change<'_> {
    pub(super) fn create_agent(&mut self, new: &NewAgent) -> Result<Done, WriteError> {
        let organisation = self.organisation_of(new.organisation.as_deref())?;
        self.require(Right::Provision, Some(&organisation))?;
        let agent = Agent {
            id: self.new_id(Kind::Agent, "agent")?,
            organisation: Some(organisation),
            name: new.name.clone(),
            roles: new.roles.clone(),
            permissions: new.permissions.clone(),
            limits: Arc::new(new.limits.clone()),
            attributes: new.attributes.clone(),
            state: State::Active,
            created_at: Some(self.with.now),
        };
        self.check_agent(&agent)?;
        let mut done = self.put(None, &agent, None)?;
        if let Some(key) = new.key.as_ref().and_then(|key: &FirstKey| key.of(&agent.id)) {
            // Whoever may make the agent may make its first key: nobody else relies on the agent yet.
            let key = self.make_key(&key, Some(agent.id), agent.organisation)?;
            done.made.push(Made { name: "api_key", record: key.record, once: key.once });
        }
        Ok(done)
    }

    fn check_agent(&self, agent: &Agent) -> Result<(), WriteError> {
        check_name("name", agent.name.as_deref())?;
        self.check_roles(&agent.roles)?;
        check_words("permissions", &agent.permissions)?;
        check_limits(&agent.limits)?;
        Ok(check_json("attributes", &agent.attributes)?)
    }

    /// Roles that somebody may give.
    pub(super) fn check_roles(&self, roles: &[String]) -> Result<(), WriteError> {
        check_words("roles", roles)?;
        match roles.iter().find(|role| self.with.rules.reserved_roles.contains(role)) {
            Some(role) => Err(Rejection::forbidden(format!(
                "the role `{role}` counts for the whole server; nothing of an organisation can have it"
            ))
            .into()),
            None => Ok(()),
        }
    }

    pub(super) fn update_agent(&mut self, id: &str, change: &AgentChange) -> Result<Done, WriteError> {
        let before: Agent = self.find(id)?;
        self.require(Right::Administer, before.organisation.as_deref())?;
        let AgentChange { name, roles, permissions, limits, attributes } = change.clone();
        let mut after = before.clone();
        after.name = name.unwrap_or(after.name);
        after.roles = roles.unwrap_or(after.roles);
        after.permissions = permissions.unwrap_or(after.permissions);
        after.limits = limits.map_or(after.limits, Arc::new);
        after.attributes = attributes.unwrap_or(after.attributes);
        if after == before {
            return Err(Rejection::invalid("body", "changes nothing: name what is to be different").into());
        }
        self.check_agent(&after)?;
        self.put(Some(&before), &after, None)
    }

    pub(super) fn set_agent_state(&mut self, id: &str, state: State) -> Result<Done, WriteError> {
        let before: Agent = self.find(id)?;
        self.require(Right::Administer, before.organisation.as_deref())?;
        check_transition("agent", id, before.state, state)?;
        let after = Agent { state, ..before.clone() };
        self.put(Some(&before), &after, None)
    }

    pub(super) fn delete_agent(&mut self, id: &str) -> Result<Done, WriteError> {
        let before: Agent = self.find(id)?;
        self.require(Right::Administer, before.organisation.as_deref())?;
        let owned = self.tx.owned(id, None)?;
        let done = self.delete(&before)?;
        self.delete_rows(&owned)?;
        Ok(done)
    }

    /// Deletes what goes with something that is deleted.
    pub(super) fn delete_rows(&mut self, rows: &[Row]) -> Result<(), WriteError> {
        for row in rows {
            match row.kind {
                Kind::Key => self.delete_row::<KeyRecord>(row)?,
                Kind::Secret => self.delete_row::<SecretRecord>(row)?,
                Kind::Delegation => self.delete_row::<Delegation>(row)?,
                Kind::Member => self.delete_row::<Member>(row)?,
                Kind::Role => self.delete_row::<OwnedRole>(row)?,
                Kind::Setting => self.delete_row::<Setting>(row)?,
                Kind::Agent => self.delete_row::<Agent>(row)?,
                Kind::Revocation => self.delete_row::<crate::registry::record::RevocationRecord>(row)?,
                Kind::SigningKey => self.delete_row::<SigningKey>(row)?,
                Kind::Organisation | Kind::Event | Kind::Root => {}
            }
        }
        Ok(())
    }

    fn delete_row<T: Stored>(&mut self, row: &Row) -> Result<(), WriteError> {
        let record: T =
            serde_json::from_str(row.body.as_deref().unwrap_or_default()).map_err(|error| broken(&error))?;
        self.delete(&record).map(drop)
    }
}

/// Limits that mean something.
pub(super) fn check_limits(limits: &HardLimits) -> Result<(), Rejection> {
    let HardLimits { allowed_providers, allowed_methods, max_amount } = limits;
    check_words("limits.allowed_providers", allowed_providers.as_deref().unwrap_or_default())?;
    check_words("limits.allowed_methods", allowed_methods.as_deref().unwrap_or_default())?;
    if max_amount.as_ref().and_then(serde_json::Number::as_f64).is_some_and(|amount| amount < 0.0) {
        return Err(Rejection::invalid("limits.max_amount", "is less than 0"));
    }
    Ok(())
}
