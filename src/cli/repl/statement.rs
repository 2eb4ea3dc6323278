//! What a statement at the prompt is: a query, or something that changes the session.

use verdict_rego::syntax::ast::{HeadValue, Module, Rule, Version};
use verdict_rego::syntax::parser::{Options, parse_module, parse_query_with};
use verdict_rego::syntax::{Error, Keywords, Source, on_large_stack};
use verdict_rego::{Diagnostic, capabilities};

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Statement {
    /// `package app`: its path.
    Package(String),
    /// `import data.lib as l`: what stands behind the keyword.
    Import(String),
    /// `input := {…}`: the value.
    Input(String),
    /// Rules to define.
    Rules(Vec<Defined>),
    /// A query to evaluate.
    Query,
}

/// What a rule defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Defined {
    /// Its name without keys: `p` of `p[x]`.
    pub(super) name: String,
    /// Whether it takes the place of those of the same name: `x := 1` and `f(x) := x` do, rules with a body are added.
    pub(super) replaces: bool,
    /// Whether it is a `default`.
    pub(super) default: bool,
}

/// What a text is, in a module that begins with `header`: its package and imports, each on a line.
///
/// # Errors
/// What is wrong with it. The places are those in the text, and have no file.
pub(super) fn read(text: &str, header: &str) -> Result<Statement, Vec<Diagnostic>> {
    if let Some(rest) = after_word(text, "package") {
        return Ok(Statement::Package(rest.strip_prefix("data.").unwrap_or(rest).to_owned()));
    }
    if let Some(rest) = after_word(text, "import") {
        return Ok(Statement::Import(rest.to_owned()));
    }
    if let Some(value) = text.trim().strip_prefix("input").and_then(|rest| rest.trim().strip_prefix(":=")) {
        return Ok(Statement::Input(value.trim().to_owned()));
    }
    on_large_stack(|| rules_or_query(text, header))
}

fn after_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let rest = text.trim().strip_prefix(word)?;
    rest.starts_with(char::is_whitespace).then(|| rest.trim())
}

fn rules_or_query(text: &str, header: &str) -> Result<Statement, Vec<Diagnostic>> {
    let own = Source::new("", text);
    let whole = Source::new("", format!("{header}\n{text}"));
    let before = header.len() as u32 + 1;
    // A query goes on without a separator, so that `p contains 1` is one, too: what can be a rule is asked first.
    let of_module = match parse_module(&whole, Version::V1, options_of_module()) {
        Ok(module) if module.rules.iter().all(is_definition) => {
            return Ok(Statement::Rules(module.rules.iter().map(|rule| defined(&whole, rule)).collect()));
        }
        Ok(_) => Vec::new(),
        Err(errors) => errors,
    };
    let keywords = module(header).map(|module| module.keywords).unwrap_or_else(|_| Keywords::default());
    let options = Options { keywords, ..Options::default() };
    let Err(of_query) = parse_query_with(&own, Version::V1, options) else { return Ok(Statement::Query) };
    // Whichever way of reading it gets further is what was meant.
    let furthest = |errors: &[Error]| errors.iter().map(|error| error.span.start).max().unwrap_or_default();
    let as_rule = furthest(&of_module).saturating_sub(before) > furthest(&of_query);
    let errors = if as_rule { of_module } else { of_query };
    let shown = |mut error: Error| {
        if as_rule {
            error.span.start = error.span.start.saturating_sub(before);
            error.span.end = error.span.end.saturating_sub(before);
        }
        Diagnostic::of_syntax(&own, error)
    };
    Err(errors.into_iter().map(shown).collect())
}

fn options_of_module() -> Options {
    Options { is_builtin: capabilities::is_builtin, ..Options::default() }
}

fn module(text: &str) -> Result<Module, Vec<Error>> {
    parse_module(&Source::new("", text), Version::V1, options_of_module())
}

/// Whether it can be nothing but a rule: `x = 1` and `f(1)` are queries at a prompt.
fn is_definition(rule: &Rule) -> bool {
    match rule.head.value {
        HeadValue::Value { assigned, .. } => assigned || rule.default || rule.body.is_some(),
        HeadValue::Contains(_) => true,
        HeadValue::Implied => rule.default || rule.body.is_some(),
    }
}

fn defined(source: &Source, rule: &Rule) -> Defined {
    let whole = source.slice(rule.head.name.span);
    let name = whole.split(['[', '(']).next().unwrap_or(whole).to_owned();
    let assigned = matches!(rule.head.value, HeadValue::Value { assigned: true, .. });
    Defined { name, replaces: assigned && rule.body.is_none() && !rule.default, default: rule.default }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_told_from_queries() {
        let rules = |name: &str, replaces, default| {
            Statement::Rules(vec![Defined { name: name.to_owned(), replaces, default }])
        };
        for (text, expected) in [
            ("x := 1", rules("x", true, false)),
            ("a.b := 1", rules("a.b", true, false)),
            ("f(x) := x + 1", rules("f", true, false)),
            ("p if { true }", rules("p", false, false)),
            ("p := 2 if input.x", rules("p", false, false)),
            ("p contains 1", rules("p", false, false)),
            ("p[x] := 1 if some x in [1]", rules("p", false, false)),
            ("default p := false", rules("p", false, true)),
            ("x = 1", Statement::Query),
            ("x == 1", Statement::Query),
            ("x := 1; y := 2", Statement::Query),
            ("[a, b] := [1, 2]", Statement::Query),
            ("some x in [1, 2]", Statement::Query),
            ("data.app.allow", Statement::Query),
            ("print(1)", Statement::Query),
            ("input", Statement::Query),
            ("input == 1", Statement::Query),
            ("input := {\"a\": 1}", Statement::Input("{\"a\": 1}".to_owned())),
            ("package a.b", Statement::Package("a.b".to_owned())),
            ("import data.x as y", Statement::Import("data.x as y".to_owned())),
            ("# nothing", Statement::Rules(Vec::new())),
        ] {
            assert_eq!(read(text, "package repl\n"), Ok(expected), "{text}");
        }
    }

    #[test]
    fn errors_have_their_place_in_the_statement() {
        for (text, row, col) in [("x := )", 1, 6), ("p if {\n\t)\n}", 2, 2), ("1 + )", 1, 5)] {
            let found = read(text, "package repl\nimport data.a\n").unwrap_err();
            let place = found[0].location.clone().unwrap();
            assert_eq!((place.file.as_str(), place.row, place.col), ("", row, col), "{text}: {found:?}");
        }
    }
}
