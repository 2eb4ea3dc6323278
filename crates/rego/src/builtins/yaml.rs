//! YAML: reading, and writing as OPA's library does.

pub(crate) mod functions;
#[cfg(test)]
mod tests;
pub(crate) mod text;
pub(crate) mod write;

use super::declaration::{Declaration, builtin};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin("yaml.marshal", "any", "string", functions::marshal),
    builtin("yaml.unmarshal", "string", "any", functions::unmarshal),
    builtin("yaml.is_valid", "string", "boolean", functions::is_valid),
];
