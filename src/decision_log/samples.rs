//! A decision for this module's tests.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::config::Claims;
use super::console::Console;
use super::journal::{Entry, Journal};
use super::record::Event;
use crate::model::clock::Timestamp;
use crate::model::decision::{Decision, Outcome, Timings};
use crate::model::principal::AuthContext;
use crate::model::request::{EntryPath, RequestContext};
use crate::model::revision::Revision;

pub(super) fn decision() -> Decision {
    Decision {
        ruling: None,
        id: Uuid::from_u128(0x3695_90fc_c674_49ec_ad97_f524_92c8_13af),
        batch_id: None,
        path: Some(EntryPath::parse("app/allow").unwrap()),
        revision: Arc::new(Revision { generation: 1, bundles: Default::default() }),
        outcome: Outcome::Allow,
        reason: None,
        result: None,
        input: None,
        beside: None,
        nd_builtin_cache: None,
        rule_labels: None,
        explanation: None,
        failure: None,
        auth: AuthContext::Unchecked,
        rate: None,
        context: RequestContext::default(),
        at: Timestamp::parse_rfc3339("2026-11-21T02:11:14.829396687Z").unwrap(),
        timings: Timings { total: Duration::from_micros(34), ..Timings::default() },
    }
}

/// Calls `with` with the entry of a record.
fn entry<T>(reason: &str, with: impl FnOnce(&Entry<'_>) -> T) -> T {
    let decision = Decision { reason: Some(reason.to_owned()), ..decision() };
    let claims = Claims::default();
    let event = Event::new(RawValue::NULL, &claims, &decision);
    let mut line = Vec::new();
    event.write_line(&mut line).unwrap();
    with(&Entry { event: Some(&event), line: &line, timestamp: &event.timestamp })
}

pub(super) async fn try_write(journal: &dyn Journal, reason: &str) -> io::Result<()> {
    entry(reason, |entry| journal.append(entry)).await
}

pub(super) async fn write(journal: &dyn Journal, reason: &str) {
    try_write(journal, reason).await.unwrap();
}

pub(super) fn show(console: &Console, reason: &str) {
    entry(reason, |entry| console.show(entry));
}
