//! What issuers say of their subjects: it revokes once, and is remembered.
//!
//! INVARIANT (once): an event is remembered in the transaction in which its revocations are put.
//! INVARIANT (only ever wider): of two events that say the same of the same, the later one counts, in whatever order they come.

use aws_lc_rs::digest;

use super::{Change, Done, broken};
use crate::model::clock::Timestamp;
use crate::registry::actor::Right;
use crate::registry::audit::hex;
use crate::registry::command::NewEvent;
use crate::registry::event_record::EventRecord;
use crate::registry::record::RevocationRecord;
use crate::registry::rejection::Rejection;
use crate::registry::revocations::Revocation;
use crate::registry::store::WriteError;

impl Change<'_> {
    /// One that is there already is a conflict.
    pub(super) fn receive(&mut self, new: &NewEvent) -> Result<Done, WriteError> {
        self.require(Right::Operate, None)?;
        let NewEvent { issuer, jti, event, revokes } = new;
        let record = EventRecord {
            issuer: issuer.clone(),
            jti: jti.clone(),
            event: (*event).to_owned(),
            received_at: self.with.now,
        };
        let id = EventRecord::id_of(issuer, jti);
        if self.look::<EventRecord>(&id)?.is_some() {
            return Err(Rejection::conflict("the event was received before").into());
        }
        for revocation in revokes {
            self.revoke_by(revocation, event, issuer)?;
        }
        self.put(None, &record, None)
    }

    /// Puts a revocation in the place of one that says the same of an earlier time.
    fn revoke_by(&mut self, revocation: &Revocation, event: &str, issuer: &str) -> Result<(), WriteError> {
        let id = place_of(revocation)?;
        let before = self.look::<RevocationRecord>(&id)?;
        let known = before.as_ref().map(|before| before.revocation.issued_before);
        let issued_before = match known {
            Some(known) => later(known, revocation.issued_before),
            None => revocation.issued_before,
        };
        if known == Some(issued_before) {
            return Ok(());
        }
        let record = RevocationRecord {
            id,
            revocation: Revocation { issued_before, ..revocation.clone() },
            reason: Some(format!("{event} of {issuer}")),
            created_at: self.with.now,
        };
        self.put(before.as_ref(), &record, None).map(drop)
    }
}

/// The wider of two: none is all.
fn later(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    Some(Timestamp(one?.0.max(other?.0)))
}

/// The id of a revocation's row, which is that of all that differ from it in time alone.
fn place_of(revocation: &Revocation) -> Result<String, WriteError> {
    let timeless = Revocation { issued_before: None, ..revocation.clone() };
    let text = serde_json::to_vec(&timeless).map_err(|error| broken(&error))?;
    let hash = digest::digest(&digest::SHA256, &text);
    Ok(format!("rev_{}", hex(hash.as_ref().get(..16).unwrap_or_default())))
}
