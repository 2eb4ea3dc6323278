//! Input and output of the compiler: declared built-ins, and findings.

use super::ir::{Builtin, Place};

/// A finding: code, message, place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// As OPA names it, e.g. `rego_unsafe_var_error`.
    pub code: &'static str,
    /// What was wrong.
    pub message: String,
    /// Where.
    pub place: Place,
}

/// A built-in as the compiler sees it.
#[derive(Debug, Clone)]
pub struct Declared {
    /// What is called.
    pub builtin: Builtin,
    /// How many arguments it takes.
    pub arity: usize,
}

/// Finds a built-in by its name.
pub type Builtins<'a> = &'a dyn Fn(&str) -> Option<Declared>;
