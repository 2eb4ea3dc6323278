//! Errors in fixture files: what is wrong, where, and what to do.

use std::fmt;

use verdict_rego::Location;

/// An error in a fixture file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixtureError {
    /// Where.
    pub location: Location,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub hint: Option<String>,
}

impl FixtureError {
    pub(super) fn new(location: Location, message: impl Into<String>) -> Self {
        Self { location, message: message.into(), hint: None }
    }

    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(super) fn from_yaml(file: &str, text: &str, error: &yaml_serde::Error) -> Self {
        let message = error.to_string();
        // The parser repeats the position in its message.
        let message =
            message.split_once(" at line ").map_or(message.as_str(), |(before, _)| before).to_owned();
        let hint = suggestion(&message);
        let unknown = message.split_once("unknown field `").and_then(|(_, rest)| rest.split('`').next());
        let (mut row, mut col) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        // For an unknown key, the parser gives the position of the object; find that of the key.
        if let Some((line, column)) = unknown.and_then(|key| key_after(text, row, key)) {
            (row, col) = (line, column);
        }
        let number = |n: usize| u32::try_from(n.max(1)).unwrap_or(u32::MAX);
        let location = Location { file: file.to_owned(), row: number(row), col: number(col) };
        Self { location, message, hint }
    }
}

/// `file:row:col: message`, and the hint on a line of its own.
impl fmt::Display for FixtureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Location { file, row, col } = &self.location;
        write!(f, "{file}:{row}:{col}: {}", self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

impl std::error::Error for FixtureError {}

/// Row and column, from 1, of the first place at or below `row` where `key` stands before a colon.
pub(super) fn key_after(text: &str, row: usize, key: &str) -> Option<(usize, usize)> {
    text.lines().enumerate().skip(row.saturating_sub(1)).find_map(|(index, line)| {
        line.match_indices(key).find_map(|(at, _)| {
            let (before, after) = (line.get(..at)?, line.get(at + key.len()..)?);
            let whole = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let colon = after.trim_start_matches(['"', '\'']).trim_start().starts_with(':');
            (whole && colon).then(|| (index + 1, before.chars().count() + 1))
        })
    })
}

/// For serde's "unknown field `x`, expected one of `a`, `b`": the most similar known name, if one is similar.
fn suggestion(message: &str) -> Option<String> {
    let (_, rest) =
        message.split_once("unknown field `").or_else(|| message.split_once("unknown variant `"))?;
    let mut names = rest.split('`').step_by(2);
    let given = names.next()?;
    let near = names.map(|name| (strsim::damerau_levenshtein(given, name), name)).min()?;
    (near.0 <= given.len().div_ceil(2)).then(|| format!("did you mean `{}`?", near.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let near = "unknown field `subjct`, expected one of `name`, `subject`, `expect`";
        assert_eq!(suggestion(near).as_deref(), Some("did you mean `subject`?"));
        assert_eq!(suggestion("unknown field `zzz`, expected one of `name`, `subject`"), None);
        assert_eq!(suggestion("missing field `cases`"), None);
    }
}
