//! The registry in a file of SQLite, which several processes on one machine may open.
//!
//! INVARIANT (an acknowledged write survives): each commit is on disk before [`Store::write`] returns, and only while the
//! files are those that were opened.
//! INVARIANT (nobody else's file): a file that is not a registry is refused before anything in it is changed.
//!
//! Deliberately absent: network file systems, whose locks cannot be relied upon; and taking up a file that has been put in the
//! place of the one that was opened: whoever has the store opens it again.
//!
//! Reading order: here → [`schema`] → [`files`] → [`transaction`] → [`rows`] → [`error`].

mod error;
mod files;
mod rows;
mod schema;
mod transaction;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};

use self::error::{failed, failed_commit};
use self::files::{Files, check_opened};
use self::rows::{DIALECT, all, audit_row, each, event, head, one, row};
use self::schema::{migrate, recognise};
use self::transaction::Writing;
use super::progress::Progress;
use super::query::{self, AUDIT, ROW, signed};
use super::row::{AuditRow, AuthEvent, Head, Kind, Row, Select, SelectAudit, SelectEvents};
use super::store::{Store, StoreError, StoreErrorKind, Transaction as _, Work, WriteError};
use crate::model::clock::{Clock, Timestamp};

/// How long a lock of others is waited for, where nothing else is asked for.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether others have written.
const POLL: Duration = Duration::from_millis(20);
/// How many connections for reading are kept.
const READERS: usize = 4;

/// A file of SQLite.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    patience: Duration,
    files: Files,
    watch: Mutex<Watch>,
    /// Those that nobody is using.
    readers: Mutex<Vec<Connection>>,
    /// Closed after all others: the last one empties the log into the file, which those that only read cannot.
    writer: Mutex<Connection>,
}

/// A connection that sees whether others have written.
#[derive(Debug)]
struct Watch {
    connection: Connection,
    version: i64,
}

impl SqliteStore {
    /// Opens a file, which is made if it is missing, and brings its schema up to date. `patience` is how long a lock of others is
    /// waited for.
    ///
    /// # Errors
    /// The file is something else, is newer than this program, or cannot be read.
    pub fn open(path: &Path, patience: Duration, clock: &Clock) -> Result<Self, StoreError> {
        let opened = || {
            let path = std::path::absolute(path)
                .map_err(|error| StoreError::new(StoreErrorKind::Gone, error.to_string()))?;
            files::make(&path)?;
            let mut writer = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE, patience)?;
            // Before anything in it is changed.
            recognise(&writer)?;
            keep_log(&writer, patience)?;
            migrate(&mut writer, clock)?;
            head(&writer)?;
            let files = Files::of(&writer, &path)?;
            let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY, patience)?;
            let version = version(&connection)?;
            let watch = Mutex::new(Watch { connection, version });
            files.check()?;
            let (writer, readers) = (Mutex::new(writer), Mutex::default());
            Ok(Self { path, patience, files, watch, readers, writer })
        };
        opened().map_err(|error| placed(path, not_writable(path, error)))
    }

    /// Reads in a transaction, so that all of it is of one moment.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let read = || {
            self.files.check()?;
            let kept = lock(&self.readers).pop();
            let mut connection = match kept {
                Some(connection) => connection,
                None => connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY, self.patience)?,
            };
            let transaction = connection.transaction().map_err(failed)?;
            let result = work(&transaction);
            drop(transaction);
            // One that failed may be fit for nothing.
            let mut readers = lock(&self.readers);
            if result.is_ok() && connection.is_autocommit() && readers.len() < READERS {
                readers.push(connection);
            }
            result
        };
        read().map_err(|error| placed(&self.path, error))
    }

    /// Writes in a transaction that holds the lock for writing from the beginning.
    fn transact(
        &self,
        work: impl FnOnce(&mut Writing<'_>) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let place = |error| placed(&self.path, error);
        let mut connection = lock(&self.writer);
        self.files.check().map_err(place)?;
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| place(failed(error)))?;
        let head = head(&transaction).map_err(place)?;
        let mut writing = Writing { connection: &transaction, progress: Progress::new(head) };
        work(&mut writing).map_err(|error| match error {
            WriteError::Store(error) => WriteError::Store(place(error)),
            WriteError::Rejected(_) => error,
        })?;
        writing.progress.end().map_err(place)?;
        self.files.check().map_err(place)?;
        transaction.commit().map_err(|error| place(failed_commit(error)))?;
        // In a file that vanished meanwhile it may be lost.
        let lost = |error: StoreError| StoreError { kind: StoreErrorKind::Unknown, ..error };
        self.files.check().map_err(|error| WriteError::Store(lost(place(error))))
    }
}

