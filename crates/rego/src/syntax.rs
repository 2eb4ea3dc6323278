//! The language: from text to a syntax tree that keeps comments and positions, and back to text.
//!
//! Reading order: [`source`] → [`ast`] → `token`, [`lexer`], `literal` → [`parser`] (with [`error`]) → [`format`](mod@format).

pub mod annotations;
pub mod ast;
pub mod diagnostic_excerpt;
pub mod error;
pub mod format;
pub mod lexer;
mod literal;
pub mod parser;
pub mod plain;
pub mod source;
pub(super) mod token;
pub mod tree_json;
pub mod visit;

pub use crate::stack::on_large_stack;
