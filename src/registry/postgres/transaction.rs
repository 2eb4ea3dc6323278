//! One transaction that writes.

use super::rows::sealed_row;
use super::session::{Session, hexadecimal};
use crate::registry::progress::Progress;
use crate::registry::query::{self, Dialect, ROW, signed};
use crate::registry::row::{AuditRow, AuthEvent, Head, Kind, Row};
use crate::registry::store::{StoreError, Transaction};

/// A transaction that holds the lock of writers.
pub(super) struct Writing<'a> {
    pub(super) session: &'a mut Session,
    /// The schema's name.
    pub(super) schema: &'a str,
    pub(super) dialect: Dialect<'a>,
    pub(super) progress: Progress,
}

impl Transaction for Writing<'_> {
    fn head(&self) -> &Head {
        self.progress.head()
    }

    fn get(&mut self, kind: Kind, id: &str) -> Result<Option<Row>, StoreError> {
        let Self { session, schema, progress, .. } = self;
        let sql = format!(
            "SELECT {ROW}, sealed FROM {schema}.records WHERE kind = $1 AND id = $2 AND body IS NOT NULL"
        );
        progress.run(|| session.one(&sql, &[&kind.name(), &id], sealed_row))
    }

    fn owned(&mut self, owner: &str, kind: Option<Kind>) -> Result<Vec<Row>, StoreError> {
        let Self { session, dialect, progress, .. } = self;
        progress.run(|| session.all(&query::owned(*dialect, owner, kind), sealed_row))
    }

    fn all(&mut self, kind: Kind, after: Option<&str>, limit: u32) -> Result<Vec<Row>, StoreError> {
        let Self { session, dialect, progress, .. } = self;
        progress.run(|| session.all(&query::sealed_rows(*dialect, kind, after, limit), sealed_row))
    }

    fn put(&mut self, row: &Row) -> Result<(), StoreError> {
        let Self { session, schema, progress, .. } = self;
        progress.put(row)?;
        let sql = format!(
            "INSERT INTO {schema}.records (kind, id, organisation, owner, seq, body, sealed)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, id) DO UPDATE
             SET organisation = $3, owner = $4, seq = $5, body = $6, sealed = $7"
        );
        let sealed = row.sealed.as_ref().filter(|_| row.body.is_some());
        let Row { kind, id, organisation, owner, seq, body, .. } = row;
        let (kind, seq) = (kind.name(), signed(*seq));
        progress.run(|| session.execute(&sql, &[&kind, id, organisation, owner, &seq, body, &sealed]))
    }

    fn append_audit(&mut self, entry: &AuditRow, mac: &[u8; 32]) -> Result<(), StoreError> {
        let Self { session, schema, progress, .. } = self;
        progress.audit(entry)?;
        let AuditRow { seq, at, organisation, action, body, hash } = entry;
        let (number, mac) = (signed(*seq), hexadecimal(mac));
        let append = format!(
            "INSERT INTO {schema}.audit (seq, at, organisation, action, body, hash) VALUES ($1, $2, $3, $4, $5, $6)"
        );
        let advance = format!(
            "UPDATE {schema}.meta SET value = CASE key WHEN 'seq' THEN $1 WHEN 'audit_hash' THEN $2 ELSE $3 END
             WHERE key IN ('seq', 'audit_hash', 'audit_mac')"
        );
        progress.run(|| {
            session.execute(&append, &[&number, &at.0, organisation, action, body, &hash.as_slice()])?;
            session.execute(&advance, &[&seq.to_string(), &hexadecimal(hash), &mac])
        })
    }

    fn append_event(&mut self, event: &AuthEvent) -> Result<(), StoreError> {
        self.append_events(std::slice::from_ref(event))
    }
}

impl Writing<'_> {
    /// Appends events with one statement.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn append_events(&mut self, events: &[AuthEvent]) -> Result<(), StoreError> {
        type Texts<'a> = Vec<Option<&'a str>>;
        let numbers = |of: fn(&AuthEvent) -> i64| events.iter().map(of).collect::<Vec<i64>>();
        let (at, count) = (numbers(|event| event.at.0), numbers(|event| signed(event.count)));
        let organisation: Texts<'_> = events.iter().map(|event| event.organisation.as_deref()).collect();
        let agent: Texts<'_> = events.iter().map(|event| event.agent.as_deref()).collect();
        let prefix: Texts<'_> = events.iter().map(|event| event.key_prefix.as_deref()).collect();
        let action: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
        let reason: Texts<'_> = events.iter().map(|event| event.reason.as_deref()).collect();
        let peer: Texts<'_> = events.iter().map(|event| event.peer.as_deref()).collect();
        let Self { session, schema, progress, .. } = self;
        let sql = format!(
            "INSERT INTO {schema}.auth_events (at, organisation, agent, key_prefix, action, reason, peer, count)
             SELECT at, organisation, agent, key_prefix, action, reason, peer, count FROM
             unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[])
             WITH ORDINALITY AS e (at, organisation, agent, key_prefix, action, reason, peer, count, place)
             ORDER BY place"
        );
        progress.run(|| {
            session.execute(&sql, &[&at, &organisation, &agent, &prefix, &action, &reason, &peer, &count])
        })
    }
}
