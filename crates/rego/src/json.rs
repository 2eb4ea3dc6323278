//! Values as JSON text, both ways.

mod convert;
mod error;
mod interoperable;
mod read;
mod serialize;
mod write;

pub use error::{JsonError, MAX_DEPTH};
pub(crate) use interoperable::{is_interoperable, lossy};
pub use read::{read, read_nested};
pub use write::{Escape, write, write_escaped};

#[cfg(test)]
mod tests;
