//! YAML, read with the core schema of YAML 1.2 and as OPA reads it: numbers may have `_`, `0b` and `0x`; `<<` merges; of a
//! key that is there twice the last value counts; a tag of one's own says nothing; the first document counts, and the rest
//! must be YAML, too.
//!
//! INVARIANT (one meaning): [`resolve`] alone decides what a scalar is. Data, inputs, annotations, configuration and the
//! built-ins all ask it, so that one text never means two things.
//! INVARIANT (bounded): time grows with the length of the text; levels, and what aliases add, are bounded.
//!
//! Reading order: `prepare` (what may stand in a text, and its `tabs`) → `scalar` → `bounds` → `read`.

mod bounds;
mod error;
mod prepare;
mod read;
mod scalar;
mod tabs;
#[cfg(test)]
mod tests;

pub use error::YamlError;
pub use prepare::prepare;
pub(crate) use read::read_strictly;
pub use read::{read, read_data, read_exchanged};
pub(crate) use scalar::general;
pub use scalar::{Scalar, resolve};
