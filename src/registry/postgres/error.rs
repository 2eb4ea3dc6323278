//! What PostgreSQL's errors mean for the registry.

use std::error::Error as _;

use postgres::Error;
use postgres::error::SqlState;

use crate::registry::store::{StoreError, StoreErrorKind};

/// An error of PostgreSQL in the registry's words: without what was sent.
pub(super) fn failed(error: Error) -> StoreError {
    let kind = match error.code() {
        Some(state) => of_state(state),
        // Neither connected nor answered; else an answer that is not what was asked for.
        None if error.is_closed() || of_connection(&error) => StoreErrorKind::Gone,
        None => StoreErrorKind::Other,
    };
    StoreError::new(kind, said(&error))
}

/// An error of a `COMMIT`: what the server did not refuse may have happened.
pub(super) fn failed_commit(error: Error) -> StoreError {
    let mut error = failed(error);
    if error.kind == StoreErrorKind::Gone {
        error.kind = StoreErrorKind::Unknown;
    }
    error
}

/// An answer that is not what this program has written.
pub(super) fn damaged(detail: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Damaged, detail)
}

fn of_connection(error: &Error) -> bool {
    let text = error.to_string();
    let of_io = error.source().is_some_and(|source| source.is::<std::io::Error>());
    of_io || text.starts_with("error connecting") || text.starts_with("error performing TLS")
}

fn said(error: &Error) -> String {
    let Some(said) = error.as_db_error() else {
        let mut text = error.to_string();
        // The cause, unless it is there already.
        if let Some(source) = error.source().map(ToString::to_string)
            && !text.contains(&source)
        {
            text = format!("{text}: {source}");
        }
        return text;
    };
    let hint = match of_state(said.code()) {
        StoreErrorKind::Locked => "; end what holds it, or try again",
        StoreErrorKind::Full => "; make room",
        StoreErrorKind::ReadOnly => "; name a server and a role that may write",
        _ => "",
    };
    format!("{} ({}){hint}", said.message(), said.code().code())
}

fn of_state(state: &SqlState) -> StoreErrorKind {
    match state.code() {
        // A lock, a serialization, or a deadlock.
        "55P03" | "40001" | "40P01" => StoreErrorKind::Locked,
        "53100" => StoreErrorKind::Full,
        "25006" | "42501" => StoreErrorKind::ReadOnly,
        // It has been shut down, or ended this connection; has no room for more; refuses the password; has no such
        // database, schema or table.
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "53300" | "28000" | "28P01" | "3D000"
        | "3F000" | "42P01" => StoreErrorKind::Gone,
        "42703" | "22P02" | "22P03" | "XX001" | "XX002" => StoreErrorKind::Damaged,
        code if code.starts_with("08") => StoreErrorKind::Gone,
        _ => StoreErrorKind::Other,
    }
}
