//! Arguments that do not fit.

use super::super::types::{Kind, Type, short, unifies};

/// For a call whose arguments have the wrong types. The last of `want` may be the type of the result.
pub(in crate::check) fn types(function: &str, have: &[Type], want: &[Type], arity: usize) -> Option<String> {
    let text = |at: usize| have.get(at).is_some_and(|of| of.to_string() == "string");
    let many = |at: usize| {
        let kind = have.get(at).and_then(Type::kind);
        matches!(kind, Some(Kind::Array(..) | Kind::Set(..)))
    };
    match function {
        "plus" if text(0) || text(1) => {
            return Some(
                "`+` adds numbers: join strings with `concat(\"\", [a, b])`, or write `$\"{a}{b}\"`".into(),
            );
        }
        "rem" if text(0) => return Some("to format a string write `sprintf(\"… %v\", [x])`".into()),
        "sprintf" if text(0) && !many(1) => {
            return Some("pass the values as an array: `sprintf(\"%v\", [x])`".into());
        }
        "concat" if many(0) && text(1) => {
            return Some("the delimiter comes first: `concat(\", \", xs)`".into());
        }
        _ => {}
    }
    let wrong = |at: &usize| match (have.get(*at), want.get(*at)) {
        (Some(have), Some(want)) => !have.is_unknown() && !unifies(want, have),
        _ => false,
    };
    let at = (0..arity).find(wrong)?;
    let (have, want) = (have.get(at)?, want.get(at)?);
    let which = if arity == 1 { "the argument".to_owned() } else { format!("argument {}", at + 1) };
    Some(format!("{which} is of the type `{}`, and has to be `{}`", short(have), short(want)))
}

/// For two things that are never equal.
pub(in crate::check) fn equality(left: &Type, right: &Type) -> Option<String> {
    let (left, right) = (left.to_string(), right.to_string());
    Some(match (left.as_str(), right.as_str()) {
        ("number", "string") | ("string", "number") => {
            "a number never equals a string: write both the same way, or `to_number(x)`".to_owned()
        }
        ("boolean", "string") | ("string", "boolean") => {
            "a boolean never equals a string: write `true` or `false` without quotes".to_owned()
        }
        _ => return None,
    })
}

/// For a call with another number of arguments than the function takes.
pub(in crate::check) fn number(function: &str, takes: &[String], got: usize) -> String {
    let plural = if takes.len() == 1 { "" } else { "s" };
    match takes.len() {
        0 => format!("`{function}()` takes no arguments, and got {got}"),
        count => {
            format!(
                "`{function}` takes {count} argument{plural}, and got {got}: `{function}({})`",
                takes.join(", ")
            )
        }
    }
}
