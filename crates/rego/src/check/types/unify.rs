//! Whether two types have a value in common.

use super::{Kind, Type, select};
use crate::value::Value;

/// Whether some value may be of both types. What is unknown is of none.
pub(in crate::check) fn unifies(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Unknown, _) | (_, Type::Unknown) => return false,
        (Type::Any, other) | (other, Type::Any) => return !other.is_function(),
        (Type::Null, Type::Null)
        | (Type::Boolean, Type::Boolean)
        | (Type::Number, Type::Number)
        | (Type::String, Type::String) => return true,
        _ => {}
    }
    match (a.kind(), b.kind()) {
        (Some(Kind::OneOf(types)), _) => !b.is_function() && types.iter().any(|each| unifies(each, b)),
        (_, Some(Kind::OneOf(types))) => !a.is_function() && types.iter().any(|each| unifies(a, each)),
        (Some(Kind::Array(first, rest)), Some(Kind::Array(first_b, rest_b))) => {
            let longer = first.len().max(first_b.len());
            let at = |first: &[Type], rest: &Option<Type>, at: usize| {
                first.get(at).or(rest.as_ref()).cloned().unwrap_or(Type::Unknown)
            };
            (0..longer).all(|each| unifies(&at(first, rest, each), &at(first_b, rest_b, each)))
                && both(rest.as_ref(), rest_b.as_ref())
        }
        (Some(Kind::Object(members, rest)), Some(Kind::Object(others, rest_b))) => {
            let fit = |members: &[(Value, Type)], other: &Type| {
                members.iter().all(|(key, value)| unifies(value, &select(other, key)))
            };
            let value = |(_, value): &(Type, Type)| value.clone();
            fit(members, b)
                && fit(others, a)
                && both(rest.as_ref().map(value).as_ref(), rest_b.as_ref().map(value).as_ref())
        }
        (Some(Kind::Set(a)), Some(Kind::Set(b))) => unifies(a, b),
        (Some(Kind::Function(args, _)), Some(Kind::Function(others, _))) => {
            args.len() == others.len() && args.iter().zip(others).all(|(a, b)| unifies(a, b))
        }
        _ => false,
    }
}

fn both(a: Option<&Type>, b: Option<&Type>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => unifies(a, b),
        _ => true,
    }
}
