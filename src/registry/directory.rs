//! Where records come from, whatever keeps them.

use std::fmt;
use std::sync::Arc;

use super::records::{Counts, Records};
use crate::model::clock::Timestamp;

/// A source of records.
pub trait Directory: fmt::Debug + Send + Sync {
    /// The records in force. A call takes them once, so that it sees one version.
    fn records(&self) -> Arc<Records>;

    /// How the source is doing.
    fn status(&self) -> Status;
}

/// How a source is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Where the records come from, e.g. the path of the file.
    pub source: String,
    /// Counts the versions that came into force, from 1.
    pub generation: u64,
    /// How many records there are.
    pub counts: Counts,
    /// When the source was last read with success.
    pub last_success: Option<Timestamp>,
    /// Why what the source says now is not in force; none where it is.
    pub last_error: Option<String>,
}
