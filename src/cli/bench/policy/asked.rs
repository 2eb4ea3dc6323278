//! What is evaluated again and again: a document, as the server answers for it, or any query.

use crate::cli::eval::document_path;
use crate::model::clock::Timestamp;
use crate::model::decision::Outcome;
use crate::model::request::EntryPath;
use crate::pdp;
use verdict_rego::query::{Asking, Query, Scope};
use verdict_rego::{Effects, EvalLimits, Program, Value};

/// What is evaluated.
pub(super) enum Asked {
    Document(EntryPath),
    Query(Box<Query>),
}

impl Asked {
    /// Reads `data.app.allow`, `app/allow` as URLs have it, or any query.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(text: &str, scope: &Scope, program: &Program) -> Result<Self, String> {
        if let Some(path) = document_path(text) {
            return Ok(Self::Document(path));
        }
        if is_url_path(text) {
            return EntryPath::parse(text).map(Self::Document);
        }
        let query = program
            .prepare(text, scope)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
        Ok(Self::Query(Box::new(query)))
    }

    /// Evaluates once: what came of it, and why where that is not plain.
    pub(super) fn evaluate(
        &self,
        program: &Program,
        input: Option<&Value>,
        at: Timestamp,
        limits: EvalLimits,
    ) -> (Outcome, Option<String>) {
        let query = match self {
            Self::Document(path) => {
                let answer = pdp::decide(program, path, input.cloned(), at, &limits);
                return (answer.outcome, answer.reason);
            }
            Self::Query(query) => query,
        };
        let effects = Effects::default();
        let asking = Asking { input, now_ns: at.0, limits, strict: limits.strict, effects, watch: None };
        match program.ask(query, asking) {
            Err(failure) => (Outcome::Error, Some(failure.message)),
            Ok(rows) if rows.is_empty() => {
                (Outcome::Undefined, Some("no way through the query holds".to_owned()))
            }
            Ok(_) => (Outcome::Value, None),
        }
    }
}

/// Whether a text is a path as URLs have it, rather than Rego; with a slash, unless it is a single name.
fn is_url_path(text: &str) -> bool {
    let of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '%' | '/');
    let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let single = text.starts_with(char::is_alphabetic) && text.chars().all(name) && text != "input";
    text.chars().all(of_path)
        && (single || text.contains('/'))
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_queries() {
        for (text, expected) in [
            ("app/allow", true),
            ("/app/allow/", true),
            ("app", true),
            ("by-user", true),
            ("app//allow", true),
            ("input", false),
            ("input.x", false),
            ("1/2", false),
            ("1 + 1", false),
            ("x := 1", false),
            ("app / allow", false),
            ("data.a-b.c", false),
        ] {
            assert_eq!(is_url_path(text), expected, "{text}");
        }
    }
}
