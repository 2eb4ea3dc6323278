//! What a command has to do to the world, or that it may not be done.

use verdict::registry::actor::{Actor, Power};
use verdict::registry::command::{Command, NewDelegation, NewKey};
use verdict::registry::record::{KeyKind, State};

use super::world::{AgentOf, DelegationOf, KeyOf, RevocationOf, World, sees};

/// A role that nobody of an organisation can have.
pub const RESERVED: &str = "verdict:operator";
/// The settings that there may be.
pub const SETTINGS: [&str; 2] = ["limit", "mode"];

/// Who commands, when, and what the new record would be called.
pub struct Call<'a> {
    pub by: &'a Actor,
    pub now: i64,
    /// The random part of the new id.
    pub fresh: &'a str,
}

impl Call<'_> {
    fn operates(&self) -> bool {
        self.by.power == Power::Operator
    }

    fn manages(&self, organisation: Option<&str>) -> bool {
        match &self.by.power {
            Power::Operator => true,
            Power::Admin(own) => organisation == Some(own),
            _ => false,
        }
    }

    fn provisions(&self, organisation: Option<&str>) -> bool {
        let bridge = matches!(&self.by.power, Power::Bridge(own) if organisation == Some(own));
        bridge || self.manages(organisation)
    }

    fn is(&self, agent: &str) -> bool {
        matches!(&self.by.power, Power::Agent { id, .. } if id == agent)
    }

    fn own(&self) -> Option<String> {
        match &self.by.power {
            Power::Operator => None,
            Power::Admin(id) | Power::Auditor(id) | Power::Bridge(id) => Some(id.clone()),
            Power::Agent { organisation, .. } => organisation.clone(),
        }
    }
}

fn passes(from: State, to: State) -> Option<State> {
    (from != to && from != State::Revoked).then_some(to)
}

fn unreserved(roles: &[String]) -> Option<()> {
    (!roles.iter().any(|role| role == RESERVED)).then_some(())
}

fn only(allowed: bool) -> Option<()> {
    allowed.then_some(())
}

impl World {
    /// The world after a command; none where it may not be done.
    pub fn after(&self, call: &Call<'_>, command: &Command) -> Option<Self> {
        let mut world = self.clone();
        match command {
            Command::CreateOrganisation(_)
            | Command::RenameOrganisation { .. }
            | Command::SetOrganisationState { .. }
            | Command::DeleteOrganisation { .. } => world.organisation_command(call, command),
            Command::CreateAgent(_)
            | Command::UpdateAgent { .. }
            | Command::SetAgentState { .. }
            | Command::DeleteAgent { .. } => world.agent_command(call, command),
            Command::CreateKey(_)
            | Command::RotateKey { .. }
            | Command::SetKeyState { .. }
            | Command::DeleteKey { .. } => world.key_command(call, command),
            Command::Delegate(_) | Command::SetDelegationState { .. } | Command::DeleteDelegation { .. } => {
                world.delegation_command(call, command)
            }
            _ => world.small_command(call, command),
        }?;
        Some(world)
    }

    /// The organisation that something new is to belong to.
    fn organisation_for(&self, call: &Call<'_>, named: Option<&String>) -> Option<String> {
        let id = named.cloned().or(call.own())?;
        only(sees(call.by, Some(&id)))?;
        only(self.organisations.get(&id)?.1 != State::Revoked)?;
        Some(id)
    }

    /// The same, where an operator who names none means all.
    fn organisation_or_all(&self, call: &Call<'_>, named: Option<&String>) -> Option<Option<String>> {
        let of = match named {
            None if call.operates() => None,
            named => Some(self.organisation_for(call, named)?),
        };
        only(call.manages(of.as_deref()))?;
        Some(of)
    }

    fn organisation_command(&mut self, call: &Call<'_>, command: &Command) -> Option<()> {
        match command {
            Command::CreateOrganisation(new) => {
                only(call.operates())?;
                let id = new.id.clone().unwrap_or_else(|| format!("org_{}", call.fresh));
                only(!self.organisations.contains_key(&id))?;
                self.organisations.insert(id, (new.name.clone(), State::Active));
            }
            Command::RenameOrganisation { id, name } => {
                only(call.manages(Some(id)))?;
                self.organisations.get_mut(id)?.0.clone_from(name);
            }
            Command::SetOrganisationState { id, state } => {
                only(call.operates())?;
                let before = self.organisations.get_mut(id)?;
                before.1 = passes(before.1, *state)?;
            }
            Command::DeleteOrganisation { id } => {
                only(call.operates())?;
                only(!self.agents.values().any(|agent| agent.organisation == *id))?;
                only(!self.keys.values().any(|key| key.organisation.as_ref() == Some(id)))?;
                self.organisations.remove(id)?;
                self.members.retain(|(of, ..), _| of != id);
                self.roles.retain(|(of, _), _| of.as_ref() != Some(id));
                self.settings.retain(|(of, _), _| of.as_ref() != Some(id));
                self.revocations.retain(|_, revocation| revocation.organisation.as_ref() != Some(id));
            }
            _ => return None,
        }
        Some(())
    }

