//! What is wrong with a policy: code, message and place.

use std::fmt;

use super::syntax::source::{Source, Span};
use crate::model::failure::{Location, PolicyError};

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
    /// What to do about it, where that is known.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without a place.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), location: None, excerpt: None, hint: None }
    }

    /// With its place in a source.
    pub fn at(code: &'static str, source: &Source, span: Span, message: impl Into<String>) -> Self {
        let (row, col) = source.position(span.start);
        let location = Location { file: source.name.to_string(), row, col };
        Self {
            location: Some(location),
            excerpt: Some(source.line(row).to_owned()),
            ..Self::new(code, message)
        }
    }

    /// With a line that says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// In the shape that OPA's clients know.
    pub fn to_policy_error(&self) -> PolicyError {
        PolicyError { code: self.code, message: self.message.clone(), location: self.location.clone() }
    }
}

/// `file:line:col: code: message`, the line of source with a caret below the place, and the hint.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Location { file, row, col }) = &self.location {
            write!(f, "{file}:{row}:{col}: ")?;
        }
        write!(f, "{}: {}", self.code, self.message)?;
        if let (Some(excerpt), Some(location)) = (&self.excerpt, &self.location) {
            let column = usize::try_from(location.col).unwrap_or(1).saturating_sub(1);
            // Tabs stay tabs, so that the caret stands below its character on any terminal.
            let pad: String =
                excerpt.chars().take(column).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            write!(f, "\n  {excerpt}\n  {pad}^")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_its_place_and_its_line() {
        let source = Source::new("app/policy.rego", "package app\n\tbad := to_number(input.n)\n");
        let diagnostic =
            Diagnostic::at("rego_type_error", &source, Span { start: 13, end: 16 }, "no").hint("try");
        let expected =
            "app/policy.rego:2:2: rego_type_error: no\n  \tbad := to_number(input.n)\n  \t^\nhint: try";
        assert_eq!(diagnostic.to_string(), expected);
    }
}
