//! What policy can ask about policy, and about what it runs in.

pub(crate) mod parse_module;
pub(crate) mod runtime;

use super::declaration::{Declaration, builtin, without_function};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin("rego.parse_module", "string, string", "{...string: any}", parse_module::parse_module),
    builtin("opa.runtime", "", "{...string: any}", runtime::runtime).nondeterministic(),
    without_function("assign", "any, any", "boolean").infix(":=").compiled(),
    without_function("print", "...any", "").compiled(),
    without_function("internal.print", "[...set[any]]", ""),
    without_function("internal.test_case", "[...any]", ""),
    without_function("rego.metadata.chain", "", "[...any]").compiled(),
    without_function("rego.metadata.rule", "", "any").compiled(),
    without_function("trace", "string", "boolean"),
];
