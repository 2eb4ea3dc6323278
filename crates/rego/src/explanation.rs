//! Explanations: why a document has its value, for people and for decision records.

use std::fmt;

use serde::Serialize;

use crate::error::Location;

/// Explains the value of one document.
///
/// Serialises to `{"rule", "result", "default"?, "candidates": [{"location", "title"?, "holds", "condition"?, "error"?,
/// "because"?}], "left_out"?}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The document or function, e.g. `data.app.allow`.
    pub rule: String,
    /// Its result.
    pub result: Result,
    /// Whether the result is the rule's default.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Each rule that could have defined it; only those that hold where any has granted it.
    pub candidates: Vec<Candidate>,
    /// How many more candidates there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: usize,
}

/// The result of a document, as an explanation shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Result {
    /// `true`.
    True,
    /// `false`.
    False,
    /// An array, a set or an object without anything in it.
    Empty,
    /// Anything else that is defined.
    Value,
    /// Nothing.
    Undefined,
}

/// One rule, or one `else` of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Where it is.
    pub location: Location,
    /// The title of its `# METADATA`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether it holds.
    pub holds: bool,
    /// The first condition that does not hold; absent where the arguments of a function do not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// The error that ended its evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The rules that its condition depends on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Explanation>,
}

/// A condition that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Its source on one line, shortened if it is long.
    pub text: String,
    /// Where it is.
    pub location: Location,
    /// The value found there. May be personal data: shown on the command line, never recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

const fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Result {
    const fn text(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Empty => "empty",
            Self::Value => "defined",
            Self::Undefined => "undefined",
        }
    }
}

impl Explanation {
    /// The lines of its text.
    pub fn lines(&self) -> Vec<String> {
        self.to_string().lines().map(str::to_owned).collect()
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let pad = "  ".repeat(depth);
        write!(f, "{pad}{} is {}", self.rule, self.result.text())?;
        f.write_str(if self.default { ", by default:\n" } else { ":\n" })?;
        for candidate in &self.candidates {
            candidate.write(f, depth + 1)?;
        }
        match (self.left_out, self.candidates.is_empty()) {
            (0, false) => Ok(()),
            (0, true) => writeln!(f, "{pad}  there is no other rule for it"),
            (more, _) => writeln!(f, "{pad}  … and {more} more rules"),
        }
    }
}

impl Candidate {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let pad = "  ".repeat(depth);
        let Location { file, row, .. } = &self.location;
        let word = if self.holds { "holds" } else { "fails" };
        write!(f, "{pad}{word}  {file}:{row}")?;
        if let Some(title) = &self.title {
            write!(f, "  \"{title}\"")?;
        }
        f.write_str("\n")?;
        match (&self.condition, &self.error) {
            (_, Some(error)) => writeln!(f, "{pad}       error: {error}")?,
            (Some(Condition { text, location, found }), None) => {
                writeln!(f, "{pad}       line {}: {text}", location.row)?;
                if let Some(found) = found {
                    writeln!(f, "{pad}         {found}")?;
                }
            }
            (None, None) if !self.holds => writeln!(f, "{pad}       the arguments do not fit its head")?,
            (None, None) => {}
        }
        self.because.iter().try_for_each(|because| because.write(f, depth + 3))
    }
}

/// For a person: a line for the document, a line for each rule, one for the condition that fails, and below it why.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}
