//! Tests of a value's type, and conversions between types.

pub(crate) mod conversions;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] = &[conversions::FUNCTIONS];