    fn agent_command(&mut self, call: &Call<'_>, command: &Command) -> Option<()> {
        match command {
            Command::CreateAgent(new) => {
                let organisation = self.organisation_for(call, new.organisation.as_ref())?;
                only(call.provisions(Some(&organisation)))?;
                unreserved(&new.roles)?;
                let (name, roles) = (new.name.clone(), new.roles.clone());
                let made = AgentOf { organisation, name, roles, state: State::Active };
                self.agents.insert(format!("agent_{}", call.fresh), made);
            }
            Command::UpdateAgent { id, change } => {
                let agent = self.agents.get_mut(id)?;
                only(call.manages(Some(&agent.organisation)))?;
                let before = agent.clone();
                agent.name = change.name.clone().unwrap_or(agent.name.take());
                agent.roles = change.roles.clone().unwrap_or(agent.roles.clone());
                unreserved(&agent.roles)?;
                only(*agent != before)?;
            }
            Command::SetAgentState { id, state } => {
                let agent = self.agents.get_mut(id)?;
                only(call.manages(Some(&agent.organisation)))?;
                agent.state = passes(agent.state, *state)?;
            }
            Command::DeleteAgent { id } => {
                only(call.manages(Some(&self.agents.get(id)?.organisation)))?;
                self.agents.remove(id);
                self.keys.retain(|_, key| key.agent.as_ref() != Some(id));
                self.secrets.retain(|(agent, _), _| agent != id);
                self.delegations.retain(|_, delegation| delegation.from != *id);
            }
            _ => return None,
        }
        Some(())
    }

    fn may_manage(&self, call: &Call<'_>, key: &KeyOf) -> bool {
        let organisation = key.organisation.as_deref();
        let own = key.agent.as_ref().is_some_and(|agent| call.is(agent));
        own || match key.kind {
            KeyKind::Device => call.provisions(organisation),
            _ => call.manages(organisation),
        }
    }

    fn key_command(&mut self, call: &Call<'_>, command: &Command) -> Option<()> {
        match command {
            Command::CreateKey(new) => {
                let made = self.new_key(call, new)?;
                self.keys.insert(format!("key_{}", call.fresh), made);
            }
            Command::RotateKey { id, overlap } => {
                let before = self.keys.get(id)?.clone();
                only(self.may_manage(call, &before))?;
                let overlap = i64::try_from(overlap.0.as_nanos()).ok()?;
                only(overlap <= 90 * 86_400_000_000_000 && before.state == State::Active)?;
                only(before.expires_at.is_none_or(|end| call.now < end))?;
                let made = KeyOf { replaces: Some(id.clone()), ..before.clone() };
                self.keys.insert(format!("key_{}", call.fresh), made);
                let until = call.now + overlap;
                self.keys.get_mut(id)?.expires_at =
                    Some(before.expires_at.map_or(until, |end| end.min(until)));
            }
            Command::SetKeyState { id, state } => {
                let key = self.keys.get(id)?.clone();
                only(self.may_manage(call, &key))?;
                only(*state != State::Active || !matches!(call.by.power, Power::Agent { .. }))?;
                self.keys.get_mut(id)?.state = passes(key.state, *state)?;
            }
            Command::DeleteKey { id } => {
                let key = self.keys.get(id)?.clone();
                only(self.may_manage(call, &key))?;
                self.keys.remove(id);
            }
            _ => return None,
        }
        Some(())
    }

    fn new_key(&self, call: &Call<'_>, new: &NewKey) -> Option<KeyOf> {
        unreserved(&new.roles)?;
        only(new.expires_at.is_none_or(|end| end.0 > call.now))?;
        let (agent, organisation) = match new.kind {
            KeyKind::Agent | KeyKind::Device => {
                let id = new.agent.clone()?;
                let agent = self.agents.get(&id)?;
                let of = Some(agent.organisation.as_str());
                only(if new.kind == KeyKind::Device { call.provisions(of) } else { call.manages(of) })?;
                only(new.organisation.is_none() || new.organisation.as_deref() == of)?;
                only(agent.state != State::Revoked)?;
                (Some(id), Some(agent.organisation.clone()))
            }
            kind => {
                only(new.agent.is_none())?;
                if kind == KeyKind::Admin && new.organisation.is_none() && call.operates() {
                    (None, None)
                } else {
                    let of = self.organisation_for(call, new.organisation.as_ref())?;
                    only(call.manages(Some(&of)))?;
                    (None, Some(of))
                }
            }
        };
        let expires_at = new.expires_at.map(|end| end.0);
        Some(KeyOf { kind: new.kind, agent, organisation, state: State::Active, expires_at, replaces: None })
    }

