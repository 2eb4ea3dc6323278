//! The registry in a database of PostgreSQL, which sidecars on several machines share.
//!
//! INVARIANT (one writer): whoever writes holds an advisory lock until the transaction ends.
//! INVARIANT (a write happens at most once): what a caller does within a transaction is never repeated, and where the connection
//! breaks while it commits, the answer is that nobody knows.
//! INVARIANT (no password shown): see [`options`].
//!
//! The client runs a small runtime of its own, so a store must be called on plain threads or those of `spawn_blocking`; on a
//! thread that drives a runtime it panics. It may be dropped anywhere.
//!
//! Deliberately absent: poolers that change the connection between transactions (prepared statements and `LISTEN` need one of
//! their own); limits on how long a server may be silent that still acknowledges packets, beyond those that it keeps to itself.
//!
//! Reading order: here → [`options`] → [`schema`] → [`session`] → [`transaction`] → [`rows`] → [`error`] → [`tls`].

mod error;
pub mod options;
mod rows;
mod schema;
mod session;
mod tls;
mod transaction;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use postgres::fallible_iterator::FallibleIterator as _;

use self::error::{failed, failed_commit};
use self::options::{PostgresOptions, Target};
use self::rows::{audit_row, event, row};
use self::session::{Session, get};
use self::transaction::Writing;
use super::progress::Progress;
use super::query::{self, AUDIT, Dialect, ROW, signed};
use super::row::{AuditRow, AuthEvent, Head, Kind, Row, Select, SelectAudit, SelectEvents};
use super::store::{Store, StoreError, StoreErrorKind, Work, WriteError};
use crate::model::clock::{Clock, Timestamp};

/// How many connections for reading are kept.
const READERS: usize = 3;
/// What reading everything may take.
const BULK: &str = "SET LOCAL statement_timeout = '10min'";
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A database of PostgreSQL.
pub struct PostgresStore {
    target: Target,
    /// `schema.`
    prefix: String,
    /// The locks of writers and of events.
    locks: (i64, i64),
    /// Where commits ring.
    channel: String,
    /// The database that was opened.
    database: String,
    writer: Mutex<Option<Session>>,
    events: Mutex<Option<Session>>,
    /// Those that nobody is using.
    readers: Mutex<Vec<Session>>,
    bell: Mutex<Option<Session>>,
}

impl PostgresStore {
    /// Opens a database, and brings its schema up to date, which is made if it is missing.
    ///
    /// # Errors
    /// The options are wrong, the server cannot be reached, or the schema is something else or newer than this program.
    pub fn open(options: &PostgresOptions, clock: &Clock) -> Result<Self, StoreError> {
        let target = Target::new(options)?;
        let mut store = Self {
            prefix: format!("{}.", target.schema),
            locks: (lock_number("writers", &target.schema), lock_number("events", &target.schema)),
            channel: format!("verdict_registry_{}", target.schema),
            database: String::new(),
            writer: Mutex::default(),
            events: Mutex::default(),
            readers: Mutex::default(),
            bell: Mutex::default(),
            target,
        };
        let opened = || {
            let mut session = Session::connect(&store.target)?;
            schema::migrate(session.client()?, &store.target.schema, store.locks.0, clock)?;
            let database = session.head(&store.target.schema)?.database;
            Ok((session, database))
        };
        let (session, database) = opened().map_err(|error| store.placed(error))?;
        store.database = database;
        *lock(&store.writer) = Some(session);
        Ok(store)
    }

