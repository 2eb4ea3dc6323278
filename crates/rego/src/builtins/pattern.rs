//! Patterns: regular expressions as Go has them, and globs.

pub(crate) mod glob;
pub(crate) mod glob_intersection;
pub(crate) mod regex;
pub(crate) mod regex_escapes;
pub(crate) mod regex_syntax;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] = &[glob::FUNCTIONS, regex::FUNCTIONS];
