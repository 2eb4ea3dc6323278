//! `strings.render_template`: templates as Go's `text/template` has them.
//!
//! Reading order: `lexer` → `values` → `functions` → `parse` → `run`.

pub(crate) mod functions;
pub(crate) mod lexer;
pub(crate) mod parse;
pub(crate) mod run;
pub(crate) mod values;