impl Store for SqliteStore {
    fn place(&self) -> String {
        format!("sqlite:{}", self.path.display())
    }

    fn head(&self) -> Result<Head, StoreError> {
        self.read(head)
    }

    fn changes(&self, after: u64, hand: &mut dyn FnMut(Row)) -> Result<Head, StoreError> {
        self.read(|connection| {
            let head = head(connection)?;
            let exist = if after == 0 { "AND body IS NOT NULL" } else { "" };
            let sql = format!("SELECT {ROW} FROM records WHERE seq > ?1 {exist} ORDER BY seq");
            each(connection, &sql, [signed(after)], row, hand)?;
            Ok(head)
        })
    }

    fn write(&self, work: &mut Work<'_>) -> Result<(), WriteError> {
        self.transact(|writing| work(writing))
    }

    fn select(&self, kind: Kind, which: &Select) -> Result<Vec<Row>, StoreError> {
        self.read(|connection| all(connection, &query::rows(DIALECT, kind, which), row))
    }

    fn get(&self, kind: Kind, id: &str) -> Result<Option<Row>, StoreError> {
        let sql = format!("SELECT {ROW} FROM records WHERE kind = ?1 AND id = ?2 AND body IS NOT NULL");
        self.read(|connection| one(connection, &sql, [kind.name(), id], row))
    }

    fn sealed(&self, kind: Kind, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT sealed FROM records WHERE kind = ?1 AND id = ?2 AND sealed IS NOT NULL";
        self.read(|connection| one(connection, sql, [kind.name(), id], |found| found.get(0)))
    }

    fn audit(&self, which: &SelectAudit) -> Result<Vec<AuditRow>, StoreError> {
        self.read(|connection| all(connection, &query::audit(DIALECT, which), audit_row))
    }

    fn audit_chain(&self, hand: &mut dyn FnMut(AuditRow)) -> Result<Head, StoreError> {
        self.read(|connection| {
            let head = head(connection)?;
            each(connection, &format!("SELECT {AUDIT} FROM audit ORDER BY seq"), [], audit_row, hand)?;
            Ok(head)
        })
    }

    fn append_events(&self, events: &[AuthEvent], keep: u64) -> Result<(), StoreError> {
        let written = self.transact(|writing| {
            for event in events {
                writing.append_event(event)?;
            }
            // Where more are kept than can be counted, none is looked for.
            let Ok(keep) = i64::try_from(keep) else { return Ok(()) };
            for which in ["IS NULL", "IS NOT NULL"] {
                let sql = format!(
                    "DELETE FROM auth_events WHERE organisation {which} AND number <= (SELECT number FROM auth_events
                         WHERE organisation {which} ORDER BY number DESC LIMIT 1 OFFSET ?1)"
                );
                writing.execute(&sql, [keep])?;
            }
            Ok(())
        });
        written.map_err(database_only)
    }

    fn events(&self, which: &SelectEvents) -> Result<Vec<(u64, AuthEvent)>, StoreError> {
        self.read(|connection| all(connection, &query::events(DIALECT, which), event))
    }

    fn note_uses(&self, uses: &[(String, Timestamp)]) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO key_uses VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET at = ?2 WHERE ?2 > at";
        let written = self.transact(|writing| {
            for (key, at) in uses {
                writing.execute(sql, params![key, at.0])?;
            }
            Ok(())
        });
        written.map_err(database_only)
    }

    fn uses(&self, keys: &[String]) -> Result<Vec<(String, Timestamp)>, StoreError> {
        self.read(|connection| {
            let mut found = Vec::new();
            for key in keys {
                let sql = "SELECT at FROM key_uses WHERE key = ?1";
                let at: Option<i64> = one(connection, sql, [key], |row| row.get(0))?;
                found.extend(at.map(|at| (key.clone(), Timestamp(at))));
            }
            Ok(found)
        })
    }

    fn wait(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        // One thread watches; others take the longest way.
        let Ok(mut watch) = self.watch.try_lock() else { return sleep(patience) };
        loop {
            let seen = version(&watch.connection).unwrap_or(watch.version);
            if std::mem::replace(&mut watch.version, seen) != seen {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            sleep(left.min(POLL));
        }
    }
}

/// Opens a connection to a file that is there.
fn connect(path: &Path, mode: OpenFlags, patience: Duration) -> Result<Connection, StoreError> {
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(patience).map_err(failed)?;
    // `fullfsync` is for macOS, where a plain one leaves data in the disk's cache.
    let settings = "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF;";
    connection.execute_batch(settings).map_err(failed)?;
    check_opened(&connection, path)?;
    Ok(connection)
}

