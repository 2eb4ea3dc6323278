//! JSON: reading and writing, patches, paths and schemas.

pub(crate) mod decode;
pub(crate) mod encoding;
pub(crate) mod patch;
pub(crate) mod paths;
pub(crate) mod schema;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] =
    &[encoding::FUNCTIONS, patch::FUNCTIONS, paths::FUNCTIONS, schema::FUNCTIONS];
