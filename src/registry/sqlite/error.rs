//! What SQLite's errors mean for the registry.

use rusqlite::{Error, ErrorCode, ffi};

use crate::registry::store::{StoreError, StoreErrorKind};

/// An error of SQLite in the registry's words.
pub(super) fn failed(error: Error) -> StoreError {
    let kind = match &error {
        Error::SqliteFailure(cause, _) => of_code(cause.code, cause.extended_code),
        Error::SqlInputError { error: cause, .. } => of_code(cause.code, cause.extended_code),
        // Something is there, but not what this program wrote.
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..)
        | Error::QueryReturnedNoRows => StoreErrorKind::Damaged,
        _ => StoreErrorKind::Other,
    };
    let mut detail = error.to_string();
    let hint = match kind {
        StoreErrorKind::Locked => "end what holds it, or try again",
        StoreErrorKind::Full => "make room",
        StoreErrorKind::ReadOnly => "make the file and its folder writable for this process",
        StoreErrorKind::Damaged => "restore it from a copy",
        _ => "",
    };
    if !hint.is_empty() {
        detail.push_str("; ");
        detail.push_str(hint);
    }
    StoreError::new(kind, detail)
}

/// An error of a `COMMIT`. Where writing the log failed for another reason than room, it may be complete nevertheless, and
/// count when it is read again.
pub(super) fn failed_commit(error: Error) -> StoreError {
    let io = matches!(error.sqlite_error_code(), Some(ErrorCode::SystemIoFailure));
    let mut error = failed(error);
    if io && error.kind != StoreErrorKind::Full {
        error.kind = StoreErrorKind::Unknown;
    }
    error
}

fn of_code(code: ErrorCode, extended: i32) -> StoreErrorKind {
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreErrorKind::Locked,
        ErrorCode::DiskFull => StoreErrorKind::Full,
        ErrorCode::SystemIoFailure if extended == ffi::SQLITE_IOERR_SHMSIZE => StoreErrorKind::Full,
        ErrorCode::ReadOnly if extended == ffi::SQLITE_READONLY_DBMOVED => StoreErrorKind::Gone,
        ErrorCode::ReadOnly => StoreErrorKind::ReadOnly,
        ErrorCode::PermissionDenied | ErrorCode::CannotOpen => StoreErrorKind::Gone,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreErrorKind::Damaged,
        _ => StoreErrorKind::Other,
    }
}
