//! X.509 certificates, certificate requests and private keys.

pub(crate) mod constraints;
pub(crate) mod functions;
pub(crate) mod go_json;
pub(crate) mod go_url;
pub(crate) mod json;
pub(crate) mod names;
pub(crate) mod parse;
pub(crate) mod private_keys;
#[cfg(test)]
mod tests;
pub(crate) mod verify;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] = &[functions::FUNCTIONS];
