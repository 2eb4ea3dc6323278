//! What the tests of databases write and read.

use verdict::model::clock::Timestamp;
use verdict::registry::row::{AuditRow, AuthEvent, Head, Kind, Row};
use verdict::registry::store::{Store, StoreError, StoreErrorKind, Transaction, WriteError};

pub fn row(seq: u64, kind: Kind, id: &str, body: &str) -> Row {
    let (id, body) = (id.to_owned(), Some(body.to_owned()));
    Row { kind, id, organisation: None, owner: None, seq, body, sealed: None }
}

pub fn tombstone(seq: u64, kind: Kind, id: &str) -> Row {
    Row { body: None, ..row(seq, kind, id, "") }
}

pub fn entry(seq: u64, organisation: Option<&str>, action: &str) -> AuditRow {
    AuditRow {
        seq,
        at: at(seq),
        organisation: organisation.map(str::to_owned),
        action: action.to_owned(),
        body: format!("{{\"n\":{seq},\"action\":\"{action}\"}}"),
        hash: hash(seq),
    }
}

pub fn event(n: u64, organisation: Option<&str>, action: &str) -> AuthEvent {
    AuthEvent {
        at: at(n),
        organisation: organisation.map(str::to_owned),
        agent: organisation.map(|of| format!("agent of {of}")),
        key_prefix: Some("vk_12345".into()),
        action: action.into(),
        reason: organisation.is_none().then(|| "unknown_key".into()),
        peer: Some("127.0.0.1".into()),
        count: n,
    }
}

pub fn at(seq: u64) -> Timestamp {
    Timestamp(1_800_000_000_000_000_000 + i64::try_from(seq).unwrap())
}

pub fn hash(seq: u64) -> [u8; 32] {
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&seq.to_be_bytes());
    hash
}

pub fn mac(seq: u64) -> [u8; 32] {
    hash(seq).map(|byte| !byte)
}

/// Commits something with its audit entry; the number of the commit.
pub fn commit(
    store: &dyn Store,
    work: &mut dyn FnMut(&mut dyn Transaction, u64) -> Result<(), WriteError>,
) -> Result<u64, WriteError> {
    let mut done = 0;
    store.write(&mut |transaction| {
        done = transaction.head().seq + 1;
        work(transaction, done)?;
        transaction.append_audit(&entry(done, None, "test.write"), &mac(done))?;
        Ok(())
    })?;
    Ok(done)
}

/// Commits these rows, whatever their numbers.
pub fn put(store: &dyn Store, rows: &[Row]) -> u64 {
    let put = &mut |transaction: &mut dyn Transaction, seq| {
        for row in rows {
            transaction.put(&Row { seq, ..row.clone() })?;
        }
        Ok(())
    };
    commit(store, put).unwrap()
}

/// Changes after a commit, with the head.
pub fn changes(store: &dyn Store, after: u64) -> (Vec<Row>, Head) {
    let mut rows = Vec::new();
    let head = store.changes(after, &mut |row| rows.push(row)).unwrap();
    (rows, head)
}

pub fn ids(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

pub fn kind_of(result: Result<impl std::fmt::Debug, WriteError>) -> StoreErrorKind {
    match result.unwrap_err() {
        WriteError::Store(StoreError { kind, .. }) => kind,
        WriteError::Rejected(rejection) => panic!("{rejection}"),
    }
}
