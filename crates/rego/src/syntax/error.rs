//! Syntax errors.

use std::fmt;

use super::source::{Source, Span};

/// The code of every error of this stage.
pub const PARSE_ERROR: &str = "rego_parse_error";

/// The message for a text without a package.
pub const PACKAGE_EXPECTED: &str = "package expected";

/// How many errors are reported of one text.
pub const MAX_ERRORS: usize = 100;

/// A place in a text that is not Rego, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// `rego_parse_error`
    pub code: &'static str,
    /// The offending part.
    pub span: Span,
    /// What is wrong, in OPA's words where it has some.
    pub message: String,
    /// What may help, as OPA says it.
    pub hint: Option<String>,
    /// What may help where OPA says nothing; no part of the text.
    pub advice: Option<String>,
}

impl Error {
    /// An error without a hint.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { code: PARSE_ERROR, span, message: message.into(), hint: None, advice: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// `name:line: code: message`, as OPA prints it, on one line.
    pub fn located(&self, source: &Source) -> String {
        format!("{}:{}: {self}", source.name, source.line_of(self.span.start))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " (hint: {hint})"))
    }
}

impl std::error::Error for Error {}
