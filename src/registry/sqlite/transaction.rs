//! One transaction that writes.

use rusqlite::{Connection, Params, params};

use super::error::failed;
use super::rows::{DIALECT, all, one, sealed_row};
use crate::registry::progress::Progress;
use crate::registry::query::{self, ROW, signed};
use crate::registry::row::{AuditRow, AuthEvent, Head, Kind, Row};
use crate::registry::store::{StoreError, Transaction};

/// A transaction that holds the lock for writing.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    pub(super) connection: &'a Connection,
    pub(super) progress: Progress,
}

impl Writing<'_> {
    /// Runs a statement.
    pub(super) fn execute(&mut self, sql: &str, parameters: impl Params) -> Result<(), StoreError> {
        self.progress.run(|| {
            let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
            statement.execute(parameters).map_err(failed)?;
            Ok(())
        })
    }
}

impl Transaction for Writing<'_> {
    fn head(&self) -> &Head {
        self.progress.head()
    }

    fn get(&mut self, kind: Kind, id: &str) -> Result<Option<Row>, StoreError> {
        let sql =
            format!("SELECT {ROW}, sealed FROM records WHERE kind = ?1 AND id = ?2 AND body IS NOT NULL");
        self.progress.run(|| one(self.connection, &sql, [kind.name(), id], sealed_row))
    }

    fn owned(&mut self, owner: &str, kind: Option<Kind>) -> Result<Vec<Row>, StoreError> {
        self.progress.run(|| all(self.connection, &query::owned(DIALECT, owner, kind), sealed_row))
    }

    fn all(&mut self, kind: Kind, after: Option<&str>, limit: u32) -> Result<Vec<Row>, StoreError> {
        let query = query::sealed_rows(DIALECT, kind, after, limit);
        self.progress.run(|| all(self.connection, &query, sealed_row))
    }

    fn put(&mut self, row: &Row) -> Result<(), StoreError> {
        self.progress.put(row)?;
        let sql = "INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (kind, id) DO UPDATE
                   SET organisation = ?3, owner = ?4, seq = ?5, body = ?6, sealed = ?7";
        let sealed = row.sealed.as_ref().filter(|_| row.body.is_some());
        let place = (row.kind.name(), &row.id, &row.organisation, &row.owner);
        self.execute(sql, params![place.0, place.1, place.2, place.3, signed(row.seq), row.body, sealed])
    }

    fn append_audit(&mut self, entry: &AuditRow, mac: &[u8; 32]) -> Result<(), StoreError> {
        self.progress.audit(entry)?;
        let AuditRow { seq, at, organisation, action, body, hash } = entry;
        let sql = "INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.execute(sql, params![signed(*seq), at.0, organisation, action, body, hash])?;
        let sql = "UPDATE meta SET value = CASE key WHEN 'seq' THEN ?1 WHEN 'audit_hash' THEN ?2 ELSE ?3 END
                   WHERE key IN ('seq', 'audit_hash', 'audit_mac')";
        self.execute(sql, params![signed(*seq), hash, mac])
    }

    fn append_event(&mut self, event: &AuthEvent) -> Result<(), StoreError> {
        let AuthEvent { at, organisation, agent, key_prefix, action, reason, peer, count } = event;
        let sql = "INSERT INTO auth_events (at, organisation, agent, key_prefix, action, reason, peer, count)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let count = signed(*count);
        self.execute(sql, params![at.0, organisation, agent, key_prefix, action, reason, peer, count])
    }
}
