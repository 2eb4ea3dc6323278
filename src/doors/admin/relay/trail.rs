//! The audit trail in Relay's rows: what happened to credentials, and what was changed, in one list.
//!
//! INVARIANT (one line between tenants): every row comes from a question that the registry itself answers for the caller. Agents
//! get what happened to their own credentials; auditors, bridges and admins all of their organisation.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::doors::admin::operation::With;
use crate::model::clock::Timestamp;
use crate::registry::audit::{Entry, EntryChange};
use crate::registry::reads::LONGEST;
use crate::registry::row::{AuthEvent, Kind, SelectAudit, SelectEvents};
use crate::registry::store::{StoreError, StoreErrorKind, WriteError};

/// How many rows of each log are looked at, at most.
const MOST_ROWS: usize = 20_000;

/// One row.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Row {
    /// Its number, with the log that it is in.
    event_id: String,
    /// `authentication`, `key_rotated`, `secret_read`; or what was changed, e.g. `agent.create`.
    event_type: String,
    agent_id: Option<String>,
    org_id: Option<String>,
    /// Always null: it is in the decision log.
    endpoint: Option<String>,
    ip_address: Option<String>,
    success: bool,
    failure_reason: Option<String>,
    timestamp: Timestamp,
    /// How many there were of it within a short time.
    count: u64,
}

/// How much of what happened.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Stats {
    org_id: Option<String>,
    total_events: u64,
    succeeded: u64,
    failed: u64,
    by_type: BTreeMap<String, u64>,
    /// Whether this is all there is; false where only the latest were counted.
    complete: bool,
}

/// Whose trail.
#[derive(Debug)]
pub(super) struct Trail {
    pub(super) organisation: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) event_type: Option<String>,
}

impl Trail {
    /// The latest rows, `wanted` of them if there are as many.
    pub(super) fn rows(&self, with: &With<'_>, wanted: usize) -> Result<Vec<Row>, WriteError> {
        let (mut rows, _) = self.events(with, wanted)?;
        rows.extend(self.entries(with, wanted)?.0);
        rows.sort_by(|one, other| (other.timestamp, &other.event_id).cmp(&(one.timestamp, &one.event_id)));
        Ok(rows)
    }

    pub(super) fn stats(&self, with: &With<'_>) -> Result<Stats, WriteError> {
        let (events, all_events) = self.events(with, MOST_ROWS)?;
        let (entries, all_entries) = self.entries(with, MOST_ROWS)?;
        let own = with.actor.organisation().filter(|own| !own.is_empty()).map(str::to_owned);
        let mut stats = Stats {
            org_id: self.organisation.clone().or(own),
            total_events: 0,
            succeeded: 0,
            failed: 0,
            by_type: BTreeMap::new(),
            complete: all_events && all_entries,
        };
        for row in events.into_iter().chain(entries) {
            stats.total_events += row.count;
            *(if row.success { &mut stats.succeeded } else { &mut stats.failed }) += row.count;
            *stats.by_type.entry(row.event_type).or_default() += row.count;
        }
        Ok(stats)
    }

    fn is_wanted(&self, row: &Row) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        is(&self.agent, row.agent_id.as_deref()) && is(&self.event_type, Some(&row.event_type))
    }

    /// What happened to credentials; and whether that is all.
    fn events(&self, with: &With<'_>, wanted: usize) -> Result<(Vec<Row>, bool), WriteError> {
        let mut which = SelectEvents {
            organisation: self.organisation.clone(),
            agent: self.agent.clone(),
            limit: LONGEST,
            ..SelectEvents::default()
        };
        let (mut rows, mut seen) = (Vec::new(), 0);
        while rows.len() < wanted && seen < MOST_ROWS {
            let (events, next) = with.registry.numbered_events(with.actor, &which)?;
            seen += events.len();
            let read = events.into_iter().map(|(number, event)| of_event(number, event));
            rows.extend(read.filter(|row| self.is_wanted(row)));
            which.before = next;
            if next.is_none() {
                return Ok((rows, true));
            }
        }
        Ok((rows, false))
    }

    /// What was changed; an agent is not shown that.
    fn entries(&self, with: &With<'_>, wanted: usize) -> Result<(Vec<Row>, bool), WriteError> {
        if with.actor.agent().is_some() {
            return Ok((Vec::new(), true));
        }
        let mut which =
            SelectAudit { organisation: self.organisation.clone(), limit: LONGEST, ..SelectAudit::default() };
        let (mut rows, mut seen) = (Vec::new(), 0);
        while rows.len() < wanted && seen < MOST_ROWS {
            let (entries, next) = with.registry.audit(with.actor, &which)?;
            seen += entries.len();
            for entry in entries {
                let row = of_entry(entry)?;
                rows.extend(Some(row).filter(|row| self.is_wanted(row)));
            }
            which.before = next;
            if next.is_none() {
                return Ok((rows, true));
            }
        }
        Ok((rows, false))
    }
}

fn of_event(number: u64, event: AuthEvent) -> Row {
    let AuthEvent { at, organisation, agent, key_prefix: _, action, reason, peer, count } = event;
    let success = action != "auth_failed";
    let event_type = match action.as_str() {
        "authenticated" | "auth_failed" => "authentication".to_owned(),
        _ => action,
    };
    Row {
        event_id: format!("event-{number}"),
        event_type,
        agent_id: agent,
        org_id: organisation,
        endpoint: None,
        ip_address: peer,
        success,
        failure_reason: reason,
        timestamp: at,
        count,
    }
}

/// What is in the log was done.
fn of_entry(entry: Value) -> Result<Row, WriteError> {
    let entry: Entry = serde_json::from_value(entry)
        .map_err(|error| StoreError::new(StoreErrorKind::Damaged, error.to_string()))?;
    Ok(Row {
        event_id: format!("audit-{}", entry.seq),
        event_type: entry.action,
        agent_id: entry.changes.first().and_then(agent_of),
        org_id: entry.organisation,
        endpoint: None,
        ip_address: entry.actor.peer,
        success: true,
        failure_reason: None,
        timestamp: entry.at,
        count: 1,
    })
}

/// The agent that a change is about.
fn agent_of(change: &EntryChange) -> Option<String> {
    let member = |name: &str| {
        let shown = change.after.as_ref().or(change.before.as_ref())?;
        shown.get(name)?.as_str().map(str::to_owned)
    };
    match change.kind {
        Kind::Agent => Some(change.id.clone()),
        Kind::Delegation => member("from"),
        _ => member("agent"),
    }
}
