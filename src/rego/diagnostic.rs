//! What is wrong with a policy: from the engine's texts and our own checks to code, message and place.

use std::fmt;

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

    /// With the place that `span` names.
    pub(super) fn at(code: &'static str, span: &regorus::unstable::Span, message: impl Into<String>) -> Self {
        let location = Location { file: span.source.file().clone(), row: span.line, col: span.col };
        let excerpt = span.source.line(span.line.saturating_sub(1)).to_owned();
        Self { location: Some(location), excerpt: Some(excerpt), ..Self::new(code, message) }
    }

    /// With a line that says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Reads an error text of the engine: `--> file:line:col`, an excerpt, `error: message`.
    pub(super) fn from_engine(code: &'static str, error: &str) -> Self {
        let mut diagnostic = Self::new(code, engine_message(error));
        let mut lines = error.lines().skip_while(|line| !line.starts_with("--> "));
        if let Some(location) = lines.next().and_then(parse_location) {
            diagnostic.location = Some(location);
            // An empty gutter, then the line of source behind its number.
            diagnostic.excerpt =
                lines.nth(1).and_then(|line| line.split_once("| ")).map(|(_, text)| text.to_owned());
        }
        diagnostic
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

/// An error that an evaluation ended with, out of the engine's text.
pub(super) fn evaluation_error(error: &str) -> PolicyError {
    let message = engine_message(error);
    let conflict = message.contains("multiple outputs") || message.contains("conflicts with");
    let (code, message) = if conflict {
        ("eval_conflict_error", message)
    } else if message.contains("recursion detected") || message.contains("cyclic evaluation") {
        ("rego_recursion_error", "the rule depends on itself".to_owned())
    } else {
        ("eval_builtin_error", message)
    };
    PolicyError { code, message, location: error.lines().find_map(parse_location) }
}

/// The engine's last `error:` line, and what follows it; the whole text where there is none.
fn engine_message(error: &str) -> String {
    let message = match error.rfind("error: ") {
        Some(at) => error.get(at + "error: ".len()..).unwrap_or(error),
        None => error,
    };
    message.trim().trim_end_matches('.').to_owned()
}

fn parse_location(line: &str) -> Option<Location> {
    let mut parts = line.strip_prefix("--> ")?.rsplitn(3, ':');
    let col = parts.next()?.trim().parse().ok()?;
    let row = parts.next()?.parse().ok()?;
    Some(Location { file: parts.next()?.to_owned(), row, col })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_text_becomes_code_message_and_place() {
        let text = "\n--> bundle/app/policy.rego:28:15\n   |\n28 | bad := to_number(input.n)\n   |               ^\nerror: could not parse";
        let diagnostic = Diagnostic::from_engine("rego_parse_error", text);
        assert_eq!(
            diagnostic.location,
            Some(Location { file: "bundle/app/policy.rego".into(), row: 28, col: 15 })
        );
        assert_eq!(
            diagnostic.to_string(),
            "bundle/app/policy.rego:28:15: rego_parse_error: could not parse\n  bad := to_number(input.n)\n                ^"
        );
        assert_eq!(evaluation_error(text).code, "eval_builtin_error");
        assert_eq!(evaluation_error("no place at all").location, None);
    }
}
