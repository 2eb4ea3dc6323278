//! Organisations and their members.

use super::{Change, Done, Made};
use crate::registry::actor::Right;
use crate::registry::command::{NewKey, NewMember, NewOrganisation};
use crate::registry::names::{check_id, check_name, check_subject};
use crate::registry::record::{KeyKind, Member, Organisation, State};
use crate::registry::rejection::Rejection;
use crate::registry::row::Kind;
use crate::registry::store::WriteError;

impl Change<'_> {
    pub(super) fn create_organisation(&mut self, new: &NewOrganisation) -> Result<Done, WriteError> {
        self.require(Right::Operate, None)?;
        check_name("name", new.name.as_deref())?;
        let id = match &new.id {
            None => self.new_id(Kind::Organisation, "org")?,
            Some(id) => {
                check_id("id", id)?;
                if self.look::<Organisation>(id)?.is_some() {
                    return Err(
                        Rejection::conflict(format!("there is an organisation `{id}` already")).into()
                    );
                }
                id.clone()
            }
        };
        let made = Organisation {
            id,
            name: new.name.clone(),
            state: State::Active,
            created_at: Some(self.with.now),
        };
        let mut done = self.put(None, &made, None)?;
        if new.admin_key {
            let key = NewKey { name: Some("admin".to_owned()), ..NewKey::of(KeyKind::Admin) };
            let key = self.make_key(&key, None, Some(made.id))?;
            done.made.push(Made { name: "admin_key", record: key.record, once: key.once });
        }
        Ok(done)
    }

    pub(super) fn rename_organisation(&mut self, id: &str, name: Option<&str>) -> Result<Done, WriteError> {
        let before: Organisation = self.find(id)?;
        self.require(Right::Administer, Some(id))?;
        check_name("name", name)?;
        let after = Organisation { name: name.map(str::to_owned), ..before.clone() };
        self.put(Some(&before), &after, None)
    }

    pub(super) fn set_organisation_state(&mut self, id: &str, state: State) -> Result<Done, WriteError> {
        let before: Organisation = self.find(id)?;
        self.require(Right::Operate, Some(id))?;
        check_transition("organisation", id, before.state, state)?;
        let after = Organisation { state, ..before.clone() };
        self.put(Some(&before), &after, None)
    }

    pub(super) fn delete_organisation(&mut self, id: &str) -> Result<Done, WriteError> {
        let before: Organisation = self.find(id)?;
        self.require(Right::Operate, Some(id))?;
        let owned = self.tx.owned(id, None)?;
        if let Some(row) = owned.iter().find(|row| matches!(row.kind, Kind::Agent | Kind::Key)) {
            let message = format!(
                "the organisation `{id}` still has {} `{}`; delete its agents and keys first, or revoke the organisation",
                row.kind.name(),
                row.id
            );
            return Err(Rejection::conflict(message).into());
        }
        let done = self.delete(&before)?;
        self.delete_rows(&owned)?;
        Ok(done)
    }

    pub(super) fn put_member(&mut self, new: &NewMember) -> Result<Done, WriteError> {
        let organisation = self.organisation_of(new.organisation.as_deref())?;
        self.require(Right::Administer, Some(&organisation))?;
        check_subject("issuer", &new.issuer)?;
        check_subject("subject", &new.subject)?;
        let before = self.look::<Member>(&Member::id_of(&organisation, &new.issuer, &new.subject))?;
        let after = Member {
            organisation,
            issuer: new.issuer.clone(),
            subject: new.subject.clone(),
            role: new.role,
            created_at: before.as_ref().map_or(self.with.now, |before| before.created_at),
        };
        self.put(before.as_ref(), &after, None)
    }

    pub(super) fn remove_member(
        &mut self,
        organisation: Option<&str>,
        issuer: &str,
        subject: &str,
    ) -> Result<Done, WriteError> {
        let organisation = self.organisation_of(organisation)?;
        self.require(Right::Administer, Some(&organisation))?;
        let before: Option<Member> = self.look(&Member::id_of(&organisation, issuer, subject))?;
        match before {
            Some(before) => self.delete(&before),
            None => Err(Rejection::not_found("member", subject).into()),
        }
    }

    /// The organisation that something is to belong to, which must be there and not revoked.
    pub(super) fn organisation_of(&mut self, named: Option<&str>) -> Result<String, WriteError> {
        let Some(id) = self.within(named)? else {
            return Err(Rejection::invalid("organisation", "is missing: name the organisation").into());
        };
        let organisation: Organisation = self.find(&id)?;
        if organisation.state == State::Revoked {
            return Err(Rejection::conflict(format!("the organisation `{id}` is revoked")).into());
        }
        Ok(id)
    }
}

/// Whether something may pass from one state to another.
pub(super) fn check_transition(word: &str, id: &str, from: State, to: State) -> Result<(), Rejection> {
    match (from, to) {
        (State::Revoked, State::Active | State::Disabled) => {
            Err(Rejection::conflict(format!("the {word} `{id}` is revoked for good; make another one")))
        }
        _ if from == to => Err(Rejection::conflict(format!("the {word} `{id}` is {} already", to.name()))),
        _ => Ok(()),
    }
}
