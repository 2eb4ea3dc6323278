//! Digests, message authentication codes, and signed requests.

pub(crate) mod aws;
pub(crate) mod hash;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] = &[aws::FUNCTIONS, hash::FUNCTIONS];
