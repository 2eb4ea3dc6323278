//! Records as members of sets, where a record is found by what it holds itself: no map has a second copy of that.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use super::key_tag::KeyTag;

/// Something that is found by its id.
pub(super) trait HasId {
    /// The id.
    fn id(&self) -> &str;
}

/// Something that is found by the tag of a key.
pub(super) trait HasTag {
    /// The tag.
    fn tag(&self) -> &KeyTag;
}

/// A record among others with other ids.
#[derive(Debug)]
pub(super) struct ById<T>(pub(super) Arc<T>);

/// A record among others with other tags.
#[derive(Debug)]
pub(super) struct ByTag<T>(pub(super) Arc<T>);

impl<T: HasId> Borrow<str> for ById<T> {
    fn borrow(&self) -> &str {
        self.0.id()
    }
}

impl<T: HasId> Hash for ById<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id().hash(state);
    }
}

impl<T: HasId> PartialEq for ById<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl<T: HasId> Eq for ById<T> {}

impl<T> Deref for ById<T> {
    type Target = Arc<T>;

    fn deref(&self) -> &Arc<T> {
        &self.0
    }
}

impl<T: HasTag> Borrow<KeyTag> for ByTag<T> {
    fn borrow(&self) -> &KeyTag {
        self.0.tag()
    }
}

impl<T: HasTag> Hash for ByTag<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.tag().hash(state);
    }
}

impl<T: HasTag> PartialEq for ByTag<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.tag() == other.0.tag()
    }
}

impl<T: HasTag> Eq for ByTag<T> {}
