//! Errors in policy, with source excerpts and hints.

use std::fmt;

use super::syntax::diagnostic_excerpt::{self, excerpt};
use super::syntax::error::Error;
use super::syntax::source::{Source, Span};
use crate::error::{Location, PolicyError};

/// One error in a policy, found at load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// OPA's code: `rego_parse_error`, `rego_compile_error`, `rego_type_error`, `rego_recursion_error`, …
    pub code: &'static str,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// Where; `None` for what concerns no single place.
    pub location: Option<Location>,
    /// The line of source, where it is known.
    pub excerpt: Option<String>,
    /// How long the place in it is, in bytes.
    pub length: u32,
    /// Details, line by line, as OPA prints them, e.g. the types found and the types expected.
    pub details: Vec<String>,
    /// How to fix it, if known.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without a place.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            location: None,
            excerpt: None,
            length: 0,
            details: Vec::new(),
            hint: None,
        }
    }

    /// A diagnostic at a place in a source.
    pub fn at(code: &'static str, source: &Source, span: Span, message: impl Into<String>) -> Self {
        let (row, col) = source.position(span.start);
        let location = Location { file: source.name.to_string(), row, col };
        Self {
            location: Some(location),
            excerpt: Some(source.line(row).to_owned()),
            length: span.end.saturating_sub(span.start),
            ..Self::new(code, message)
        }
    }

    /// From an error of the parser.
    pub fn of_syntax(source: &Source, error: Error) -> Self {
        Self { hint: error.hint.or(error.advice), ..Self::at(error.code, source, error.span, error.message) }
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// In the shape that OPA's clients know.
    pub fn to_policy_error(&self) -> PolicyError {
        PolicyError { code: self.code, message: self.message.clone(), location: self.location.clone() }
    }
}

/// `file:line:col: code: message`, the details, the line of source with the place underlined, and the hint.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = diagnostic_excerpt::message;
        if let Some(Location { file, row, col }) = &self.location {
            write!(f, "{}:{row}:{col}: ", shown(file))?;
        }
        write!(f, "{}: {}", self.code, shown(&self.message))?;
        for line in &self.details {
            write!(f, "\n    {}", shown(line))?;
        }
        let (row, col) = self.location.as_ref().map_or((0, 1), |location| (location.row, location.col));
        let line = self.excerpt.as_deref().unwrap_or_default();
        let excerpt = excerpt(row, line, col, self.length, self.hint.as_deref());
        if excerpt.is_empty() { Ok(()) } else { write!(f, "\n{}", excerpt.trim_end_matches('\n')) }
    }
}

/// The default number of diagnostics shown, as in OPA.
pub const SHOWN: usize = 10;

/// The first `most` diagnostics (0 shows all), and the number of the rest.
pub fn listed(diagnostics: &[Diagnostic], most: usize) -> String {
    let most = if most == 0 { diagnostics.len() } else { most };
    let mut texts: Vec<String> = diagnostics.iter().take(most).map(ToString::to_string).collect();
    match diagnostics.len().saturating_sub(most) {
        0 => {}
        more => texts.push(format!("… and {more} more")),
    }
    texts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_its_place_and_its_line() {
        let source = Source::new("app/policy.rego", "package app\n\tbad := to_number(input.n)\n");
        let diagnostic =
            Diagnostic::at("rego_type_error", &source, Span { start: 13, end: 16 }, "no").hint("try");
        let expected = "app/policy.rego:2:2: rego_type_error: no\n 2 | \tbad := to_number(input.n)\n   | \t^^^\n   = hint: try";
        assert_eq!(diagnostic.to_string(), expected);
        let many = vec![Diagnostic::new("x", "y"); 12];
        assert!(listed(&many, SHOWN).ends_with("x: y\n… and 2 more"));
        assert_eq!(listed(&many, 0).lines().count(), 12);
    }
}
