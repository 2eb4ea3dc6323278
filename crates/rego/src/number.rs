//! Numbers as OPA has them: kept in the text they came with, compared by value.
//!
//! Whole numbers are computed with exactly, all others as binary floating point with 64 bits of mantissa.
//!
//! Reading order: `bounds` → `decimal` → `repr` (what a [`Number`] is) → `float`, `shortest` → `arithmetic`.

mod arithmetic;
mod bounds;
mod decimal;
mod float;
mod repr;
mod shortest;

pub use bounds::NumberError;
pub use repr::Number;

#[cfg(test)]
mod tests;
