//! What is wrong at a node of a document, not yet put into words.

use super::tree::{Origin, Part, Path};

/// A flaw of the tree.
#[derive(Debug)]
pub(crate) struct Flaw {
    pub(crate) path: Path,
    pub(crate) part: Part,
    pub(crate) origin: Origin,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// What would have been right, where that is a closed list.
    pub(crate) known: Option<Known>,
}

/// What is known at a place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known {
    Keys(&'static [&'static str]),
    Words(&'static [&'static str]),
}
