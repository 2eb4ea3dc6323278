//! A decision for this module's tests.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::record::Event;
use super::sink::{Entry, Sink};
use crate::model::clock::Timestamp;
use crate::model::decision::{Decision, Outcome, Timings};
use crate::model::principal::AuthContext;
use crate::model::request::{EntryPath, RequestContext};
use crate::model::revision::Revision;

pub(super) fn decision() -> Decision {
    Decision {
        id: Uuid::from_u128(0x3695_90fc_c674_49ec_ad97_f524_92c8_13af),
        batch_id: None,
        path: Some(EntryPath::parse("app/allow").unwrap()),
        revision: Arc::new(Revision { generation: 1, bundles: Default::default() }),
        outcome: Outcome::Allow,
        reason: None,
        result: None,
        input: None,
        nd_builtin_cache: None,
        explanation: None,
        failure: None,
        auth: AuthContext::Unchecked,
        context: RequestContext::default(),
        at: Timestamp::parse_rfc3339("2026-11-21T02:11:14.829396687Z").unwrap(),
        timings: Timings { total: Duration::from_micros(34), ..Timings::default() },
    }
}

pub(super) fn try_write(sink: &dyn Sink, reason: &str) -> io::Result<()> {
    let decision = Decision { reason: Some(reason.to_owned()), ..decision() };
    let event = Event::new(RawValue::NULL, &decision);
    let mut line = Vec::new();
    event.write_line(&mut line).unwrap();
    sink.write(&Entry { event: &event, line: &line })
}

pub(super) fn write(sink: &dyn Sink, reason: &str) {
    try_write(sink, reason).unwrap();
}
