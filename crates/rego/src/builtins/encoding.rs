//! Encodings of bytes and text: base64, hexadecimal, URLs, PEM, UUIDs.

pub(crate) mod base;
pub(crate) mod pem;
pub(crate) mod url;
pub(crate) mod uuid;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] = &[base::FUNCTIONS, url::FUNCTIONS, uuid::FUNCTIONS];
