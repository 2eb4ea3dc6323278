//! Packages, imports, heads of rules and defaults.

use super::place::Place;
use crate::syntax::error::PACKAGE_EXPECTED;
use crate::syntax::token::{Kind, Token};

const RULE: &str = "a rule is `name := value`, `name if { conditions }`, or `name contains value if { … }`";

/// What is wrong in a package or an import.
pub(super) fn path(place: &Place<'_>) -> Option<String> {
    let package = match place.first() {
        Kind::Package => true,
        Kind::Import => false,
        // `package app;`: what is left is a statement of its own.
        _ if place.kind(0) == Kind::Semicolon && !place.token(0).newline && place.from == place.at => {
            return Some("remove the `;`: lines need no terminator".to_owned());
        }
        _ if goes_on(place) => return rest_of_path(place),
        _ => return None,
    };
    if place.kind(0) == Kind::String {
        let text = place.text(0).trim_matches('"');
        let word = if package { "package" } else { "import" };
        return Some(format!("a path has no quotes: write `{word} {text}`"));
    }
    if place.kind(0) == Kind::Times {
        return Some("import the package, `import data.users`; its rules are then `users.name`".to_owned());
    }
    if package {
        return matches!(place.kind(-1), Kind::Minus).then(|| PACKAGE.to_owned());
    }
    let path = place.source.slice(place.span);
    if place.says("unexpected import path, must begin with") {
        return Some(format!("packages are below `data`: write `import data.{path}`"));
    }
    if place.says("invalid import, must be `future.keywords`") {
        let word = path.rsplit('.').next().unwrap_or_default();
        return Some(format!("write `import future.keywords.{word}`"));
    }
    if place.says("unexpected keyword, must be one of") {
        return Some("Rego v1 needs no import of `if`, `in`, `contains` and `every`".to_owned());
    }
    None
}

const PACKAGE: &str = "the parts of a package's name consist of letters, digits and `_`, separated by `.`: `package my_app.orders`";

/// Whether the statement begins on a line that another one does, so that it may be meant as a part of that one.
fn goes_on(place: &Place<'_>) -> bool {
    place.from > 0
        && place.at <= place.from + 1
        && place.tokens.get(place.from).is_some_and(|token| !token.newline)
}

/// What follows a package or import on its line.
fn rest_of_path(place: &Place<'_>) -> Option<String> {
    let line = place.source.line(place.source.line_of(place.span.start));
    match place.first() {
        Kind::Minus | Kind::Divide | Kind::Illegal if line.starts_with("package ") => {
            Some(PACKAGE.to_owned())
        }
        Kind::Comma if line.starts_with("import ") => {
            Some("write each import on a line of its own".to_owned())
        }
        first if line.starts_with("default ") => default(place, first),
        _ => None,
    }
}

/// What is wrong in the head of a rule, or with where it stands.
pub(super) fn hint(place: &Place<'_>) -> Option<String> {
    if place.first() == Kind::Default {
        return default(place, place.kind(0));
    }
    if place.message == "unexpected package" {
        return Some("a file has one package: move the other one to a file of its own".to_owned());
    }
    if place.message == PACKAGE_EXPECTED {
        return Some(package(place));
    }
    if place.message.ends_with("cannot be used for rule name") {
        return name(place);
    }
    let top = place.from == place.at;
    Some(match (place.kind(0), place.message) {
        (_, "rule name conflicts with built-in function") => {
            let line = place.rest_of_line();
            format!("a condition belongs in a rule: `allow if {line}`")
        }
        (_, "multiple expressions cannot be used for rule head") => {
            "remove the `;` after the rule".to_owned()
        }
        (_, "negated expressions cannot be used for rule head") => {
            format!("a condition belongs in a rule: `allow if {}`", place.rest_of_line())
        }
        (_, "'some' declarations cannot be used for rule head") => {
            format!("a condition belongs in a rule: `allow if {{ {} … }}`", place.rest_of_line())
        }
        (Kind::If, _) if top && place.kind(1) != Kind::Assign => {
            "a rule begins with its name: `allow if { … }`".to_owned()
        }
        (Kind::RightBrace, _) if top => "there is one `}` too many".to_owned(),
        (Kind::If, _) if place.kind(-1) == Kind::Assign => {
            "the value belongs between `:=` and `if`; without `:=` it is `true`".to_owned()
        }
        (Kind::Colon, _) if place.kind(-1) == Kind::If => "remove the `:` after `if`".to_owned(),
        (Kind::Comma, _) if top => "rules are separated by new lines: remove the comma".to_owned(),
        _ => return None,
    })
}

