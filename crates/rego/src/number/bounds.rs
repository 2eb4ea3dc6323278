//! Limits of numbers, and errors of operations.

use std::fmt;

/// The longest text of a number, in bytes.
pub const MAX_TEXT: usize = 16_384;
/// The most digits between the first and the last one that is not zero.
pub const MAX_DIGITS: usize = 4_096;
/// The greatest power of ten of the first digit that is not zero, and the negative of the least.
pub const MAX_MAGNITUDE: i32 = 10_000;

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberError {
    /// A division by zero.
    DivideByZero,
    /// A remainder of numbers that are not whole.
    NotWhole,
    /// A result beyond the bounds of numbers, as repeated squaring comes to.
    TooLarge,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DivideByZero => "divide by zero",
            Self::NotWhole => "modulo on floating-point number",
            Self::TooLarge => "number too large",
        })
    }
}

impl std::error::Error for NumberError {}
