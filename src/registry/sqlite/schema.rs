//! The tables, and the steps that lead to them.
//!
//! A step that was released is never changed; what is to be different comes as a new one.

use rusqlite::{Connection, TransactionBehavior, params};

use super::error::failed;
use crate::model::clock::Clock;
use crate::registry::store::{StoreError, StoreErrorKind};

/// Says in the file's header that it is a registry of Verdict (`VRDT`).
pub(super) const APPLICATION: i64 = 0x5652_4454;

/// The steps with their names; the version of a schema is the number of its last one.
const STEPS: &[(&str, &str)] = &[("first", FIRST)];

const FIRST: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value ANY) STRICT;

CREATE TABLE migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT;

CREATE TABLE records (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    organisation TEXT,
    owner TEXT,
    seq INTEGER NOT NULL,
    body TEXT,
    sealed BLOB,
    PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX records_seq ON records (seq);
CREATE INDEX records_organisation ON records (kind, organisation, id) WHERE body IS NOT NULL;
CREATE INDEX records_owner ON records (owner, kind, id) WHERE body IS NOT NULL;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    organisation TEXT,
    action TEXT NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_organisation ON audit (organisation, seq);
CREATE TRIGGER audit_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log can only be appended to'); END;
CREATE TRIGGER audit_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log can only be appended to'); END;
-- Also against INSERT OR REPLACE, which deletes without triggers.
CREATE TRIGGER audit_insert BEFORE INSERT ON audit
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit)
    BEGIN SELECT RAISE(ABORT, 'the audit log can only be appended to'); END;

CREATE TABLE auth_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    organisation TEXT,
    agent TEXT,
    key_prefix TEXT,
    action TEXT NOT NULL,
    reason TEXT,
    peer TEXT,
    count INTEGER NOT NULL
) STRICT;
CREATE INDEX auth_events_organisation ON auth_events (organisation, number);
CREATE INDEX auth_events_named ON auth_events (number) WHERE organisation IS NOT NULL;

CREATE TABLE key_uses (key TEXT PRIMARY KEY NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// There is nothing in it yet.
    Empty,
    /// A registry with a schema of this version.
    Registry(i64),
}

/// The version that this program has.
fn newest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Looks at what a file is, and changes nothing.
///
/// # Errors
/// It is something else, or is newer than this program; or it cannot be read.
pub(super) fn recognise(connection: &Connection) -> Result<Found, StoreError> {
    let damaged = |detail: &str| Err(StoreError::new(StoreErrorKind::Damaged, detail));
    let application: i64 =
        connection.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(failed)?;
    let count = "SELECT count(*), count(*) FILTER (WHERE name = 'meta') FROM sqlite_schema";
    let (tables, meta): (i64, i64) =
        connection.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    if application == 0 && tables == 0 {
        return Ok(Found::Empty);
    }
    if application != APPLICATION {
        return damaged("it is a database of another application; name a file of its own");
    }
    if meta == 0 {
        return damaged("it has no table `meta`; restore it from a copy");
    }
    let version = connection
        .query_row("SELECT value FROM meta WHERE key = 'schema'", [], |row| row.get(0))
        .map_err(failed)?;
    check(version)?;
    Ok(Found::Registry(version))
}

/// Whether this program knows a schema of this version.
///
/// # Errors
/// It does not.
pub(super) fn check(version: i64) -> Result<(), StoreError> {
    if version <= newest() {
        return Ok(());
    }
    let detail = format!("its schema has version {version}, and this program knows those up to {}", newest());
    Err(StoreError::new(StoreErrorKind::NewerSchema, detail))
}

/// Brings the schema up to date, in one transaction.
///
/// # Errors
/// It is something else, or cannot be written.
pub(super) fn migrate(connection: &mut Connection, clock: &Clock) -> Result<(), StoreError> {
    if recognise(connection)? == Found::Registry(newest()) {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another process may have done it meanwhile.
    let found = recognise(&transaction)?;
    let done = match found {
        Found::Empty => 0,
        Found::Registry(version) => version,
    };
    for (version, (name, sql)) in (1..).zip(STEPS).filter(|(version, _)| *version > done) {
        transaction.execute_batch(sql).map_err(failed)?;
        transaction
            .execute("INSERT INTO migrations VALUES (?1, ?2, ?3)", params![version, name, clock.now().0])
            .map_err(failed)?;
    }
    let mut set = transaction
        .prepare("INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
        .map_err(failed)?;
    set.execute(params!["schema", newest()]).map_err(failed)?;
    if found == Found::Empty {
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
        set.execute(params!["database", uuid::Uuid::new_v4().to_string()]).map_err(failed)?;
        set.execute(params!["seq", 0]).map_err(failed)?;
        set.execute(params!["audit_hash", [0_u8; 32]]).map_err(failed)?;
        set.execute(params!["audit_mac", [0_u8; 32]]).map_err(failed)?;
    }
    drop(set);
    transaction.commit().map_err(failed)
}
