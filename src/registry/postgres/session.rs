//! One connection, with the statements that it has prepared.

use std::collections::HashMap;
use std::thread;

use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::ToSql;
use postgres::{Client, NoTls, Row as Found, Statement};

use super::error::{damaged, failed};
use super::options::Target;
use super::schema;
use crate::registry::query::{Query, Value, unsigned};
use crate::registry::row::Head;
use crate::registry::store::{StoreError, StoreErrorKind};

/// A parameter of a statement.
pub(super) type Parameter<'a> = &'a (dyn ToSql + Sync);

/// A connection.
pub(super) struct Session {
    /// There until the session ends.
    client: Option<Client>,
    statements: HashMap<String, Statement>,
}

impl Session {
    /// Connects.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn connect(target: &Target) -> Result<Self, StoreError> {
        let client = match &target.tls {
            Some(tls) => target.config.connect(tls.clone()),
            None => target.config.connect(NoTls),
        };
        let mut session = Self { client: Some(client.map_err(failed)?), statements: HashMap::new() };
        // A commit is on disk before it is acknowledged, whatever the server does otherwise.
        let patience = target.patience.as_millis().max(1);
        let settings = format!(
            "SET lock_timeout = {patience}; SET statement_timeout = {}; SET idle_in_transaction_session_timeout = 60000;
             SET client_min_messages = warning;
             SELECT set_config('synchronous_commit', 'on', false)
             WHERE current_setting('synchronous_commit') IN ('off', 'local')",
            patience + 10_000
        );
        session.run(&settings)?;
        Ok(session)
    }

    /// The connection itself.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn client(&mut self) -> Result<&mut Client, StoreError> {
        self.client.as_mut().ok_or_else(|| StoreError::new(StoreErrorKind::Gone, "the connection has ended"))
    }

    /// Runs statements without parameters.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        self.client()?.batch_execute(sql).map_err(failed)
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn execute(&mut self, sql: &str, parameters: &[Parameter<'_>]) -> Result<(), StoreError> {
        let statement = self.prepare(sql)?;
        self.client()?.execute(&statement, parameters).map_err(failed)?;
        Ok(())
    }

    /// Hands over every row of an answer, as they come.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn each<T>(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        read: fn(&Found) -> Result<T, StoreError>,
        each: &mut dyn FnMut(T),
    ) -> Result<(), StoreError> {
        let statement = self.prepare(sql)?;
        let mut rows = self.client()?.query_raw(&statement, parameters.iter().copied()).map_err(failed)?;
        while let Some(found) = rows.next().map_err(failed)? {
            each(read(&found)?);
        }
        Ok(())
    }

    /// All answers to a question.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn all<T>(
        &mut self,
        query: &Query,
        read: fn(&Found) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let parameters: Vec<Parameter<'_>> = query.values.iter().map(parameter).collect();
        let mut found = Vec::new();
        self.each(&query.sql, &parameters, read, &mut |row| found.push(row))?;
        Ok(found)
    }

    /// The one answer, if there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn one<T>(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        read: fn(&Found) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        self.each(sql, parameters, read, &mut |row| found = Some(row))?;
        Ok(found)
    }

    /// How far the database has come; and that this program knows its schema still.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn head(&mut self, schema: &str) -> Result<Head, StoreError> {
        let sql = format!(
            "SELECT max(value) FILTER (WHERE key = 'schema')::bigint, max(value) FILTER (WHERE key = 'database'),
                 max(value) FILTER (WHERE key = 'seq')::bigint, max(value) FILTER (WHERE key = 'audit_hash'),
                 max(value) FILTER (WHERE key = 'audit_mac') FROM {schema}.meta"
        );
        let read = |row: &Found| {
            let head = Head {
                database: get(row, 1)?,
                seq: unsigned(get(row, 2)?),
                audit_hash: bytes(&get::<String>(row, 3)?)?,
                audit_mac: bytes(&get::<String>(row, 4)?)?,
            };
            Ok((get::<i64>(row, 0)?, head))
        };
        let (version, head) = self.one(&sql, &[], read)?.ok_or_else(|| damaged("it has no head"))?;
        schema::check(version)?;
        Ok(head)
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client()?.prepare(sql).map_err(failed)?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Drop for Session {
    /// A client has a runtime, which must not end on a thread of another one.
    fn drop(&mut self) {
        self.statements.clear();
        if let Some(client) = self.client.take() {
            // Where no thread can be made, the client ends here.
            let _ = thread::Builder::new().name("postgres-end".to_owned()).spawn(move || drop(client));
        }
    }
}

/// The value of a condition as a parameter.
fn parameter(value: &Value) -> Parameter<'_> {
    match value {
        Value::Text(text) => text,
        Value::Number(number) => number,
    }
}

/// The value of a column.
///
/// # Errors
/// It is of another type, or null where it may not be.
pub(super) fn get<'a, T: postgres::types::FromSql<'a>>(row: &'a Found, at: usize) -> Result<T, StoreError> {
    row.try_get(at).map_err(|error| damaged(error.to_string()))
}

/// 32 bytes that are written in hexadecimal.
fn bytes(text: &str) -> Result<[u8; 32], StoreError> {
    let wrong = || damaged("a hash of its head is none");
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        let digits = text.get(at * 2..at * 2 + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

/// Bytes in hexadecimal.
pub(super) fn hexadecimal(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"))
}
