//! What keeps the registry: a database behind a trait.
//!
//! INVARIANT (one writer): [`Store::write`] overlaps with no other, of whatever process.
//! INVARIANT (all or nothing): what one call of it changed is there as a whole, or not at all; with it its audit entry.
//! INVARIANT (nothing half read): [`Store::changes`] reads rows and head of one moment.
//! INVARIANT (forward only): a database of a newer schema is refused, and an older one is brought up to date when it is opened.
//!
//! Deliberately absent: what rows mean, who may change them, and every rule about them; a store knows rows, not records.
//!
//! All of it blocks: callers are threads that may.

use std::fmt;
use std::time::Duration;

use super::row::{AuditRow, AuthEvent, Head, Kind, Row, Select, SelectAudit, SelectEvents};
use crate::model::clock::Timestamp;

/// A database.
pub trait Store: Send + Sync + fmt::Debug {
    /// Where it is, without secrets, e.g. `sqlite:.verdict/registry.db`.
    fn place(&self) -> String;

    /// How far it has come.
    ///
    /// # Errors
    /// [`StoreError`].
    fn head(&self) -> Result<Head, StoreError>;

    /// Hands `each` every row that changed after the commit `after`, deleted ones too (but with `after` 0 only those that exist), in the
    /// order of their commits; returns the head that they lead to. Without what is sealed.
    ///
    /// # Errors
    /// [`StoreError`]; what was handed over so far is then part of nothing.
    fn changes(&self, after: u64, each: &mut dyn FnMut(Row)) -> Result<Head, StoreError>;

    /// Runs `work` in a transaction of its own, and commits it if that goes well; else nothing of it stays. `work` is called
    /// once. Other processes are told.
    ///
    /// # Errors
    /// What `work` returned, or [`StoreError`].
    fn write(&self, work: &mut Work<'_>) -> Result<(), WriteError>;

    /// The rows of a kind that exist.
    ///
    /// # Errors
    /// [`StoreError`].
    fn select(&self, kind: Kind, which: &Select) -> Result<Vec<Row>, StoreError>;

    /// One row, if it exists. Without what is sealed.
    ///
    /// # Errors
    /// [`StoreError`].
    fn get(&self, kind: Kind, id: &str) -> Result<Option<Row>, StoreError>;

    /// What is sealed with a row.
    ///
    /// # Errors
    /// [`StoreError`].
    fn sealed(&self, kind: Kind, id: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Entries of the audit log, the latest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn audit(&self, which: &SelectAudit) -> Result<Vec<AuditRow>, StoreError>;

    /// Hands `each` every entry of the audit log from the first on, and returns the head of the same moment.
    ///
    /// # Errors
    /// [`StoreError`].
    fn audit_chain(&self, each: &mut dyn FnMut(AuditRow)) -> Result<Head, StoreError>;

    /// Appends events, and then deletes the oldest beyond `keep` of those that name an organisation and of those that
    /// name none, each for itself. With `u64::MAX` none is deleted, nor looked for.
    ///
    /// # Errors
    /// [`StoreError`].
    fn append_events(&self, events: &[AuthEvent], keep: u64) -> Result<(), StoreError>;

    /// Events with their numbers, the latest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn events(&self, which: &SelectEvents) -> Result<Vec<(u64, AuthEvent)>, StoreError>;

    /// Notes when keys were last used. A time before the one that is noted changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    fn note_uses(&self, uses: &[(String, Timestamp)]) -> Result<(), StoreError>;

    /// When these keys were last used, for those that were.
    ///
    /// # Errors
    /// [`StoreError`].
    fn uses(&self, keys: &[String]) -> Result<Vec<(String, Timestamp)>, StoreError>;

    /// Waits until another process may have written, at most `patience`. Wrong alarms are allowed, and so are missed ones.
    fn wait(&self, patience: Duration);
}

/// What is done within one transaction.
pub type Work<'a> = dyn FnMut(&mut dyn Transaction) -> Result<(), WriteError> + 'a;

/// A transaction that is under way.
pub trait Transaction {
    /// The head that it began with.
    fn head(&self) -> &Head;

    /// One row as it is now, if it exists, with what is sealed.
    ///
    /// # Errors
    /// [`StoreError`].
    fn get(&mut self, kind: Kind, id: &str) -> Result<Option<Row>, StoreError>;

    /// The rows that exist with this owner, of one kind or of all. With what is sealed.
    ///
    /// # Errors
    /// [`StoreError`].
    fn owned(&mut self, owner: &str, kind: Option<Kind>) -> Result<Vec<Row>, StoreError>;

    /// The rows that exist of a kind, with what is sealed: for what must be done to all of them. In the order of their ids, at
    /// most `limit` of those after `after`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn all(&mut self, kind: Kind, after: Option<&str>, limit: u32) -> Result<Vec<Row>, StoreError>;

    /// Puts a row in its place, or, without body, marks it as deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put(&mut self, row: &Row) -> Result<(), StoreError>;

    /// Appends to the audit log, which also moves the head.
    ///
    /// # Errors
    /// [`StoreError`].
    fn append_audit(&mut self, entry: &AuditRow, mac: &[u8; 32]) -> Result<(), StoreError>;

    /// Appends an event, with the transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    fn append_event(&mut self, event: &AuthEvent) -> Result<(), StoreError>;
}

/// Why a database did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct StoreError {
    /// What sort of trouble it is.
    pub kind: StoreErrorKind,
    /// What the database says, without passwords.
    pub detail: String,
}

impl StoreError {
    /// An error of this kind.
    pub fn new(kind: StoreErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// What sort of trouble a database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreErrorKind {
    /// Others hold it for too long.
    #[error("the registry's database is locked by another process")]
    Locked,
    /// There is no room.
    #[error("the registry's disk is full")]
    Full,
    /// It cannot be written.
    #[error("the registry's database is read-only")]
    ReadOnly,
    /// Its file has vanished or been replaced, or its server cannot be reached.
    #[error("the registry's database cannot be reached")]
    Gone,
    /// It is of a newer version of Verdict.
    #[error("the registry's database has a newer schema than this version of verdict knows; upgrade verdict")]
    NewerSchema,
    /// It is no database of a registry, or is broken.
    #[error("the registry's database is damaged, or is something else")]
    Damaged,
    /// The connection broke while it committed: it may have happened or not.
    #[error("it is not known whether the registry's database committed the change")]
    Unknown,
    /// Something else.
    #[error("the registry's database failed")]
    Other,
}

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The change is not allowed or not possible.
    #[error(transparent)]
    Rejected(#[from] super::rejection::Rejection),
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
