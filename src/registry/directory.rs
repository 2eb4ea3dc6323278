//! Where records come from, whatever keeps them.

use std::fmt;
use std::sync::Arc;

use super::auth_log::AuthLog;
use super::records::{Counts, Records};
use crate::model::clock::Timestamp;

/// A source of records.
pub trait Directory: fmt::Debug + Send + Sync {
    /// The records in force. A call takes them once, so that it sees one version.
    ///
    /// # Errors
    /// [`TooOld`]: nobody may rely on them.
    fn records(&self) -> Result<Arc<Records>, TooOld>;

    /// How the source is doing.
    fn status(&self) -> Status;

    /// Where attempts to authenticate are noted, if anywhere.
    fn auth_log(&self) -> Option<Arc<AuthLog>> {
        None
    }
}

/// What is known was not confirmed for longer than is allowed: what was revoked since may not be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the registry has not been reached for too long")]
pub struct TooOld;

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
