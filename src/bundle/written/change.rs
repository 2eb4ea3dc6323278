//! What can be written, and why it was not.

use std::fmt;

use crate::bundle::error::LoadError;
use verdict_rego::{PolicyError, Value};

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A policy, new or in place of that of the same id.
    PutPolicy {
        /// Its id, which errors and records name it by.
        id: String,
        /// Its text, in Rego v1.
        source: String,
    },
    /// The end of a policy.
    DeletePolicy(
        /// Its id.
        String,
    ),
    /// A document, new or in place of what is there.
    PutData {
        /// Where, below `data`.
        path: Vec<String>,
        /// The document.
        value: Value,
        /// Only where there is none (`If-None-Match: *`).
        only_new: bool,
    },
    /// Several edits of documents, all of them or none (a part of RFC 6902).
    PatchData(
        /// In order.
        Vec<Edit>,
    ),
    /// The end of a document.
    DeleteData(
        /// Where, below `data`.
        Vec<String>,
    ),
}

/// One edit of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Where, below `data`; `-` is behind the last element of an array.
    pub path: Vec<String>,
    /// What is done there.
    pub operation: Operation,
}

/// What an edit does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Sets a member, or puts an element into an array.
    Add(Value),
    /// Takes out what is there.
    Remove,
    /// Sets what is there.
    Replace(Value),
}

/// What kind of reason there is against a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteErrorKind {
    /// A bundle owns what it is about, or it makes no sense.
    Invalid,
    /// The policies and data that would come of it are not activated.
    NotActivated,
    /// There is nothing at the path.
    NotFound,
    /// There is something at the path, and there must not be.
    Exists,
    /// The path leads through something that is no object.
    Conflict,
    /// It would be more than may be kept.
    TooLarge,
    /// It cannot be tried now, or not be kept.
    Unavailable,
}

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteError {
    /// What kind of reason it is.
    pub kind: WriteErrorKind,
    /// For the caller: lower case, no full stop.
    pub message: String,
    /// What is wrong with the policies that would come of it.
    pub errors: Vec<PolicyError>,
}

impl WriteError {
    pub(in crate::bundle) fn new(kind: WriteErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), errors: Vec::new() }
    }

    pub(in crate::bundle) fn not_activated(error: LoadError) -> Self {
        let message = match &error.bundle {
            Some(bundle) => format!("bundle `{bundle}`: {}", error.message),
            None => error.message,
        };
        Self { kind: WriteErrorKind::NotActivated, message, errors: error.errors }
    }

    pub(super) fn missing(path: &[String]) -> Self {
        let message = format!("storage_not_found_error: /{}: document does not exist", path.join("/"));
        Self::new(WriteErrorKind::NotFound, message)
    }
}

impl std::error::Error for WriteError {}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
