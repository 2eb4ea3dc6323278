//! Arrays, sets and objects: aggregates, set operations, members, and walks through them.

pub(crate) mod aggregates;
pub(crate) mod arrays;
pub(crate) mod graph;
pub(crate) mod objects;
pub(crate) mod sets;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] =
    &[aggregates::FUNCTIONS, arrays::FUNCTIONS, graph::FUNCTIONS, objects::FUNCTIONS, sets::FUNCTIONS];
