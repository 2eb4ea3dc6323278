//! The built-in functions of Rego, as OPA has them.
//!
//! INVARIANT (bounded): arguments that would take seconds or gigabytes are errors; what runs long looks at the deadline.
//! INVARIANT (made once): what a call makes of constant operands alone is made at load (`context::Prepare`).
//!
//! Dependences point one way: `error` → `effects` → `context` (what a built-in is) → `operand`, `kept` → the families →
//! `table`. Each family is a folder; its facade declares name, type, function and flags of its built-ins, and `table`
//! collects them.

pub mod capabilities;
pub(crate) mod context;
mod declaration;
pub(crate) mod error;
mod kept;
pub(crate) mod operand;
pub(crate) mod signature;
pub(crate) mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod versions;

mod collections;
mod crypto;
mod encoding;
mod graphql;
pub(crate) mod http;
mod json;
mod jwt;
mod net;
mod numbers;
mod pattern;
mod policy;
pub(crate) mod text;
mod time;
mod types;
mod x509;
pub(crate) mod yaml;

#[cfg(test)]
pub(crate) use pattern::compiled::tests::count as compiled_expressions;
