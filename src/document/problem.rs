//! What is wrong, said so that a person can repair it: where, what, and what to do.

use std::fmt;
use std::path::PathBuf;

use super::flaw::{Flaw, Known};
use super::mask;
use super::suggest::{closest, did_you_mean, list};
use super::tree::{Node, Origin, Place, Step};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where and what, on one line: `verdict.yaml:7:13: server.max_body: …`.
    pub message: String,
    /// The line of the file with a caret below the place, where the problem stands in a file.
    pub excerpt: Option<String>,
    /// What to do, where that can be said.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n{excerpt}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

impl Problem {
    /// A problem that stands at no line of a file.
    pub(crate) fn new(message: &str, hint: Option<&str>) -> Self {
        Self { message: clean(message), excerpt: None, hint: hint.map(clean) }
    }
}

/// The file that was read, to show its lines.
#[derive(Clone)]
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Without the text, in which secrets may stand.
impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SourceFile {
    /// A problem at a place in this file.
    pub(crate) fn problem(&self, place: Option<Place>, message: &str, hint: Option<&str>) -> Problem {
        let name = self.path.display();
        let message = match place {
            Some(Place { line, column }) => format!("{name}:{line}:{column}: {message}"),
            None => format!("{name}: {message}"),
        };
        let excerpt = place.and_then(|place| self.excerpt(place));
        Problem { excerpt, ..Problem::new(&message, hint) }
    }

    /// Whether the line of a place is indented with tabs.
    pub(super) fn has_tab_before(&self, Place { line, .. }: Place) -> bool {
        let line = line.checked_sub(1).and_then(|n| self.text.lines().nth(n)).unwrap_or_default();
        line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t')
    }

    fn excerpt(&self, Place { line, column }: Place) -> Option<String> {
        const WIDEST: usize = 200;
        let source = self.text.lines().nth(line.checked_sub(1)?)?;
        // A caret under a line that was masked, or is too wide for any terminal, would point at the wrong place.
        if mask::secrets(source) != source || mask::holds_key(source) || source.chars().count() > WIDEST {
            return None;
        }
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        let lead: String = source
            .chars()
            .take(column.saturating_sub(1))
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let source = clean(source);
        Some(format!(" {gutter} |\n {number} | {source}\n {gutter} | {lead}^"))
    }
}

impl Flaw {
    /// In words, with its place in `tree`, which was read from `file`.
    pub(crate) fn into_problem(self, tree: &Node, file: Option<&SourceFile>) -> Problem {
        let message = match self.path.0.is_empty() {
            true => self.message.clone(),
            false => format!("{}: {}", self.path, self.message),
        };
        let hint = self.hint.clone().or_else(|| self.suggestion());
        let hint = hint.as_deref();
        match (&self.origin, file) {
            (Origin::File, Some(file)) => file.problem(tree.locate(&self.path, self.part), &message, hint),
            (Origin::Env(name), _) => {
                Problem::new(&format!("environment variable `{name}`: {message}"), hint)
            }
            (Origin::Flag(name), _) => Problem::new(&format!("flag `{name}`: {message}"), hint),
            (Origin::Kept, _) => Problem::new(&format!("as it is until a restart: {message}"), hint),
            (Origin::Default | Origin::File, _) => Problem::new(&message, hint),
        }
    }

    /// What was probably meant, and what is known there.
    pub(crate) fn suggestion(&self) -> Option<String> {
        let (_, last) = self.path.split_last()?;
        match (self.known?, last) {
            (Known::Words(words), _) => {
                let given = self.message.split('`').nth(1).unwrap_or_default();
                Some(did_you_mean(
                    closest(given, words.iter().copied()),
                    &format!("known values are {}", list(words)),
                ))
            }
            (Known::Keys(keys), Step::Key(given)) => {
                Some(did_you_mean(closest(given, keys.iter().copied()), &self.known_keys(keys)))
            }
            _ => None,
        }
    }

    /// `known keys in … are …`
    pub(crate) fn known_keys(&self, keys: &[&str]) -> String {
        let there = match self.path.split_last() {
            Some((above, _)) if !above.0.is_empty() => format!("in `{above}`"),
            _ => "at the top".to_owned(),
        };
        format!("known keys {there} are {}", list(keys))
    }
}

/// Without secrets, and without control characters that a terminal would obey.
fn clean(text: &str) -> String {
    let visible: String =
        text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
    mask::secrets(&visible)
}
