//! Built-ins about policy and its host: `rego.*`, `opa.runtime`, and what the compiler replaces.

pub(crate) mod parse_module;
pub(crate) mod runtime;

use super::context::text;
use super::declaration::{Declaration, builtin, without_function};
use crate::value::Value;

/// The built-ins of this family; `rego.parse_module`, which has to know all others, is declared in the table.
pub const BUILTINS: &[Declaration] = &[
    builtin("opa.runtime", "", "{...string: any}", runtime::runtime).nondeterministic(),
    without_function("assign", "any, any", "boolean").infix(":=").compiled(),
    without_function("print", "...any", "").compiled(),
    without_function("internal.print", "[...set[any]]", ""),
    without_function("internal.test_case", "[...any]", ""),
    without_function("rego.metadata.chain", "", "[...any]").compiled(),
    without_function("rego.metadata.rule", "", "any").compiled(),
    builtin("trace", "string", "boolean", |_, args| text(args, 1).map(|_| Some(Value::Bool(true)))),
];
