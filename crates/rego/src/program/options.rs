//! Options of the compilation.

use crate::builtins::table;
use crate::plan::Declared;
use crate::plan::ir::Builtin;

/// What a program is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CompileOptions {
    /// For an author who watches ([`query`](mod@super::query)): calls of `print` stay, and variables keep their names.
    pub debug: bool,
    /// For tests: rules of the same name that begins with `test_` are tests of their own, not one.
    pub tests: bool,
}

/// The built-in of a name, as the compiler wants it; one that there is no function for is as good as unknown.
pub fn declared(name: &str) -> Option<Declared> {
    let entry = table::find(name)?;
    let builtin = Builtin {
        name: entry.name,
        function: entry.function?,
        prepare: entry.prepare,
        prepared: None,
        relation: entry.relation,
        nondeterministic: entry.nondeterministic,
        blocking: entry.blocking,
    };
    Some(Declared { builtin, arity: entry.args.len() })
}
