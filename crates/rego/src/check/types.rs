//! Types as OPA's checker knows them: what a term can be, as far as the text says it.
//!
//! A type never grows beyond [`MOST`] parts nor [`DEEPEST`] levels: beyond, it is `any`, which refuses nothing.

mod operations;
mod show;
mod unify;

use std::cmp::Ordering;
use std::rc::Rc;

use crate::value::Value;

pub(super) use operations::{keys, merge, of_value, or, select, values};
pub(super) use show::{arguments, short};
pub(super) use unify::unifies;

/// How many parts a type may have.
const MOST: u32 = 5_000;
/// How deep a type may nest.
const DEEPEST: u32 = 100;

/// A type. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) enum Type {
    /// Nothing is known, which is less than that it may be anything: the first use decides.
    Unknown,
    Null,
    Boolean,
    Number,
    String,
    /// Anything.
    Any,
    /// What has parts.
    Of(Rc<Composite>),
}

/// A type with parts.
#[derive(Debug)]
pub(super) struct Composite {
    pub(super) kind: Kind,
    size: u32,
    depth: u32,
    unknown: bool,
}

/// Kinds of types with parts.
#[derive(Debug)]
pub(super) enum Kind {
    /// What it begins with, and what may follow.
    Array(Vec<Type>, Option<Type>),
    /// Members by their keys, in order, and the types of other keys and their values.
    Object(Vec<(Value, Type)>, Option<(Type, Type)>),
    Set(Type),
    /// One of several, in order, none of them twice.
    OneOf(Vec<Type>),
    /// Arguments and result.
    Function(Vec<Type>, Type),
}

impl Type {
    fn of(kind: Kind) -> Self {
        let mut found = Composite { kind, size: 1, depth: 0, unknown: false };
        let (mut size, mut depth, mut unknown) = (1_u32, 0_u32, false);
        let counts_unknown = !matches!(found.kind, Kind::OneOf(_));
        found.kind.parts(&mut |part| {
            let (part_size, part_depth) = match part {
                Self::Of(inner) => (inner.size, inner.depth),
                _ => (1, 0),
            };
            size = size.saturating_add(part_size);
            depth = depth.max(part_depth);
            unknown |= counts_unknown && part.is_unknown();
        });
        let too_much = size > MOST || depth >= DEEPEST;
        if too_much && !matches!(found.kind, Kind::Function(..)) {
            return Self::Any;
        }
        (found.size, found.depth, found.unknown) = (size, depth + 1, unknown);
        Self::Of(Rc::new(found))
    }

    pub(super) fn array(first: Vec<Self>, rest: Option<Self>) -> Self {
        Self::of(Kind::Array(first, rest))
    }

    /// Of two members with one key the last counts.
    pub(super) fn object(mut members: Vec<(Value, Self)>, rest: Option<(Self, Self)>) -> Self {
        members.sort_by(|a, b| a.0.cmp(&b.0));
        members.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(&mut later.1, &mut earlier.1);
            }
            same
        });
        Self::of(Kind::Object(members, rest))
    }

    pub(super) fn set(each: Self) -> Self {
        Self::of(Kind::Set(each))
    }

    pub(super) fn function(args: Vec<Self>, result: Self) -> Self {
        Self::of(Kind::Function(args, result))
    }

    /// One of several, which are in order and without doubles.
    fn one_of(types: Vec<Self>) -> Self {
        Self::of(Kind::OneOf(types))
    }

    pub(super) fn kind(&self) -> Option<&Kind> {
        match self {
            Self::Of(inner) => Some(&inner.kind),
            _ => None,
        }
    }

    /// Whether it, or a part of it, is unknown.
    pub(super) fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Of(inner) => inner.unknown,
            _ => false,
        }
    }

    pub(super) fn is_function(&self) -> bool {
        matches!(self.kind(), Some(Kind::Function(..)))
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Null => 1,
            Self::Boolean => 2,
            Self::Number => 3,
            Self::String => 4,
            Self::Any => 8,
            Self::Of(inner) => match inner.kind {
                Kind::Array(..) => 5,
                Kind::Object(..) => 6,
                Kind::Set(_) => 7,
                Kind::OneOf(_) => 8,
                Kind::Function(..) => 9,
            },
        }
    }
}

impl Kind {
    fn parts(&self, see: &mut impl FnMut(&Type)) {
        match self {
            Self::Array(first, rest) => first.iter().chain(rest).for_each(see),
            Self::Object(members, rest) => {
                members.iter().for_each(|(_, value)| see(value));
                if let Some((key, value)) = rest {
                    see(key);
                    see(value);
                }
            }
            Self::Set(each) => see(each),
            Self::OneOf(types) => types.iter().for_each(see),
            Self::Function(args, result) => args.iter().chain([result]).for_each(see),
        }
    }
}

/// The order in which OPA writes the types of a union.
impl Ord for Type {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = match (self, other) {
            (Self::Of(a), Self::Of(b)) if Rc::ptr_eq(a, b) => return Ordering::Equal,
            (Self::Of(a), Self::Of(b)) => (&a.kind, &b.kind),
            (Self::Any, Self::Of(b)) if matches!(b.kind, Kind::OneOf(_)) => return Ordering::Less,
            (Self::Of(a), Self::Any) if matches!(a.kind, Kind::OneOf(_)) => return Ordering::Greater,
            _ => return self.rank().cmp(&other.rank()),
        };
        match (a, b) {
            (Kind::Array(a, rest_a), Kind::Array(b, rest_b)) => rest_a.cmp(rest_b).then_with(|| a.cmp(b)),
            (Kind::Object(a, rest_a), Kind::Object(b, rest_b)) => rest_a.cmp(rest_b).then_with(|| a.cmp(b)),
            (Kind::Set(a), Kind::Set(b)) => a.cmp(b),
            (Kind::OneOf(a), Kind::OneOf(b)) => a.cmp(b),
            (Kind::Function(a, result_a), Kind::Function(b, result_b)) => {
                a.len().cmp(&b.len()).then_with(|| a.cmp(b)).then_with(|| result_a.cmp(result_b))
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Type {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Type {}
