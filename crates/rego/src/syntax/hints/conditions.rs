//! Bodies, conditions and terms.

use super::place::{Place, begins_term};
use crate::syntax::token::Kind;

pub(super) fn hint(place: &Place<'_>) -> Option<String> {
    name(place).or_else(|| {
        let fixed = keyword(place).or_else(|| separator(place)).or_else(|| member(place));
        fixed.map(str::to_owned).or_else(|| missing(place))
    })
}

/// Keywords where they do not belong.
fn keyword(place: &Place<'_>) -> Option<&'static str> {
    let message = place.message;
    Some(match (place.kind(0), place.kind(-1)) {
        (Kind::In, Kind::Not) => "write the `not` before the condition: `not x in xs`",
        _ if message.ends_with("illegal negation of 'some'") => {
            "write the condition in a rule of its own, and `not that_rule`; or `every x in xs { not … }`"
        }
        _ if message.ends_with("illegal negation of 'every'") => {
            "write the `every` in a rule of its own, and `not that_rule`; or `some x in xs` and a `not`"
        }
        (Kind::If, before)
            if before != Kind::Else && !place.says("unexpected if keyword: expected \",\"") =>
        {
            "a body has no `if`: its conditions all have to hold; write alternatives as rules of the same name"
        }
        (_, _) if message == "expected else keyword" => {
            "`else if` takes one condition, or several in braces: `else if { … }`"
        }
        (_, Kind::Else) if message.ends_with("expected else value term or rule body") => {
            "write `else := value`, or `else if { … }`"
        }
        _ if message.ends_with(": missing body") => {
            "write `every x in xs { … }`, with the conditions in braces"
        }
        _ if message.ends_with("expected `x[, y] in xs { ... }` expression") => "write `every x in xs { … }`",
        _ if message.ends_with("expected as keyword") => "write `with input as {…}`",
        (Kind::RightBrace | Kind::RightBracket, Kind::Semicolon) => {
            "remove the `;` after the last condition; a new line is enough between conditions"
        }
        (Kind::Else, _) => "`else` follows the `}` or the condition of a rule",
        _ => return None,
    })
}

/// What stands between conditions or elements.
fn separator(place: &Place<'_>) -> Option<&'static str> {
    let in_body = place.message.contains("expected \\n or ; or ");
    Some(match place.kind(0) {
        Kind::Comma if in_body => "conditions are separated by new lines or `;`, not by commas",
        Kind::LeftBrace if in_body => {
            "`some x in xs` has no body: write the conditions below it; `every x in xs { … }` has one"
        }
        Kind::Semicolon | Kind::Comma if place.message == "non-terminated expression" => {
            "parentheses take one condition: write several in a rule of their own"
        }
        Kind::Ident | Kind::If | Kind::In
            if place.message.contains("expected \",\" or \"") && matches!(place.text(0), "for" | "if") =>
        {
            "a comprehension is written `[x | some x in xs; x > 1]`"
        }
        Kind::Unify | Kind::Assign if place.message.ends_with("non-terminated set") => {
            "a member of an object is written `\"key\": value`"
        }
        Kind::Colon if place.message.ends_with("expected ]") => {
            "Rego has no slices: write `array.slice(xs, 0, 2)`"
        }
        _ => return None,
    })
}

/// What follows a dot.
fn member(place: &Place<'_>) -> Option<&'static str> {
    if !place.message.ends_with("expected identifier")
        || matches!(place.kind(-1), Kind::Import | Kind::Package)
    {
        return None;
    }
    Some(match place.kind(0) {
        Kind::String => "write a quoted name in brackets: `input[\"user\"]`",
        Kind::Number => "write a position in brackets: `xs[0]`",
        Kind::LeftBracket => "remove the `.` before `[`",
        _ if place.says("unexpected whitespace") => "remove the space after the `.`",
        _ => return None,
    })
}

/// Keywords as names.
fn name(place: &Place<'_>) -> Option<String> {
    let gives = |kind| matches!(kind, Kind::Assign | Kind::Unify);
    if matches!(place.kind(-1), Kind::Import | Kind::Package) && gives(place.kind(0)) {
        return Some(format!("`{}` is a keyword: choose another name", place.text(-1)));
    }
    let word = place.text(0);
    match place.kind(1) {
        _ if !place.kind(0).is_keyword() => None,
        Kind::Colon => Some(format!("`{word}` is a keyword: as the key of an object write `\"{word}\"`")),
        Kind::Comma | Kind::RightParen => Some(format!("`{word}` is a keyword: choose another name")),
        next if gives(next) => Some(format!("`{word}` is a keyword: choose another name")),
        _ => None,
    }
}

/// A separator that is missing.
fn missing(place: &Place<'_>) -> Option<String> {
    let next = place.text(0);
    let shown = next.chars().take(20).collect::<String>();
    let term = begins_term(place.kind(0));
    if term && place.message.contains("expected \\n or ; or ") {
        return Some(format!("a new line or `;` is missing before `{shown}`"));
    }
    let list = place.message.contains("expected \",\" or \"")
        || place.message.ends_with("non-terminated set")
        || place.message.ends_with("non-terminated object");
    if term && list {
        return Some(format!("a comma is missing before `{shown}`"));
    }
    if term && place.message.ends_with("expected \":\"") {
        return Some(format!("a `:` is missing before `{shown}`"));
    }
    if place.message == "non-terminated expression" && term {
        return Some(format!("a `)` is missing before `{shown}`"));
    }
    None
}
