//! What can go wrong with the log, at the start and later.

use std::io;
use std::path::PathBuf;

use uuid::Uuid;

use crate::model::failure::{Failure, FailureKind};

/// Why the decision log cannot be set up as configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// `labels` names what Verdict sets itself.
    #[error("`{0}` is set by Verdict itself; choose another name")]
    ReservedLabel(String),
    /// The file cannot be used; the text names it.
    #[error(transparent)]
    File(FileError),
    /// The file of refusals cannot be used; the text names it.
    #[error("{0}; it lies beside `decision_log.file.path` unless it is set")]
    RefusalsFile(FileError),
    /// The system has no thread for the log.
    #[error("no thread: {0}")]
    Thread(io::Error),
    /// Standard output cannot be used.
    #[error("cannot use standard output: {0}; set it to `off`, or give the process one")]
    Stdout(io::Error),
    /// The labels cannot be written as JSON.
    #[error("the labels have no form in JSON: {0}")]
    Labels(serde_json::Error),
}

impl ConfigError {
    /// The key of the configuration that it is about.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::ReservedLabel(_) | Self::Labels(_) => "decision_log.labels",
            Self::File(_) => "decision_log.file.path",
            Self::RefusalsFile(_) => "decision_log.refusals.path",
            Self::Thread(_) => "decision_log",
            Self::Stdout(_) => "decision_log.console",
        }
    }
}

/// Why a log file cannot be opened or kept.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file's folder cannot be made.
    #[error("cannot create the folder `{}`: {source}", path.display())]
    CreateFolder {
        /// The folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The path names a folder.
    #[error("`{}` is a directory; name a file in it, e.g. `{}`", .0.display(), .0.join("decisions.log").display())]
    Directory(PathBuf),
    /// The file cannot be opened for reading and appending.
    #[error("cannot open `{}`: {source}; verdict must be able to read it and append to it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Another process has it.
    #[error("`{}` is written by another process; give each one its own file", .0.display())]
    InUse(PathBuf),
    /// It ends in the middle of a line that no decision log has.
    #[error("`{}` ends in a line that is no decision record; is it another program's file?", .0.display())]
    NotALog(PathBuf),
    /// Its torn last line cannot be removed.
    #[error("cannot remove the torn last record of `{}`: {source}", path.display())]
    Repair {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// A decision that the log did not take: the edge must not give it, and answers 503 instead.
///
/// Says nothing of why, since callers see it; the reason is in the diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the decision could not be recorded, so it is not given")]
pub struct Unrecorded {
    /// The decision's id, for the answer.
    pub id: Uuid,
}

impl Unrecorded {
    /// The same as the edges' common currency.
    pub fn failure(self) -> Failure {
        Failure::new(FailureKind::RecordUnavailable, self.to_string())
    }
}