fn package(place: &Place<'_>) -> String {
    let begins = |token: &&Token| token.kind == Kind::Package && token.newline;
    if let Some(token) = place.tokens.iter().find(begins) {
        let line = place.source.line_of(token.span.start);
        return format!("the package comes first: move line {line} to the top");
    }
    if place.text(0).eq_ignore_ascii_case("package") {
        return "write `package`, in lower case".to_owned();
    }
    "begin the file with its package, such as `package app`".to_owned()
}

/// In a default, or behind one on its line.
fn default(place: &Place<'_>, next: Kind) -> Option<String> {
    if place.says("illegal default rule (value") {
        return Some(
            "a default is a constant: write `default allow := false`, and what it depends on in a rule of the same name".to_owned(),
        );
    }
    if place.says("illegal default rule (must have a value") {
        return Some("give it a value: `default allow := false`".to_owned());
    }
    match next {
        Kind::If | Kind::LeftBrace => {
            Some("a default has no conditions: write them in a rule of the same name".to_owned())
        }
        Kind::Colon => Some("write `:=`: `default allow := false`".to_owned()),
        _ => None,
    }
}

/// What was meant by a name that is no rule.
fn name(place: &Place<'_>) -> Option<String> {
    let after = place.after();
    let (name, next) = (place.source.slice(place.span), after.text(0));
    let same_line = !after.token(0).newline && after.kind(0) != Kind::Eof;
    if Kind::of_word(place.text(0)).is_some() {
        return Some(format!("`{}` is a keyword: give the rule another name", place.text(0)));
    }
    // `input.a true`: another statement on the line of the one before.
    if place.at == place.from && place.at > 0 && !place.token(0).newline {
        if place.kind(0) == Kind::String && place.text(-1) == "f" && !place.token(0).spaced {
            return Some(format!("a template string begins with `$`: `${}`", place.text(0)));
        }
        return Some(format!(
            "the rule ends before `{}`: write several conditions in braces, each on a line of its own",
            place.text(0)
        ));
    }
    if place.text(0).starts_with("``") {
        return Some("remove the Markdown fence".to_owned());
    }
    if place.kind(0) != Kind::Ident {
        return Some(RULE.to_owned());
    }
    if !same_line {
        return Some(format!("write `{name} := true`, or `{name} if {{ … }}`"));
    }
    match after.kind(0) {
        Kind::Colon => {
            let value = after.tokens.get(after.at + 1).filter(|token| !token.newline);
            let from = value.map(|token| token.span.start as usize)?;
            let rest = place.source.text.get(from..)?.lines().next()?.trim().trim_start_matches("= ");
            Some(format!("write `:=`: `{name} := {rest}`"))
        }
        Kind::String => Some(format!(
            "for a set write `{name} contains {next} if {{ … }}`, for a value `{name} := {next}`"
        )),
        Kind::Ident => match (near(name, &["default", "import", "package"]), near(next, &["if", "contains"]))
        {
            (Some(meant), _) | (None, Some(meant)) => Some(format!("did you mean `{meant}`?")),
            _ => Some(RULE.to_owned()),
        },
        _ => Some(RULE.to_owned()),
    }
}

/// The keyword that is misspelled.
fn near<'k>(word: &str, keywords: &[&'k str]) -> Option<&'k str> {
    let most = |keyword: &str| (keyword.len() / 3).max(1);
    let distance = |keyword: &str| strsim::damerau_levenshtein(&word.to_lowercase(), keyword);
    keywords.iter().copied().find(|keyword| (1..=most(keyword)).contains(&distance(keyword)))
}
