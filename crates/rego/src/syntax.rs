//! The language: from text to a syntax tree that keeps comments and positions, and back to text.
//!
//! Reading order: [`Source`] → [`ast`] → `token`, `lexer`, `literal` → [`parser`] (with [`Error`] and `hints`) → [`format`](mod@format).

pub mod annotations;
pub mod ast;
pub(crate) mod diagnostic_excerpt;
pub(crate) mod error;
pub mod format;
pub(crate) mod hints;
pub(crate) mod keywords;
pub(crate) mod lexer;
mod literal;
pub mod parser;
pub(crate) mod plain;
pub(crate) mod source;
pub(crate) mod token;
pub mod tree_json;
mod unfinished;
pub mod visit;

pub use crate::stack::on_large_stack;
pub use error::Error;
pub use keywords::{Features, Keywords};
pub use plain::plain;
pub use source::{Source, Span};
pub use unfinished::is_unfinished;
