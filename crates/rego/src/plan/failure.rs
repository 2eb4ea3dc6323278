//! Why an evaluation failed.

use super::ir::Place;

/// An evaluation that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// As OPA names it: `eval_conflict_error`, `eval_builtin_error`, `eval_type_error`, `eval_cancel_error`.
    pub code: &'static str,
    /// What was wrong.
    pub message: String,
    /// Where.
    pub place: Place,
}

impl Failure {
    /// Whether a built-in failed, rather than the rules themselves or the time.
    pub(super) fn is_of_builtin(&self) -> bool {
        matches!(self.code, "eval_builtin_error" | "eval_type_error")
    }
}
