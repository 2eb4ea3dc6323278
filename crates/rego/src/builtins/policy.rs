//! What policy can ask about policy, and about what it runs in.

pub(crate) mod parse_module;
pub(crate) mod runtime;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] = &[parse_module::FUNCTIONS, runtime::FUNCTIONS];
