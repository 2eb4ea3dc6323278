//! Rego values: what JSON has, and sets. Never undefined: that is an `Option`.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::budget;
use crate::keyed::{Entries, Key};
use crate::segment::Segment;

pub use crate::number::Number;

/// A Rego value. Cheap to clone: what is large is shared.
///
/// The order is Rego's: null, false, true, numbers, strings, arrays, objects, sets; arrays, objects and sets element by
/// element.
#[derive(Clone)]
pub enum Value {
    /// `null`
    Null,
    /// `true` and `false`
    Bool(bool),
    /// A number of any size.
    Number(Number),
    /// A text.
    String(Arc<str>),
    /// An array.
    Array(Arc<Vec<Value>>),
    /// An object; its keys may be any values.
    Object(Arc<Object>),
    /// A set.
    Set(Arc<Set>),
}

/// Values by distinct keys, in order of the keys. `V` is `()` for sets.
pub type Keyed<V> = Entries<Value, V>;
/// The members of an object, in order of their keys.
pub type Object = Keyed<Value>;
/// The elements of a set, in order.
pub type Set = Keyed<()>;

impl Value {
    const fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::String(_) => 3,
            Self::Array(_) => 4,
            Self::Object(_) => 5,
            Self::Set(_) => 6,
        }
    }

    /// As OPA names types: `null`, `boolean`, `number`, `string`, `array`, `object`, `set`.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
            Self::Set(_) => "set",
        }
    }

    /// The member of an object, the element of an array (by an integer), or the element of a set (by itself).
    pub fn lookup(&self, key: &Self) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(key),
            Self::Set(elements) => elements.get_key(key),
            Self::Array(items) => match key {
                Self::Number(index) => items.get(usize::try_from(index.as_i64()?).ok()?),
                _ => None,
            },
            _ => None,
        }
    }

    /// An object without members.
    pub fn object() -> Self {
        Self::Object(Arc::default())
    }

    /// An array without elements.
    pub fn array() -> Self {
        Self::Array(Arc::default())
    }

    /// Whether it is an object.
    pub const fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// The truth value, if it is one.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether it is an array, a set or an object that has nothing in it.
    pub(crate) fn is_empty_collection(&self) -> bool {
        match self {
            Self::Array(items) => items.is_empty(),
            Self::Set(items) => items.is_empty(),
            Self::Object(members) => members.is_empty(),
            _ => false,
        }
    }

    /// The member of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get_str(key),
            _ => None,
        }
    }

    /// Sets a member; a value that is not an object is left as it is.
    pub fn insert(&mut self, key: &str, value: Self) {
        if let Self::Object(members) = self {
            Arc::make_mut(members).insert(Self::from(key), value);
        }
    }

    /// Takes a member out of an object.
    pub fn remove(&mut self, key: &str) -> Option<Self> {
        // Looked up first: taking the object as mutable copies it where it is shared.
        self.get(key)?;
        match self {
            Self::Object(members) => Arc::make_mut(members).remove(&Self::from(key)),
            _ => None,
        }
    }

    /// The members of an object whose keys are text, in order of their keys.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Self)> {
        let members = match self {
            Self::Object(members) => Some(members),
            _ => None,
        };
        members
            .into_iter()
            .flat_map(|members| members.iter())
            .filter_map(|(key, value)| Some((key.as_str()?, value)))
    }

    /// The elements of an array or set.
    pub fn elements(&self) -> Vec<&Self> {
        match self {
            Self::Array(items) => items.iter().collect(),
            Self::Set(items) => items.keys().collect(),
            _ => Vec::new(),
        }
    }

    /// The part that a path leads to: object keys, array indices, set members. A segment is tried as text first, then
    /// as a number.
    pub fn at<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Option<&Self> {
        let mut here = self;
        for segment in segments {
            let number = || match Segment::of(segment) {
                Segment::Number(number) => Some(Self::Number(number)),
                Segment::Text | Segment::Ambiguous => None,
            };
            here = match here {
                Self::Object(members) => members.get_str(segment).or_else(|| members.get(&number()?))?,
                Self::Array(_) => here.lookup(&number()?)?,
                Self::Set(elements) => {
                    elements.get_key(&Self::from(segment)).or_else(|| elements.get_key(&number()?))?
                }
                _ => return None,
            };
        }
        Some(here)
    }

    /// Makes lookups in large objects and sets independent of their size, at all levels. What is complete already and
    /// shared with others stays shared.
    pub fn make_indexes(&mut self) {
        if self.is_shared() && self.has_indexes() {
            return;
        }
        match self {
            Self::Array(items) => Arc::make_mut(items).iter_mut().for_each(Self::make_indexes),
            Self::Object(members) => {
                let members = Arc::make_mut(members);
                members.values_mut().for_each(Self::make_indexes);
                members.make_index();
            }
            Self::Set(elements) => Arc::make_mut(elements).make_index(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => {}
        }
    }

    fn is_shared(&self) -> bool {
        match self {
            Self::Array(items) => Arc::strong_count(items) > 1,
            Self::Object(members) => Arc::strong_count(members) > 1,
            Self::Set(elements) => Arc::strong_count(elements) > 1,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
        }
    }

    fn has_indexes(&self) -> bool {
        match self {
            Self::Array(items) => items.iter().all(Self::has_indexes),
            Self::Object(members) => members.has_index() && members.values().all(Self::has_indexes),
            Self::Set(elements) => elements.has_index(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

/// Equal values have equal hashes: numbers are hashed by what they are worth, not by how they are written.
impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Null => {}
            Self::Bool(value) => value.hash(state),
            Self::Number(number) => number.hash(state),
            Self::String(text) => text.hash(state),
            Self::Array(items) => {
                budget::work(items.len());
                items.hash(state);
            }
            Self::Object(members) => {
                budget::work(members.len());
                members.hash(state);
            }
            Self::Set(elements) => {
                budget::work(elements.len());
                elements.hash(state);
            }
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::Array(a), Self::Array(b)) if !Arc::ptr_eq(a, b) => {
                budget::work(a.len().min(b.len()));
                a.cmp(b)
            }
            (Self::Object(a), Self::Object(b)) if !Arc::ptr_eq(a, b) => {
                budget::work(a.len().min(b.len()));
                a.cmp(b)
            }
            (Self::Set(a), Self::Set(b)) if !Arc::ptr_eq(a, b) => {
                budget::work(a.len().min(b.len()));
                a.cmp(b)
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl Key for Value {
    fn as_text(&self) -> Option<&str> {
        self.as_str()
    }

    fn cmp_text(&self, text: &str) -> Ordering {
        match self {
            Self::String(key) => (**key).cmp(text),
            Self::Null | Self::Bool(_) | Self::Number(_) => Ordering::Less,
            Self::Array(_) | Self::Object(_) | Self::Set(_) => Ordering::Greater,
        }
    }
}

/// What a value takes besides its parts, roughly: counters, lengths, and what an allocator adds.
const OVERHEAD: usize = 48;

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(Number::from(value))
    }
}

impl From<Number> for Value {
    fn from(value: Number) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        budget::spend(OVERHEAD + value.len());
        Self::String(Arc::from(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        budget::spend(OVERHEAD + value.len());
        Self::String(Arc::from(value))
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        budget::spend(OVERHEAD + items.len() * size_of::<Self>());
        Self::Array(Arc::new(items))
    }
}

impl From<Object> for Value {
    fn from(members: Object) -> Self {
        budget::spend(OVERHEAD + members.len() * size_of::<(Self, Self)>());
        Self::Object(Arc::new(members))
    }
}

impl From<Set> for Value {
    fn from(elements: Set) -> Self {
        budget::spend(OVERHEAD + elements.len() * size_of::<Self>());
        Self::Set(Arc::new(elements))
    }
}
