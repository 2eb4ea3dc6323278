//! Operations on types: union, members, selection.

use super::{Kind, Type};
use crate::builtins::signature::Type as Declared;
use crate::value::Value;

/// How many types a union may have before it is `any`.
const MOST_OF_UNION: usize = 100;

impl Type {
    /// What a built-in declares.
    pub(in crate::check) fn declared(declared: &Declared) -> Self {
        match declared {
            Declared::Any => Self::Any,
            Declared::Null => Self::Null,
            Declared::Boolean => Self::Boolean,
            Declared::Number => Self::Number,
            Declared::String => Self::String,
            Declared::Array(first, rest) => {
                Self::array(first.iter().map(Self::declared).collect(), rest.as_deref().map(Self::declared))
            }
            Declared::Set(each) => Self::set(Self::declared(each)),
            Declared::Object(named, rest) => Self::object(
                named.iter().map(|(name, of)| (Value::from(name.as_str()), Self::declared(of))).collect(),
                rest.as_deref().map(|(key, value)| (Self::declared(key), Self::declared(value))),
            ),
            Declared::OneOf(types) => {
                types.iter().map(Self::declared).reduce(|a, b| or(&a, &b)).unwrap_or(Self::Any)
            }
        }
    }
}

/// The union of two types; of functions, that of their arguments and results.
pub(in crate::check) fn or(a: &Type, b: &Type) -> Type {
    match (a, b) {
        (Type::Unknown, other) | (other, Type::Unknown) => return other.clone(),
        _ => {}
    }
    match (a.kind(), b.kind()) {
        (Some(Kind::Function(args, result)), Some(Kind::Function(others, other))) => {
            if args.len() != others.len() {
                return Type::Unknown;
            }
            let args = args.iter().zip(others).map(|(a, b)| or(a, b)).collect();
            return Type::function(args, or(result, other));
        }
        (Some(Kind::Function(..)), _) | (_, Some(Kind::Function(..))) => return Type::Unknown,
        _ => {}
    }
    if matches!(a, Type::Any) || matches!(b, Type::Any) {
        return Type::Any;
    }
    let (mut all, more) = match (a.kind(), b.kind()) {
        (Some(Kind::OneOf(a)), Some(Kind::OneOf(b))) => (a.clone(), b.as_slice()),
        (Some(Kind::OneOf(all)), _) => (all.clone(), std::slice::from_ref(b)),
        (_, Some(Kind::OneOf(all))) => (all.clone(), std::slice::from_ref(a)),
        _ if a == b => return a.clone(),
        _ => (vec![a.clone()], std::slice::from_ref(b)),
    };
    let before = all.len();
    for each in more {
        if let Err(place) = all.binary_search(each) {
            all.insert(place, each.clone());
        }
    }
    if all.len() > MOST_OF_UNION {
        return Type::Any;
    }
    if all.len() == before {
        if matches!(a.kind(), Some(Kind::OneOf(of)) if of.len() == before) {
            return a.clone();
        }
        if matches!(b.kind(), Some(Kind::OneOf(of)) if of.len() == before) {
            return b.clone();
        }
    }
    Type::one_of(all)
}

/// Whether `a` is `b`, or a union with it.
pub(in crate::check) fn contains(a: &Type, b: &Type) -> bool {
    match a.kind() {
        Some(Kind::OneOf(types)) => types.binary_search(b).is_ok(),
        _ => (matches!(a, Type::Any) && !b.is_function()) || a == b,
    }
}

/// The type of a constant, as a key.
pub(in crate::check) fn of_value(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Boolean,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::String,
        _ => Type::Any,
    }
}

fn union<'a>(types: impl Iterator<Item = &'a Type>) -> Type {
    let mut all = Type::Unknown;
    for each in types {
        all = or(&all, each);
        if matches!(all, Type::Any) {
            break;
        }
    }
    all
}

/// The type of the member or element at a constant; unknown where there can be none.
pub(in crate::check) fn select(of: &Type, key: &Value) -> Type {
    match of.kind() {
        Some(Kind::Array(first, rest)) => {
            let index = match key {
                Value::Number(number) => number.as_i64().and_then(|index| usize::try_from(index).ok()),
                _ => None,
            };
            let found = index.and_then(|index| first.get(index).or(rest.as_ref()));
            found.cloned().unwrap_or(Type::Unknown)
        }
        Some(Kind::Object(members, rest)) => {
            if let Ok(place) = members.binary_search_by(|(name, _)| name.cmp(key)) {
                return members.get(place).map_or(Type::Unknown, |(_, of)| of.clone());
            }
            match rest {
                Some((keys, values)) if contains(keys, &of_value(key)) => values.clone(),
                _ => Type::Unknown,
            }
        }
        Some(Kind::Set(each)) => {
            let wanted = of_value(key);
            if *each == wanted {
                each.clone()
            } else if contains(each, &wanted) {
                wanted
            } else {
                Type::Unknown
            }
        }
        Some(Kind::OneOf(types)) => {
            union(types.iter().map(|each| select(each, key)).collect::<Vec<_>>().iter())
        }
        Some(Kind::Function(..)) => Type::Unknown,
        None => if_any(of),
    }
}

const fn if_any(of: &Type) -> Type {
    match of {
        Type::Any => Type::Any,
        _ => Type::Unknown,
    }
}

/// The type of what can stand in brackets after it; unknown where nothing can.
pub(in crate::check) fn keys(of: &Type) -> Type {
    match of.kind() {
        Some(Kind::Array(..)) => Type::Number,
        Some(Kind::Object(members, rest)) => {
            let mut all = union(members.iter().map(|(key, _)| of_value(key)).collect::<Vec<_>>().iter());
            if let Some((key, _)) = rest {
                all = or(&all, key);
            }
            all
        }
        Some(Kind::Set(each)) => each.clone(),
        Some(Kind::OneOf(types)) => union(types.iter().map(keys).collect::<Vec<_>>().iter()),
        Some(Kind::Function(..)) => Type::Unknown,
        None => if_any(of),
    }
}

/// The type of its members or elements; unknown where it has none.
pub(in crate::check) fn values(of: &Type) -> Type {
    match of.kind() {
        Some(Kind::Array(first, rest)) => union(first.iter().chain(rest)),
        Some(Kind::Object(members, rest)) => {
            union(members.iter().map(|(_, value)| value).chain(rest.iter().map(|(_, value)| value)))
        }
        Some(Kind::Set(each)) => each.clone(),
        Some(Kind::OneOf(types)) => union(types.iter().map(values).collect::<Vec<_>>().iter()),
        Some(Kind::Function(..)) => Type::Unknown,
        None => if_any(of),
    }
}

/// What two rules for one document make of it: sets and objects are gathered, all else is one or the other.
pub(in crate::check) fn merge(a: &Type, b: &Type) -> Type {
    match (a.kind(), b.kind()) {
        (
            Some(Kind::Object(named, Some((key, value)))),
            Some(Kind::Object(others, Some((key_b, value_b)))),
        ) if named.is_empty() && others.is_empty() => {
            Type::object(Vec::new(), Some((or(key, key_b), merge(value, value_b))))
        }
        (Some(Kind::Set(a)), Some(Kind::Set(b))) => Type::set(or(a, b)),
        _ => or(a, b),
    }
}
