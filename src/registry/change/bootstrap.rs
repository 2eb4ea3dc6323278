//! The beginning of a registry: the first operator key, organisation and admin key, in one transaction.
//!
//! INVARIANT (once): whether there is an operator key is asked within the transaction that makes the first one, so of two that
//! begin at the same time, in whatever processes, one is refused.

use super::{Change, Done, Made, broken};
use crate::registry::actor::Right;
use crate::registry::command::{FirstKey, NewAgent, NewKey, NewOrganisation, NewRegistry};
use crate::registry::record::{KeyKind, KeyRecord};
use crate::registry::rejection::Rejection;
use crate::registry::row::Kind;
use crate::registry::store::WriteError;

/// How many keys are looked at in one step.
const STEP: u32 = 1000;

impl Change<'_> {
    pub(super) fn bootstrap(&mut self, new: &NewRegistry) -> Result<Done, WriteError> {
        self.require(Right::Operate, None)?;
        if self.has_operator_key()? {
            return Err(Rejection::conflict("the registry has an operator key already").into());
        }
        let operator = NewKey { name: Some("operator".to_owned()), ..NewKey::of(KeyKind::Admin) };
        let operator = self.make_key(&operator, None, None)?;
        let organisation = NewOrganisation { admin_key: true, ..new.organisation.clone() };
        let organisation = self.create_organisation(&organisation)?;
        let id = organisation.record.get("id").and_then(serde_json::Value::as_str).map(str::to_owned);
        let mut made = vec![Made { name: "operator_key", record: operator.record, once: operator.once }];
        made.extend(organisation.made);
        if let Some(agent) = &new.agent {
            let key = agent.key.clone().unwrap_or(FirstKey::Wanted(true));
            let agent = NewAgent { organisation: id, key: Some(key), ..agent.clone() };
            let agent = self.create_agent(&agent)?;
            made.push(Made { name: "agent", record: agent.record, once: None });
            made.extend(agent.made.into_iter().map(|key| Made { name: "agent_key", ..key }));
        }
        Ok(Done { record: organisation.record, made, ..Done::default() })
    }

    /// Whether anybody has, or had, a key that manages the registry.
    fn has_operator_key(&mut self) -> Result<bool, WriteError> {
        let mut after: Option<String> = None;
        loop {
            let rows = self.tx.all(Kind::Key, after.as_deref(), STEP)?;
            for row in &rows {
                let body = row.body.as_deref().unwrap_or_default();
                let key: KeyRecord = serde_json::from_str(body).map_err(|error| broken(&error))?;
                if key.is_operators() {
                    return Ok(true);
                }
            }
            match rows.last() {
                Some(last) => after = Some(last.id.clone()),
                None => return Ok(false),
            }
        }
    }
}