    fn delegation_command(&mut self, call: &Call<'_>, command: &Command) -> Option<()> {
        match command {
            Command::Delegate(new) => {
                let made = self.new_delegation(call, new)?;
                self.delegations.insert(format!("dlg_{}", call.fresh), made);
            }
            Command::SetDelegationState { id, state } => {
                let delegation = self.delegations.get_mut(id)?;
                only(call.is(&delegation.from) || call.provisions(Some(&delegation.organisation)))?;
                delegation.state = passes(delegation.state, *state)?;
            }
            Command::DeleteDelegation { id } => {
                let delegation = self.delegations.get(id)?;
                only(call.is(&delegation.from) || call.provisions(Some(&delegation.organisation)))?;
                self.delegations.remove(id);
            }
            _ => return None,
        }
        Some(())
    }

    fn new_delegation(&self, call: &Call<'_>, new: &NewDelegation) -> Option<DelegationOf> {
        let own = match &call.by.power {
            Power::Agent { id, .. } => Some(id.clone()),
            _ => None,
        };
        let from = new.from.clone().or(own)?;
        let (giver, taker) = (self.agents.get(&from)?, self.agents.get(&new.to)?);
        only(call.is(&from) || call.provisions(Some(&giver.organisation)))?;
        only(giver.organisation == taker.organisation && from != new.to)?;
        only(giver.state == State::Active && taker.state == State::Active)?;
        only(!new.scope.is_empty() && new.expires_at.0 > call.now)?;
        if let Some(parent) = &new.parent {
            let parent = self.delegations.get(parent)?;
            only(sees(call.by, Some(&parent.organisation)))?;
            only(parent.to == from && parent.state == State::Active)?;
            only(parent.expires_at >= new.expires_at.0)?;
            let all = parent.scope.iter().any(|scope| scope == "pay:*");
            only(all || new.scope.iter().all(|scope| parent.scope.contains(scope)))?;
        }
        Some(DelegationOf {
            organisation: giver.organisation.clone(),
            from,
            to: new.to.clone(),
            scope: new.scope.clone(),
            expires_at: new.expires_at.0,
            parent: new.parent.clone(),
            state: State::Active,
        })
    }

    fn small_command(&mut self, call: &Call<'_>, command: &Command) -> Option<()> {
        match command {
            Command::PutMember(new) => {
                let of = self.organisation_for(call, new.organisation.as_ref())?;
                only(call.manages(Some(&of)))?;
                self.members.insert((of, new.issuer.clone(), new.subject.clone()), new.role);
            }
            Command::RemoveMember { organisation, issuer, subject } => {
                let of = self.organisation_for(call, organisation.as_ref())?;
                only(call.manages(Some(&of)))?;
                self.members.remove(&(of, issuer.clone(), subject.clone()))?;
            }
            Command::PutRole(new) => {
                let of = self.organisation_or_all(call, new.organisation.as_ref())?;
                only(of.is_none() || new.name != RESERVED)?;
                self.roles.insert((of, new.name.clone()), new.permissions.clone());
            }
            Command::DeleteRole { organisation, name } => {
                let of = self.organisation_or_all(call, organisation.as_ref())?;
                self.roles.remove(&(of, name.clone()))?;
            }
            Command::PutSetting(new) => {
                let of = match &new.organisation {
                    None if call.operates() => None,
                    named => Some(self.organisation_for(call, named.as_ref())?),
                };
                only(call.provisions(of.as_deref()))?;
                only(SETTINGS.contains(&new.key.as_str()))?;
                self.settings.insert((of, new.key.clone()), new.value.to_string());
            }
            Command::DeleteSetting { organisation, key } => {
                let of = self.organisation_or_all(call, organisation.as_ref())?;
                self.settings.remove(&(of, key.clone()))?;
            }
            Command::PutSecret(new) => {
                let own = match &call.by.power {
                    Power::Agent { id, .. } => Some(id.clone()),
                    _ => None,
                };
                let id = new.agent.clone().or(own)?;
                let of = self.agents.get(&id)?.organisation.clone();
                only(call.is(&id) || call.provisions(Some(&of)))?;
                self.secrets.entry((id, new.name.clone())).or_insert((of, 0)).1 += 1;
            }
            Command::DeleteSecret { agent, name } => {
                let place = (agent.clone(), name.clone());
                let (of, _) = self.secrets.get(&place)?;
                only(call.is(agent) || call.provisions(Some(of)))?;
                self.secrets.remove(&place);
            }
            Command::Revoke(new) => {
                let organisation = self.organisation_or_all(call, new.organisation.as_ref())?;
                let issued_before = new.issued_before.map(|before| before.0);
                let made = RevocationOf { organisation, named: new.named.clone(), issued_before };
                self.revocations.insert(format!("rev_{}", call.fresh), made);
            }
            Command::DeleteRevocation { id } => {
                only(call.manages(self.revocations.get(id)?.organisation.as_deref()))?;
                self.revocations.remove(id);
            }
            Command::Rewrap { .. } => only(call.operates())?,
            _ => return None,
        }
        Some(())
    }
}
