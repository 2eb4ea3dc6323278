//! All built-ins by their names.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::builtins::context::Function;
use crate::builtins::signature::Type;
use crate::builtins::signatures::{BLOCKING, NONDETERMINISTIC, SIGNATURES};
use crate::builtins::{
    collections, crypto, encoding, graphql, http, json, jwt, net, numbers, pattern, policy, text, time,
    types, x509, yaml,
};

/// A built-in.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What runs; `None` where the compiler has replaced every call.
    pub function: Option<Function>,
    /// The types of its arguments.
    pub args: Vec<Type>,
    /// The type of its result; none for those that only act.
    pub result: Option<Type>,
    /// Whether it gives another result each time.
    pub nondeterministic: bool,
    /// Whether it may wait for others.
    pub blocking: bool,
}

static ENTRIES: LazyLock<HashMap<&'static str, Entry>> = LazyLock::new(|| {
    let functions: HashMap<&'static str, Function> = [
        collections::FUNCTIONS,
        crypto::FUNCTIONS,
        encoding::FUNCTIONS,
        graphql::FUNCTIONS,
        http::FUNCTIONS,
        json::FUNCTIONS,
        jwt::FUNCTIONS,
        net::FUNCTIONS,
        numbers::FUNCTIONS,
        pattern::FUNCTIONS,
        policy::FUNCTIONS,
        text::FUNCTIONS,
        time::FUNCTIONS,
        types::FUNCTIONS,
        x509::FUNCTIONS,
        yaml::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
    .flatten()
    .copied()
    .collect();
    let entry = |(name, args, result): &(&'static str, &'static str, &'static str)| {
        let entry = Entry {
            name,
            function: functions.get(name).copied(),
            args: Type::list(args).unwrap_or_default(),
            result: Type::list(result).unwrap_or_default().into_iter().next(),
            nondeterministic: NONDETERMINISTIC.contains(name),
            blocking: BLOCKING.contains(name),
        };
        (*name, entry)
    };
    SIGNATURES.iter().map(entry).collect()
});

/// The built-in of this name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.get(name)
}

/// All of them, in no order.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.values()
}
