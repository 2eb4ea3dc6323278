//! Reads a YAML or JSON document into a tree that knows file, line and column of every value, and from there into typed
//! values; every error says where.
//!
//! INVARIANT (nothing is ignored): a key that the target type does not know is an error, and so is a key that stands twice.
//! INVARIANT (bounded): size of a file, nesting and what aliases repeat are bounded; time grows with the length of the text.
//! INVARIANT (no secret is shown): URLs are shown without user, query and fragment, lines that may hold keys not at all.
//!
//! JSON is read as the YAML that it also is. A tree may be put together from several layers, as the configuration is; a
//! document alone is one layer, its file. Deliberately absent: what any key means.
//!
//! Reading order: `file` (the entry) → `tree` → `yaml` → `typed` → `flaw` → `problem` → `suggest`, `hint`, `mask`.

pub(crate) mod file;
pub(crate) mod flaw;
pub(crate) mod hint;
pub(crate) mod mask;
pub(crate) mod problem;
pub(crate) mod suggest;
pub(crate) mod tree;
pub(crate) mod typed;
pub(crate) mod yaml;

#[cfg(test)]
pub(crate) use file::read_text;
pub use file::{Tree, read_file};
pub use problem::Problem;
