//! YAML: reading and writing, as OPA's library does.

pub(crate) mod functions;
pub(crate) mod read;
pub(crate) mod resolve;
pub(crate) mod text;
pub(crate) mod write;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] = &[functions::FUNCTIONS];
