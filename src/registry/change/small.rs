//! Roles, secrets, settings, revocations, and what is sealed.

use serde_json::json;

use super::{Change, Done, unsealed};
use crate::model::subject;
use crate::registry::actor::{Power, Right};
use crate::registry::command::{NewRevocation, NewRole, NewSecret, NewSetting};
use crate::registry::names::{check_json, check_name, check_word, check_words};
use crate::registry::record::{Agent, OwnedRole, RevocationRecord, SecretRecord, Setting};
use crate::registry::rejection::Rejection;
use crate::registry::revocations::{Named, Revocation};
use crate::registry::row::Kind;
use crate::registry::store::WriteError;

/// The largest secret, in bytes.
const MAX_SECRET: usize = 64 * 1024;
/// The most secrets of one agent.
const MOST_SECRETS: usize = 1000;
/// How many rows are sealed anew in one transaction.
const BATCH: u32 = 500;

impl Change<'_> {
    /// What belongs to an organisation, or, for an operator who names none, to all.
    fn organisation_or_all(&mut self, named: Option<&str>) -> Result<Option<String>, WriteError> {
        if named.is_none() && self.actor.power == Power::Operator {
            return Ok(None);
        }
        self.organisation_of(named).map(Some)
    }

    pub(super) fn put_role(&mut self, new: &NewRole) -> Result<Done, WriteError> {
        let organisation = self.organisation_or_all(new.organisation.as_deref())?;
        self.require(Right::Administer, organisation.as_deref())?;
        check_word("name", &new.name)?;
        if organisation.is_some() {
            self.check_roles(std::slice::from_ref(&new.name))?;
        }
        check_words("permissions", &new.permissions)?;
        let before = self.look::<OwnedRole>(&OwnedRole::id_of(organisation.as_deref(), &new.name))?;
        let after = OwnedRole { organisation, name: new.name.clone(), permissions: new.permissions.clone() };
        self.put(before.as_ref(), &after, None)
    }

    pub(super) fn delete_role(&mut self, organisation: Option<&str>, name: &str) -> Result<Done, WriteError> {
        let organisation = self.organisation_or_all(organisation)?;
        self.require(Right::Administer, organisation.as_deref())?;
        match self.look::<OwnedRole>(&OwnedRole::id_of(organisation.as_deref(), name))? {
            Some(role) => self.delete(&role),
            None => Err(Rejection::not_found("role", name).into()),
        }
    }

    pub(super) fn put_secret(&mut self, new: &NewSecret) -> Result<Done, WriteError> {
        let own = self.actor.agent().map(str::to_owned);
        let Some(id) = new.agent.clone().or(own) else {
            return Err(Rejection::invalid("agent", "is missing: name the agent whose secret it is").into());
        };
        let agent: Agent = self.find(&id)?;
        self.require_or_own(Right::Provision, agent.organisation.as_deref(), &id)?;
        check_word("name", &new.name)?;
        let bytes = new.value.expose().len();
        if bytes == 0 || bytes > MAX_SECRET {
            return Err(Rejection::invalid(
                "value",
                format!("has {bytes} bytes; 1 to {MAX_SECRET} are allowed"),
            )
            .into());
        }
        let row = SecretRecord::id_of(&id, &new.name);
        let before = self.look::<SecretRecord>(&row)?;
        if before.is_none() && self.tx.owned(&id, Some(Kind::Secret))?.len() >= MOST_SECRETS {
            let message = format!("the agent `{id}` has {MOST_SECRETS} secrets; delete some of them");
            return Err(Rejection::conflict(message).into());
        }
        let sealed = self.with.material.seal(Kind::Secret, &row, new.value.expose().as_bytes());
        let after = SecretRecord {
            agent: id,
            organisation: agent.organisation.unwrap_or_default(),
            name: new.name.clone(),
            version: before.as_ref().map_or(1, |before| before.version + 1),
            updated_at: self.with.now,
        };
        self.put(before.as_ref(), &after, Some(sealed.map_err(|error| unsealed(&error))?))
    }

    pub(super) fn delete_secret(&mut self, agent: &str, name: &str) -> Result<Done, WriteError> {
        let secret: SecretRecord = self.find(&SecretRecord::id_of(agent, name))?;
        self.require_or_own(Right::Provision, Some(&secret.organisation), agent)?;
        self.delete(&secret)
    }

    /// What may be set at all, the configuration says. So a bridge may, too.
    pub(super) fn put_setting(&mut self, new: &NewSetting) -> Result<Done, WriteError> {
        let organisation = self.organisation_or_all(new.organisation.as_deref())?;
        self.require(Right::Provision, organisation.as_deref())?;
        if !self.with.rules.settings.contains(&new.key) {
            let message = format!(
                "`{}` is not among the settings that the configuration allows (`registry.settings`)",
                new.key
            );
            return Err(Rejection::invalid("key", message).into());
        }
        check_json("value", &new.value)?;
        let before = self.look::<Setting>(&Setting::id_of(organisation.as_deref(), &new.key))?;
        let after = Setting {
            organisation,
            key: new.key.clone(),
            value: new.value.clone(),
            updated_at: self.with.now,
        };
        self.put(before.as_ref(), &after, None)
    }

    pub(super) fn delete_setting(
        &mut self,
        organisation: Option<&str>,
        key: &str,
    ) -> Result<Done, WriteError> {
        let organisation = self.organisation_or_all(organisation)?;
        self.require(Right::Administer, organisation.as_deref())?;
        match self.look::<Setting>(&Setting::id_of(organisation.as_deref(), key))? {
            Some(setting) => self.delete(&setting),
            None => Err(Rejection::not_found("setting", key).into()),
        }
    }

    pub(super) fn revoke(&mut self, new: &NewRevocation) -> Result<Done, WriteError> {
        let organisation = self.organisation_or_all(new.organisation.as_deref())?;
        self.require(Right::Administer, organisation.as_deref())?;
        check_name("reason", new.reason.as_deref())?;
        let (named, issuer) = match &new.named {
            Named::Subject { issuer, id } => (id, issuer.as_ref()),
            Named::Jti(id)
            | Named::Session(id)
            | Named::Key(id)
            | Named::Agent(id)
            | Named::Organisation(id) => (id, None),
        };
        for text in [Some(named), issuer].into_iter().flatten() {
            subject::check_id(text).map_err(|problem| Rejection::invalid("named", problem))?;
        }
        let revocation = Revocation {
            organisation,
            issued_before: new.issued_before,
            ..Revocation::of(new.named.clone())
        };
        let record = RevocationRecord {
            id: self.new_id(Kind::Revocation, "rev")?,
            revocation,
            reason: new.reason.clone(),
            created_at: self.with.now,
        };
        self.put(None, &record, None)
    }

    pub(super) fn delete_revocation(&mut self, id: &str) -> Result<Done, WriteError> {
        let record: RevocationRecord = self.find(id)?;
        self.require(Right::Administer, record.revocation.organisation.as_deref())?;
        self.delete(&record)
    }

    /// Seals the next rows anew; `next` of what is returned is where to go on, and null at the end.
    pub(super) fn rewrap(&mut self, after: Option<&str>) -> Result<Done, WriteError> {
        self.require(Right::Operate, None)?;
        let mut rows = self.tx.all(Kind::Secret, after, BATCH)?;
        let next = rows.last().filter(|_| rows.len() == BATCH as usize).map(|row| row.id.clone());
        if after.is_none() {
            rows.extend(self.tx.all(Kind::Root, None, BATCH)?);
            rows.extend(self.tx.all(Kind::SigningKey, None, u32::MAX)?);
        }
        let mut rewrapped = 0;
        for mut row in rows {
            let sealed = self.with.material.rewrap(&row).map_err(|error| unsealed(&error))?;
            if sealed.is_some() {
                row.sealed = sealed;
                row.seq = self.seq;
                let shown = json!({ "master_key": self.with.material.keyring.current().id().to_string() });
                self.write(&row, None, Some(shown))?;
                rewrapped += 1;
            }
        }
        Ok(Done { record: json!({ "rewrapped": rewrapped, "next": next }), ..Done::default() })
    }
}
