//! From what PostgreSQL hands over to rows.

use postgres::Row as Found;

use super::error::damaged;
use super::session::get;
use crate::model::clock::Timestamp;
use crate::registry::query::unsigned;
use crate::registry::row::{AuditRow, AuthEvent, Kind, Row};
use crate::registry::store::StoreError;

/// A row without what is sealed.
pub(super) fn row(found: &Found) -> Result<Row, StoreError> {
    let kind: &str = get(found, 0)?;
    Ok(Row {
        kind: Kind::by_name(kind).ok_or_else(|| damaged(format!("there is no kind `{kind}`")))?,
        id: get(found, 1)?,
        organisation: get(found, 2)?,
        owner: get(found, 3)?,
        seq: unsigned(get(found, 4)?),
        body: get(found, 5)?,
        sealed: None,
    })
}

/// A row with what is sealed, in the column after the others.
pub(super) fn sealed_row(found: &Found) -> Result<Row, StoreError> {
    Ok(Row { sealed: get(found, 6)?, ..row(found)? })
}

pub(super) fn audit_row(found: &Found) -> Result<AuditRow, StoreError> {
    let hash: &[u8] = get(found, 5)?;
    Ok(AuditRow {
        seq: unsigned(get(found, 0)?),
        at: Timestamp(get(found, 1)?),
        organisation: get(found, 2)?,
        action: get(found, 3)?,
        body: get(found, 4)?,
        hash: hash.try_into().map_err(|_| damaged("a hash of the audit log is none"))?,
    })
}

pub(super) fn event(found: &Found) -> Result<(u64, AuthEvent), StoreError> {
    let event = AuthEvent {
        at: Timestamp(get(found, 1)?),
        organisation: get(found, 2)?,
        agent: get(found, 3)?,
        key_prefix: get(found, 4)?,
        action: get(found, 5)?,
        reason: get(found, 6)?,
        peer: get(found, 7)?,
        count: unsigned(get(found, 8)?),
    };
    Ok((unsigned(get(found, 0)?), event))
}
