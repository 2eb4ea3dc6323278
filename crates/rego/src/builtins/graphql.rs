//! GraphQL: parsing, and validation against a schema.

pub(crate) mod functions;
pub(crate) mod lexer;
pub(crate) mod overlap;
pub(crate) mod parse_schema;
pub(crate) mod parser;
pub(crate) mod prelude;
pub(crate) mod query;
pub(crate) mod schema;
pub(crate) mod values;
pub(crate) mod variables;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] = &[functions::FUNCTIONS];
