//! The registry of built-ins: collects what the families declare.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::context::{Function, Prepare};
use super::declaration::{Declaration, builtin};
use super::signature::Type;
use super::{
    collections, crypto, encoding, graphql, http, json, jwt, net, numbers, pattern, policy, text, time,
    types, x509, yaml,
};

const FAMILIES: &[&[Declaration]] = &[
    collections::BUILTINS,
    crypto::BUILTINS,
    encoding::BUILTINS,
    graphql::BUILTINS,
    http::BUILTINS,
    json::BUILTINS,
    jwt::BUILTINS,
    net::BUILTINS,
    numbers::BUILTINS,
    pattern::BUILTINS,
    policy::BUILTINS,
    OF_ALL,
    text::BUILTINS,
    time::BUILTINS,
    types::BUILTINS,
    x509::BUILTINS,
    yaml::BUILTINS,
];

/// Those that ask the table itself.
const OF_ALL: &[Declaration] =
    &[builtin("rego.parse_module", "string, string", "{...string: any}", |_, args| {
        policy::parse_module::parse_module(args, |name| find(name).is_some())
    })];

/// A built-in.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What runs; `None` where the compiler has replaced every call.
    pub function: Option<Function>,
    /// What makes its constant operands ready.
    pub prepare: Option<Prepare>,
    /// The types of its arguments.
    pub args: Vec<Type>,
    /// The type of its result; none for those that only act.
    pub result: Option<Type>,
    /// Whether the compiler replaces every call with something else.
    pub compiled: bool,
    /// Whether its result is not determined by its arguments.
    pub nondeterministic: bool,
    /// Whether it may wait for others.
    pub blocking: bool,
    /// Whether it gives one result after the other.
    pub relation: bool,
    /// How it is written between its arguments.
    pub infix: Option<&'static str>,
}

impl Entry {
    fn of(declared: &Declaration) -> Self {
        let Declaration {
            name,
            args,
            result,
            function,
            prepare,
            compiled,
            nondeterministic,
            blocking,
            relation,
            infix,
        } = *declared;
        Self {
            name,
            function,
            prepare,
            args: Type::list(args).unwrap_or_default(),
            result: Type::list(result).unwrap_or_default().into_iter().next(),
            compiled,
            nondeterministic,
            blocking,
            relation,
            infix,
        }
    }
}

static ENTRIES: LazyLock<HashMap<&'static str, Entry>> = LazyLock::new(|| {
    let declared = FAMILIES.iter().copied().flatten();
    declared.map(|declared| (declared.name, Entry::of(declared))).collect()
});

/// The built-in of this name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.get(name)
}

/// All of them, in no order.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.values()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_built_in_is_declared_once_with_types_that_can_be_read() {
        let declared: Vec<&Declaration> = FAMILIES.iter().copied().flatten().collect();
        assert_eq!(declared.len(), all().count(), "a name is declared twice");
        for one in declared {
            for types in [one.args, one.result] {
                assert!(Type::list(types).is_some(), "{}: {types}", one.name);
            }
            assert!(!one.blocking || one.nondeterministic, "{}: others answer as they like", one.name);
        }
    }
}
