//! Something that is wrong, and what to do about it.

use serde::Serialize;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// For programs: one word for each kind.
    pub code: &'static str,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub hint: String,
}

impl Problem {
    /// Something that is wrong, and what to do.
    pub fn new(code: &'static str, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, problem: problem.into(), hint: hint.into() }
    }
}