    fn dialect(&self) -> Dialect<'_> {
        Dialect { marker: '$', schema: &self.prefix }
    }

    fn placed(&self, error: StoreError) -> StoreError {
        StoreError { detail: format!("{}: {}", self.place(), error.detail), ..error }
    }

    /// How far the database has come, which must be the one that was opened.
    fn head_of(&self, session: &mut Session) -> Result<Head, StoreError> {
        let head = session.head(&self.target.schema)?;
        if head.database == self.database {
            return Ok(head);
        }
        let detail = "another database has taken its place; put it back, or start verdict again";
        Err(StoreError::new(StoreErrorKind::Gone, detail))
    }

    /// Reads on a connection of the pool; once more on a new one, if that was broken.
    fn read<T>(&self, mut work: impl FnMut(&mut Session) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let kept = lock(&self.readers).pop();
        if let Some(mut session) = kept {
            match work(&mut session) {
                Err(error) if error.kind == StoreErrorKind::Gone => {
                    // The others are no better.
                    lock(&self.readers).clear();
                }
                result => return self.keep(session, result),
            }
        }
        let mut session = Session::connect(&self.target).map_err(|error| self.placed(error))?;
        let result = work(&mut session);
        self.keep(session, result)
    }

    /// Puts a connection back, unless it failed.
    fn keep<T>(&self, session: Session, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if result.is_ok() {
            let mut readers = lock(&self.readers);
            if readers.len() < READERS {
                readers.push(session);
            }
        }
        result.map_err(|error| self.placed(error))
    }

    /// Reads everything of one moment, row by row, and the head of that moment.
    fn stream<T>(
        &self,
        sql: &str,
        after: u64,
        read: fn(&postgres::Row) -> Result<T, StoreError>,
        hand: &mut dyn FnMut(T),
    ) -> Result<Head, StoreError> {
        let mut handed = false;
        self.read(|session| {
            if handed {
                let detail = "the connection broke while everything was read";
                return Err(StoreError::new(StoreErrorKind::Gone, detail));
            }
            session.run(BEGIN)?;
            session.run(BULK)?;
            let head = self.head_of(session)?;
            session.each(sql, &[&signed(after)], read, &mut |row| {
                handed = true;
                hand(row);
            })?;
            session.run("COMMIT")?;
            Ok(head)
        })
    }

    /// Begins a transaction under a lock; on a new connection, if the one that there was is broken.
    fn begin(&self, kept: Option<Session>, lock: i64) -> Result<(Session, Head), StoreError> {
        let sql =
            format!("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({lock})");
        let begin = |mut session: Session| {
            session.run(&sql)?;
            let head = self.head_of(&mut session)?;
            Ok((session, head))
        };
        match kept.map(begin) {
            Some(Err(StoreError { kind: StoreErrorKind::Gone, .. })) | None => {}
            Some(result) => return result,
        }
        begin(Session::connect(&self.target)?)
    }

    /// Writes in a transaction under a lock.
    fn transact(
        &self,
        slot: &Mutex<Option<Session>>,
        number: i64,
        work: impl FnOnce(&mut Writing<'_>) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let mut slot = lock(slot);
        // Away until the end: a connection whose transaction nobody has ended is never used again.
        let (mut session, head) = self.begin(slot.take(), number).map_err(|error| self.placed(error))?;
        let (schema, dialect) = (self.target.schema.as_str(), self.dialect());
        let mut writing = Writing { session: &mut session, schema, dialect, progress: Progress::new(head) };
        let done = work(&mut writing).and_then(|()| Ok(writing.progress.end()?));
        let moved = writing.progress.moved();
        match done {
            Ok(()) => {
                self.commit(&mut session, moved).map_err(|error| self.placed(error))?;
                *slot = Some(session);
                Ok(())
            }
            Err(WriteError::Rejected(rejection)) => {
                if session.run("ROLLBACK").is_ok() {
                    *slot = Some(session);
                }
                Err(rejection.into())
            }
            Err(WriteError::Store(error)) => Err(self.placed(error).into()),
        }
    }

    /// Commits; others are told if the head has moved.
    fn commit(&self, session: &mut Session, moved: bool) -> Result<(), StoreError> {
        if moved {
            session.run(&format!("SELECT pg_notify('{}', '')", self.channel))?;
        }
        session.client()?.batch_execute("COMMIT").map_err(failed_commit)
    }

    /// Waits for the bell.
    ///
    /// # Errors
    /// It cannot ring.
    fn listen(&self, bell: &mut Option<Session>, patience: Duration) -> Result<(), StoreError> {
        let Some(session) = bell else {
            let mut target = self.target.clone();
            target.config.connect_timeout(patience.max(Duration::from_millis(1)));
            let mut session = Session::connect(&target)?;
            session.run(&format!("LISTEN {}", self.channel))?;
            *bell = Some(session);
            // Who knows what was missed before.
            return Ok(());
        };
        let client = session.client()?;
        let rung = client.notifications().timeout_iter(patience).next().map_err(failed)?;
        if rung.is_none() && client.is_closed() {
            return Err(StoreError::new(StoreErrorKind::Gone, "the connection has ended"));
        }
        // One ring for all that has come meanwhile.
        while client.notifications().iter().next().map_err(failed)?.is_some() {}
        Ok(())
    }
}

impl Store for PostgresStore {
    fn place(&self) -> String {
        self.target.to_string()
    }

    fn head(&self) -> Result<Head, StoreError> {
        self.read(|session| self.head_of(session))
    }

    fn changes(&self, after: u64, hand: &mut dyn FnMut(Row)) -> Result<Head, StoreError> {
        let exist = if after == 0 { "AND body IS NOT NULL" } else { "" };
        let sql = format!("SELECT {ROW} FROM {}records WHERE seq > $1 {exist} ORDER BY seq", self.prefix);
        self.stream(&sql, after, row, hand)
    }

