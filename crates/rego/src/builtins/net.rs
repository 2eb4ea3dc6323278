//! Addresses: ranges (CIDR) and names.

pub(crate) mod cidr;
pub(crate) mod range;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] = &[cidr::FUNCTIONS];
