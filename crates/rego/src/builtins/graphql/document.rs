//! Shared by the validation rules for queries: the document under validation, and how a rule reports a fault.

use std::collections::BTreeMap;

use super::schema::{Schema, Wrong, member};
use crate::builtins::context::Context;
use crate::builtins::error::Error;
use crate::value::Value;

/// Why a check ended.
pub enum Stop {
    /// The query is wrong.
    Wrong(Wrong),
    /// The check took too long.
    Error(Error),
}

impl From<Wrong> for Stop {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// A result of a check.
pub type Check = Result<(), Stop>;

/// A wrong query.
pub fn wrong(node: &Value, message: String) -> Check {
    Err(Stop::Wrong(Wrong::at(node, message)))
}

/// What a check needs.
pub struct Query<'a> {
    /// The schema.
    pub schema: &'a Schema<'a>,
    /// By name.
    pub fragments: BTreeMap<&'a str, &'a Value>,
    /// In their order.
    pub operations: &'a [Value],
    /// For the deadline.
    pub context: &'a Context,
}

/// The most levels of a query; texts have fewer, but queries may come as objects, too.
pub const MAX_DEPTH: usize = 400;

/// What a selection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// A field.
    Field,
    /// Selections for a type.
    Inline,
    /// A fragment by its name.
    Spread,
}

/// What a selection is; its members tell.
pub fn selection_kind(selection: &Value) -> Selection {
    if member(selection, "Alias") != &Value::Null {
        Selection::Field
    } else if member(selection, "Name") != &Value::Null {
        Selection::Spread
    } else {
        Selection::Inline
    }
}
