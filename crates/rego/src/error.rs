//! Errors of policy and of evaluations.

use serde::Serialize;

/// Where in a policy something is. Rows and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Location {
    /// The file, by the name of its [`Module`](crate::Module).
    pub file: String,
    /// The line, from 1.
    pub row: u32,
    /// The column, from 1.
    pub col: u32,
}

/// One error of a policy, in the shape that OPA's clients know (`code`, `message`, `location`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyError {
    /// OPA's code, e.g. `eval_builtin_error`, `eval_conflict_error`, `eval_cancel_error`.
    pub code: &'static str,
    /// What went wrong.
    pub message: String,
    /// Where, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// The kinds of errors that end an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvalErrorKind {
    /// The policy failed: a built-in's error, a conflict, the limit of depth or of memory.
    Policy,
    /// The deadline passed.
    Deadline,
    /// The evaluator panicked: a defect.
    Panic,
}

/// An error that ended an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    /// Which kind.
    pub kind: EvalErrorKind,
    /// Lower case, no full stop.
    pub message: String,
    /// The policy's own error, where it was one.
    pub policy: Option<Box<PolicyError>>,
}

impl EvalError {
    pub(crate) fn new(kind: EvalErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), policy: None }
    }
}
