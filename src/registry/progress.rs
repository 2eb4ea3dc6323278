//! What a transaction has done so far, and whether it may end like that: the rules that databases have in common.
//!
//! INVARIANT (all or nothing, with its audit entry): rows change only together with one entry of the audit log, and all of
//! them bear its number, which is the next one.
//! INVARIANT (no going on): once the database has failed in a transaction, nothing more happens in it. A database may have ended
//! the transaction by itself, and what follows would be one of its own.

use super::row::{AuditRow, Head, Row};
use super::store::{StoreError, StoreErrorKind};

/// The state of one transaction.
#[derive(Debug)]
pub(super) struct Progress {
    head: Head,
    changed: bool,
    audited: bool,
    failure: Option<StoreError>,
}

impl Progress {
    /// A transaction that begins here.
    pub(super) const fn new(head: Head) -> Self {
        Self { head, changed: false, audited: false, failure: None }
    }

    /// Where it began.
    pub(super) const fn head(&self) -> &Head {
        &self.head
    }

    /// Notes a row that is to be put.
    ///
    /// # Errors
    /// The row bears the number of another commit.
    pub(super) fn put(&mut self, row: &Row) -> Result<(), StoreError> {
        self.check(row.seq, "a row")?;
        self.changed = true;
        Ok(())
    }

    /// Notes an entry that is to be appended to the audit log.
    ///
    /// # Errors
    /// It bears another number, or is not the first.
    pub(super) fn audit(&mut self, entry: &AuditRow) -> Result<(), StoreError> {
        self.check(entry.seq, "an audit entry")?;
        if std::mem::replace(&mut self.audited, true) {
            return self.run(|| Err(wrong(format!("a second audit entry for commit {}", entry.seq))));
        }
        Ok(())
    }

    /// Asks the database for something, unless it has failed before.
    ///
    /// # Errors
    /// It fails, or has failed.
    pub(super) fn run<T>(&mut self, step: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        step().inspect_err(|error| self.failure = Some(error.clone()))
    }

    /// Whether it moves the head.
    pub(super) const fn moved(&self) -> bool {
        self.audited
    }

    /// Whether it may be committed.
    ///
    /// # Errors
    /// The database failed, or rows were changed without an audit entry.
    pub(super) fn end(&mut self) -> Result<(), StoreError> {
        let alone = self.changed && !self.audited;
        self.run(|| {
            if alone { Err(wrong("rows were changed without an audit entry".to_owned())) } else { Ok(()) }
        })
    }

    fn check(&mut self, seq: u64, what: &str) -> Result<(), StoreError> {
        let next = self.head.seq.saturating_add(1);
        self.run(|| {
            if seq == next {
                return Ok(());
            }
            Err(wrong(format!("{what} has the number {seq}, but the next commit is {next}")))
        })
    }
}

fn wrong(detail: String) -> StoreError {
    StoreError::new(StoreErrorKind::Other, detail)
}
