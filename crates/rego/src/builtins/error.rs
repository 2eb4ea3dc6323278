//! Errors of built-ins.

use std::fmt;

use crate::value::Value;

/// Why a built-in gave no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What kind of error.
    pub kind: Kind,
    /// Without the built-in's name, which the caller puts before it.
    pub message: String,
}

/// Kinds of errors, as OPA has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An operand is of the wrong type: `eval_type_error`.
    Type,
    /// The built-in failed: `eval_builtin_error`.
    Builtin,
    /// There are several results where there may be one: `eval_conflict_error`. Never turned into undefined.
    Conflict,
    /// The result would be larger than `Context::max_bytes`. Never turned into undefined.
    TooLarge,
    /// The deadline has passed: `eval_cancel_error`. Never turned into undefined.
    Cancelled,
}

impl Error {
    /// An error.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The built-in failed.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self::new(Kind::Builtin, message.to_string())
    }

    /// Operand `position` (from 1) is of another type than `wanted`: OPA's words.
    pub fn operand(position: usize, wanted: &str, got: &Value) -> Self {
        let got = got.type_name();
        Self::new(Kind::Type, format!("operand {position} must be {wanted} but got {got}"))
    }
}
