//! JSON Web Tokens (RFC 7519): `io.jwt.*`.

pub(crate) mod constraints;
pub(crate) mod header;
pub(crate) mod keys;
pub(crate) mod sign;
#[cfg(test)]
mod tests;
pub(crate) mod token;
pub(crate) mod verify;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] = &[token::FUNCTIONS, sign::FUNCTIONS, verify::FUNCTIONS];
