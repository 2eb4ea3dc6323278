//! `http.send`: requests to other services, and the cache of their answers.

pub(crate) mod cache;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod send;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] = &[send::FUNCTIONS];
