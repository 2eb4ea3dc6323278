//! What is wrong at a node of the configuration, not yet put into words.

use super::tree::{Origin, Part, Path};

/// A flaw of the tree.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) path: Path,
    pub(super) part: Part,
    pub(super) origin: Origin,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// What would have been right, where that is a closed list.
    pub(super) known: Option<Known>,
}

/// What is known at a place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known {
    Keys(&'static [&'static str]),
    Words(&'static [&'static str]),
}