    fn write(&self, work: &mut Work<'_>) -> Result<(), WriteError> {
        self.transact(&self.writer, self.locks.0, |writing| work(writing))
    }

    fn select(&self, kind: Kind, which: &Select) -> Result<Vec<Row>, StoreError> {
        self.read(|session| session.all(&query::rows(self.dialect(), kind, which), row))
    }

    fn get(&self, kind: Kind, id: &str) -> Result<Option<Row>, StoreError> {
        let sql = format!(
            "SELECT {ROW} FROM {}records WHERE kind = $1 AND id = $2 AND body IS NOT NULL",
            self.prefix
        );
        self.read(|session| session.one(&sql, &[&kind.name(), &id], row))
    }

    fn sealed(&self, kind: Kind, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = format!(
            "SELECT sealed FROM {}records WHERE kind = $1 AND id = $2 AND sealed IS NOT NULL",
            self.prefix
        );
        self.read(|session| session.one(&sql, &[&kind.name(), &id], |found| get(found, 0)))
    }

    fn audit(&self, which: &SelectAudit) -> Result<Vec<AuditRow>, StoreError> {
        self.read(|session| session.all(&query::audit(self.dialect(), which), audit_row))
    }

    fn audit_chain(&self, hand: &mut dyn FnMut(AuditRow)) -> Result<Head, StoreError> {
        let sql = format!("SELECT {AUDIT} FROM {}audit WHERE seq > $1 ORDER BY seq", self.prefix);
        self.stream(&sql, 0, audit_row, hand)
    }

    fn append_events(&self, events: &[AuthEvent], keep: u64) -> Result<(), StoreError> {
        let written = self.transact(&self.events, self.locks.1, |writing| {
            writing.append_events(events)?;
            // Where more are kept than can be counted, none is looked for.
            let Ok(keep) = i64::try_from(keep) else { return Ok(()) };
            for which in ["IS NULL", "IS NOT NULL"] {
                let sql = format!(
                    "DELETE FROM {0}auth_events WHERE organisation {which} AND number <= (SELECT number
                     FROM {0}auth_events WHERE organisation {which} ORDER BY number DESC LIMIT 1 OFFSET $1)",
                    self.prefix
                );
                writing.session.execute(&sql, &[&keep])?;
            }
            Ok(())
        });
        written.map_err(database_only)
    }

    fn events(&self, which: &SelectEvents) -> Result<Vec<(u64, AuthEvent)>, StoreError> {
        self.read(|session| session.all(&query::events(self.dialect(), which), event))
    }

    fn note_uses(&self, uses: &[(String, Timestamp)]) -> Result<(), StoreError> {
        let keys: Vec<&str> = uses.iter().map(|(key, _)| key.as_str()).collect();
        let times: Vec<i64> = uses.iter().map(|(_, at)| at.0).collect();
        let sql = format!(
            "INSERT INTO {0}key_uses (key, at) SELECT key, max(at) FROM unnest($1::text[], $2::bigint[]) AS u (key, at)
             GROUP BY key ON CONFLICT (key) DO UPDATE SET at = excluded.at WHERE excluded.at > key_uses.at",
            self.prefix
        );
        let written = self.transact(&self.events, self.locks.1, |writing| {
            Ok(writing.session.execute(&sql, &[&keys, &times])?)
        });
        written.map_err(database_only)
    }

    fn uses(&self, keys: &[String]) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let sql = format!("SELECT key, at FROM {}key_uses WHERE key = ANY ($1)", self.prefix);
        self.read(|session| {
            let mut found = Vec::new();
            let read = |row: &postgres::Row| Ok((get(row, 0)?, Timestamp(get(row, 1)?)));
            session.each(&sql, &[&keys], read, &mut |used| found.push(used))?;
            Ok(found)
        })
    }

    fn wait(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        // One thread listens; others take the longest way.
        let Ok(mut bell) = self.bell.try_lock() else { return sleep(patience) };
        if let Err(error) = self.listen(&mut bell, patience) {
            *bell = None;
            tracing::debug!(error = %self.placed(error), "nobody rings when the registry's database changes");
            sleep(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("place", &self.place()).finish_non_exhaustive()
    }
}

/// The number of an advisory lock: of no meaning, and the same for all who use the schema.
fn lock_number(what: &str, schema: &str) -> i64 {
    let hash = digest(&SHA256, format!("verdict registry: {what} of {schema}").as_bytes());
    hash.as_ref().iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
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