/// Switches to a write-ahead log, which stays with the file: whoever reads does not wait for whoever writes.
fn keep_log(connection: &Connection, patience: Duration) -> Result<(), StoreError> {
    let deadline = Instant::now() + patience;
    loop {
        let answer = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match answer {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let detail = format!("no write-ahead log is possible here (but `{mode}`); use a local disk");
                return Err(StoreError::new(StoreErrorKind::Other, detail));
            }
            // Two that make the same file; for this SQLite does not wait by itself.
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < deadline =>
            {
                sleep(POLL);
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

/// A number that is another one after others have written.
fn version(connection: &Connection) -> Result<i64, StoreError> {
    connection.query_row("PRAGMA data_version", [], |row| row.get(0)).map_err(failed)
}

/// An error of opening: what can be read but not opened lacks a log, and there is none where nothing may be written.
fn not_writable(path: &Path, error: StoreError) -> StoreError {
    let unopened = error.kind == StoreErrorKind::Gone && error.detail.starts_with("unable to open");
    if !unopened || !path.is_file() || std::fs::File::open(path).is_err() {
        return error;
    }
    let detail = "its log cannot be made; make the folder writable for this process";
    StoreError::new(StoreErrorKind::ReadOnly, detail)
}

/// An error with the file that it is about.
fn placed(path: &Path, error: StoreError) -> StoreError {
    let path = path.display().to_string();
    if error.detail.contains(&path) {
        return error;
    }
    StoreError { detail: format!("{path}: {}", error.detail), ..error }
}

/// An error of what rejects nothing.
fn database_only(error: WriteError) -> StoreError {
    match error {
        WriteError::Store(error) => error,
        WriteError::Rejected(rejection) => StoreError::new(StoreErrorKind::Other, rejection.to_string()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_grow_is_full() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("r.db"), PATIENCE, &Clock::System).unwrap();
        let pages: i64 = lock(&store.writer).query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        lock(&store.writer).pragma_update(None, "max_page_count", pages + 2).unwrap();
        let event = AuthEvent {
            at: Timestamp(0),
            organisation: None,
            agent: None,
            key_prefix: None,
            action: "x".repeat(20_000),
            reason: None,
            peer: None,
            count: 1,
        };
        let refused = store.append_events(std::slice::from_ref(&event), 9).unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Full);
        assert!(refused.detail.contains("r.db") && refused.detail.ends_with("make room"), "{refused}");
        assert_eq!(store.events(&SelectEvents { limit: 9, ..Default::default() }).unwrap(), []);
        // A failure that is passed over is no commit, although SQLite has ended the transaction by itself.
        let passed_over = store.write(&mut |transaction| {
            let _ = transaction.append_event(&event);
            let _ = transaction.append_event(&AuthEvent { action: String::new(), ..event.clone() });
            Ok(())
        });
        assert!(matches!(passed_over, Err(WriteError::Store(StoreError { kind: StoreErrorKind::Full, .. }))));
        assert_eq!(store.events(&SelectEvents { limit: 9, ..Default::default() }).unwrap(), []);
    }

    #[test]
    fn questions_find_what_they_ask_for_by_an_index() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("r.db"), PATIENCE, &Clock::System).unwrap();
        let text = || Some("x".to_owned());
        let of = Select { organisation: text(), owner: None, after: text(), limit: 1 };
        let owner = Select { owner: text(), limit: 1, ..Default::default() };
        let audit = SelectAudit { organisation: text(), limit: 1, ..Default::default() };
        let events = SelectEvents { organisation: text(), limit: 1, ..Default::default() };
        let changes = format!("SELECT {ROW} FROM records WHERE seq > 5 ORDER BY seq");
        for (sql, index) in [
            (query::rows(DIALECT, Kind::Agent, &of).sql, "records_organisation"),
            (query::rows(DIALECT, Kind::Key, &owner).sql, "records_owner"),
            (query::owned(DIALECT, "x", None).sql, "records_owner"),
            (query::audit(DIALECT, &audit).sql, "audit_organisation"),
            (query::events(DIALECT, &events).sql, "auth_events_organisation"),
            (changes, "records_seq"),
        ] {
            let connection = lock(&store.writer);
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let nulls = std::iter::repeat_n(rusqlite::types::Null, statement.parameter_count());
            let plan: Vec<String> = statement
                .query_map(rusqlite::params_from_iter(nulls), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            let plan = plan.join("; ");
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    }
}
