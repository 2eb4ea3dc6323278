//! `http.send`: requests to other services, and the cache of their answers.

pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod send;

use super::declaration::{Declaration, builtin};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] =
    &[builtin("http.send", "{...string: any}", "{...any: any}", send::send).nondeterministic().blocking()];
