//! From what SQLite hands over to rows, and back.

use rusqlite::types::{ToSqlOutput, Type};
use rusqlite::{Connection, Error, Params, Result, Row as Found, ToSql, params_from_iter};

use super::error::failed;
use super::schema;
use crate::model::clock::Timestamp;
use crate::registry::query::{Dialect, Query, Value, unsigned};
use crate::registry::row::{AuditRow, AuthEvent, Head, Kind, Row};
use crate::registry::store::{StoreError, StoreErrorKind};

/// How SQLite writes SQL.
pub(super) const DIALECT: Dialect<'static> = Dialect { marker: '?', schema: "" };

impl ToSql for Value {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Number(number) => number.to_sql(),
        }
    }
}

/// Hands over every row of a statement.
///
/// # Errors
/// [`StoreError`].
pub(super) fn each<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: fn(&Found<'_>) -> Result<T>,
    each: &mut dyn FnMut(T),
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement.query(parameters).map_err(failed)?;
    while let Some(found) = rows.next().map_err(failed)? {
        each(read(found).map_err(failed)?);
    }
    Ok(())
}

/// All answers to a question.
///
/// # Errors
/// [`StoreError`].
pub(super) fn all<T>(
    connection: &Connection,
    query: &Query,
    read: fn(&Found<'_>) -> Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    each(connection, &query.sql, params_from_iter(&query.values), read, &mut |row| found.push(row))?;
    Ok(found)
}

/// The one answer, if there is one.
///
/// # Errors
/// [`StoreError`].
pub(super) fn one<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: fn(&Found<'_>) -> Result<T>,
) -> Result<Option<T>, StoreError> {
    let mut found = None;
    each(connection, sql, parameters, read, &mut |row| found = Some(row))?;
    Ok(found)
}

/// How far the database has come; and that this program knows its schema still.
///
/// # Errors
/// [`StoreError`].
pub(super) fn head(connection: &Connection) -> Result<Head, StoreError> {
    // One statement, so that it is of one moment.
    let sql = "SELECT max(value) FILTER (WHERE key = 'schema'), max(value) FILTER (WHERE key = 'database'),
                   max(value) FILTER (WHERE key = 'seq'), max(value) FILTER (WHERE key = 'audit_hash'),
                   max(value) FILTER (WHERE key = 'audit_mac') FROM meta";
    let read = |row: &Found<'_>| {
        let head = Head {
            database: row.get(1)?,
            seq: unsigned(row.get(2)?),
            audit_hash: row.get(3)?,
            audit_mac: row.get(4)?,
        };
        Ok((row.get(0)?, head))
    };
    let found: Option<(i64, Head)> = one(connection, sql, [], read)?;
    let (version, head) = found.ok_or_else(|| StoreError::new(StoreErrorKind::Damaged, "it has no head"))?;
    schema::check(version)?;
    Ok(head)
}

/// A row without what is sealed.
pub(super) fn row(found: &Found<'_>) -> Result<Row> {
    let kind = found.get_ref(0)?.as_str()?;
    let kind = Kind::by_name(kind).ok_or_else(|| {
        Error::FromSqlConversionFailure(0, Type::Text, format!("there is no kind `{kind}`").into())
    })?;
    Ok(Row {
        kind,
        id: found.get(1)?,
        organisation: found.get(2)?,
        owner: found.get(3)?,
        seq: unsigned(found.get(4)?),
        body: found.get(5)?,
        sealed: None,
    })
}

/// A row with what is sealed, in the column after the others.
pub(super) fn sealed_row(found: &Found<'_>) -> Result<Row> {
    Ok(Row { sealed: found.get(6)?, ..row(found)? })
}

pub(super) fn audit_row(found: &Found<'_>) -> Result<AuditRow> {
    Ok(AuditRow {
        seq: unsigned(found.get(0)?),
        at: Timestamp(found.get(1)?),
        organisation: found.get(2)?,
        action: found.get(3)?,
        body: found.get(4)?,
        hash: found.get(5)?,
    })
}

pub(super) fn event(found: &Found<'_>) -> Result<(u64, AuthEvent)> {
    let event = AuthEvent {
        at: Timestamp(found.get(1)?),
        organisation: found.get(2)?,
        agent: found.get(3)?,
        key_prefix: found.get(4)?,
        action: found.get(5)?,
        reason: found.get(6)?,
        peer: found.get(7)?,
        count: unsigned(found.get(8)?),
    };
    Ok((unsigned(found.get(0)?), event))
}
