//! Errors of the JSON reader.

/// The most levels of arrays and objects that a document may have.
pub const MAX_DEPTH: u8 = 64;

/// Why a JSON text was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line}, column {column}")]
pub struct JsonError {
    /// What was wrong: lower case, no full stop.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
}

impl JsonError {
    pub(super) fn at(text: &[u8], offset: usize, message: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        Self { message, line, column }
    }
}
