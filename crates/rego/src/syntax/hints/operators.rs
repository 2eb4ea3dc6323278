//! Operators and comments of other languages, which are two or three tokens here.

use super::place::Place;
use crate::syntax::token::Kind;

/// What is written, and what to write instead. Longer ones first.
const OPERATORS: &[(&str, &str)] = &[
    ("===", "write `==`"),
    ("!==", "write `!=`"),
    ("<=>", "compare with `==`, `<` or `>`"),
    ("<>", "write `!=`"),
    ("=~", "to match a pattern write `regex.match(pattern, text)`"),
    ("=>", "Rego has no lambdas: a function is a rule, `f(x) := x + 1`; greater or equal is `>=`"),
    ("->", "Rego has no lambdas: a function is a rule, `f(x) := x + 1`"),
    ("=<", "write `<=`"),
    ("//", "comments begin with `#`"),
    ("/*", "comments begin with `#`, on every line"),
    ("++", COUNTER),
    ("--", "comments begin with `#`"),
    ("+=", COUNTER),
    ("-=", COUNTER),
    ("**", "Rego has no power: multiply"),
    ("..", "write one `.`; for a range of numbers `numbers.range(1, 10)`"),
    ("::", "parts of a path are separated by `.`"),
    (":-", "write `if`: `allow if input.user == \"alice\"`"),
    ("```", "remove the Markdown fence"),
];

const COUNTER: &str = "variables do not change: give the new value another name, `y := x + 1`; add up with `sum([…])` and `count(…)`";

pub(super) fn hint(place: &Place<'_>) -> Option<String> {
    if !place.says("unexpected") && !place.message.ends_with("cannot be used for rule name") {
        return None;
    }
    let written = place.source.text.get(..place.span.start as usize)?;
    let (this, after) = (place.span.start as usize, place.after().token(0));
    let mut starts = vec![this];
    // The error may be about the second or third of them, or about the name before them.
    let before = |count: usize| written.len().checked_sub(count).filter(|at| written.is_char_boundary(*at));
    starts.extend(before(1).into_iter().chain(before(2)));
    if place.says("var cannot") && after.kind != Kind::Eof {
        starts.push(after.span.start as usize);
    }
    starts.into_iter().find_map(|start| {
        let rest = place.source.text.get(start..)?;
        // `x == -1`, `[x|-1 …]`: only what reaches to the error, or begins there.
        let reaches = |text: &str| start + text.len() > this;
        connective(place, rest).filter(|_| reaches("&&")).or_else(|| {
            let found = OPERATORS.iter().find(|(text, _)| rest.starts_with(text) && reaches(text))?;
            Some(found.1.to_owned())
        })
    })
}

/// `&&` and `||`.
fn connective(place: &Place<'_>, rest: &str) -> Option<String> {
    if rest.starts_with("&&") {
        if place.source.name.is_empty() {
            return Some("separate the conditions of a query with `;`".to_owned());
        }
        return Some(if place.keywords.and {
            "write `and`, or each condition on a line of its own".to_owned()
        } else {
            "write each condition on a line of its own, or `and` after `import future.keywords.and`"
                .to_owned()
        });
    }
    if !rest.starts_with("||") {
        return None;
    }
    Some(if place.keywords.or {
        "write `or`, or another rule of the same name for the other condition".to_owned()
    } else {
        "write another rule of the same name for the other condition, or `or` after `import future.keywords.or`"
            .to_owned()
    })
}
