//! Where the databases of a test are.

use std::path::PathBuf;
use std::time::Duration;

use ::postgres::Client;
use rusqlite::Connection;
use tempfile::TempDir;
use verdict::model::clock::{Clock, Timestamp};
use verdict::registry::postgres::options::PostgresOptions;
use verdict::registry::store::{Store, StoreError};
use verdict::registry::{PostgresStore, SqliteStore};

use crate::harness::postgres;

/// When every schema of a test is made.
pub const MADE: Timestamp = Timestamp(1_700_000_000_000_000_000);

/// A database of one test, which may be opened several times, as by several processes.
pub trait Place: Sync {
    fn try_open(&self) -> Result<Box<dyn Store>, StoreError>;

    fn open(&self) -> Box<dyn Store> {
        self.try_open().unwrap()
    }

    /// Runs SQL past the store. `{audit}` and the like stand for the names of tables.
    fn sql(&self, sql: &str) -> Result<(), String>;

    /// A number that SQL says.
    fn number(&self, sql: &str) -> i64;
}

pub struct Sqlite {
    dir: TempDir,
    pub patience: Duration,
}

impl Sqlite {
    pub fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), patience: Duration::from_secs(30) }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("state/registry.db")
    }

    pub fn connection(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(30)).unwrap();
        connection
    }
}

impl Place for Sqlite {
    fn try_open(&self) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(SqliteStore::open(&self.path(), self.patience, &Clock::fixed(MADE))?))
    }

    fn sql(&self, sql: &str) -> Result<(), String> {
        self.connection().execute_batch(&sql.replace(['{', '}'], "")).map_err(|error| error.to_string())
    }

    fn number(&self, sql: &str) -> i64 {
        self.connection().query_row(&sql.replace(['{', '}'], ""), [], |row| row.get(0)).unwrap()
    }
}

pub struct Postgres {
    server: &'static postgres::Postgres,
    pub database: String,
    pub patience: Duration,
}

impl Postgres {
    /// `None`, and a message, where there is no server on this machine.
    pub fn new() -> Option<Self> {
        let server = postgres::Postgres::shared()?;
        let (database, patience) = (server.database(), Duration::from_secs(30));
        Some(Self { server, database, patience })
    }

    pub fn options(&self) -> PostgresOptions {
        let mut options = PostgresOptions::new(self.server.url(&self.database));
        options.patience = self.patience;
        options
    }

    pub fn client(&self) -> Client {
        self.server.connect(&self.database).unwrap()
    }
}

impl Place for Postgres {
    fn try_open(&self) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(PostgresStore::open(&self.options(), &Clock::fixed(MADE))?))
    }

    fn sql(&self, sql: &str) -> Result<(), String> {
        let said = |error: ::postgres::Error| error.as_db_error().unwrap().message().to_owned();
        self.client().batch_execute(&named(sql)).map_err(said)
    }

    fn number(&self, sql: &str) -> i64 {
        self.client().query_one(&named(sql), &[]).unwrap().get(0)
    }
}

/// SQL with the names of tables.
fn named(sql: &str) -> String {
    sql.replace('{', "verdict.").replace('}', "")
}
