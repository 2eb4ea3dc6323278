//! Words of other languages.

use super::place::Place;
use crate::syntax::token::Kind;

/// Words at the start of a statement or condition.
const LEADING: &[(&[&str], &str)] = &[
    (
        &["for", "foreach", "forall", "while", "loop"],
        "Rego has no loops: `some x in xs` holds for any element, `every x in xs { … }` for all of them",
    ),
    (
        &["function", "func", "fun", "def", "fn"],
        "a function has no keyword: write `f(x) := x + 1`, or `f(x) if { … }`",
    ),
    (&["rule"], "a rule has no keyword: write `allow if { … }`"),
    (&["let", "const", "var", "val"], "a variable has no keyword: write `x := 1`"),
    (
        &["return"],
        "Rego has no `return`: the value of a rule is given before its `if`, as in `f(x) := y if { … }`",
    ),
    (&["elif", "elsif", "elseif"], "write `else if { … }`"),
    (&["from"], "write `import data.users`"),
    (&["assert"], "a condition needs no `assert`; print values with `print(x)`"),
    (&["switch", "case", "match"], "write a rule of the same name for each case"),
    (&["try", "catch", "throw", "raise"], "Rego has no exceptions: what fails is undefined or an error"),
];

/// Words after a rule or between conditions.
const FOLLOWING: &[(&[&str], &str)] = &[
    (&["when", "where"], "conditions follow `if`, each on a line of its own: `allow if { … }`"),
    (&["unless"], "write `if not …`"),
    (&["then"], "the value is given before the condition: `x := 1 if condition`"),
    (&["is", "eq", "equals"], "write `==`"),
    (&["isnt", "ne"], "write `!=`"),
    (&["AND"], "write each condition on a line of its own, or `and` after `import future.keywords.and`"),
    (&["OR"], "write another rule of the same name, or `or` after `import future.keywords.or`"),
    (&["NOT"], "write `not`"),
    (&["xor"], "write `x != y`"),
];

/// Constants of other languages, and Rego's.
const CONSTANTS: &[(&[&str], &str)] = &[
    (&["nil", "None", "NULL", "Null", "nullptr"], "null"),
    (&["True", "TRUE", "yes"], "true"),
    (&["False", "FALSE", "no"], "false"),
];

pub(super) fn hint(place: &Place<'_>) -> Option<String> {
    // `[x for x in xs]` is a comprehension.
    if place.message.contains("expected \",\" or") {
        return None;
    }
    if place.kind(-1) == Kind::Ident
        && !place.token(0).newline
        && place.says("unexpected")
        && let Some(found) = find(LEADING, place.text(-1)).or_else(|| find(FOLLOWING, place.text(-1)))
    {
        return Some(found);
    }
    if place.kind(0) != Kind::Ident {
        return None;
    }
    let here = place.text(0);
    if here == "is" && place.text(1) == "not" {
        return Some("write `!=`".to_owned());
    }
    // `allow if NOT x`: the error is about `x`.
    let before = (place.kind(-1) == Kind::Ident && !place.token(0).newline).then(|| place.text(-1));
    let after = place.after();
    let second = (after.kind(0) == Kind::Ident && !after.token(0).newline).then(|| after.text(0));
    find(LEADING, here)
        .filter(|_| after.kind(0) != Kind::Assign && after.kind(0) != Kind::Unify)
        .or_else(|| find(FOLLOWING, here))
        .or_else(|| find(FOLLOWING, before?))
        .or_else(|| find(FOLLOWING, second?))
}

/// For a rule whose name is a word that leads statements elsewhere.
pub(in crate::syntax) fn leading(name: &str) -> Option<String> {
    find(LEADING, name)
}

fn find(table: &[(&[&str], &str)], word: &str) -> Option<String> {
    table.iter().find(|(words, _)| words.contains(&word)).map(|(_, hint)| (*hint).to_owned())
}

/// What may be meant by a name that is a constant or a keyword in other languages.
pub(crate) fn constant(name: &str) -> Option<String> {
    let constant = CONSTANTS.iter().find(|(words, _)| words.contains(&name));
    constant
        .map(|(_, ours)| format!("write `{ours}`"))
        .or_else(|| {
            (name == "undefined")
                .then(|| "to test whether something is undefined, write `not input.user`".to_owned())
        })
        .or_else(|| (name == "return").then(|| leading(name)).flatten())
}
