//! Numbers: arithmetic, comparison, bits, ranges, and numbers with units.

pub(crate) mod arithmetic;
pub(crate) mod bits;
pub(crate) mod integers;
pub(crate) mod units;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] =
    &[arithmetic::FUNCTIONS, bits::FUNCTIONS, integers::FUNCTIONS, units::FUNCTIONS];
