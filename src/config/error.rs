//! What is wrong with a configuration, said so that a person can repair it: where, what, and what to do.

use std::fmt;
use std::path::PathBuf;

use super::flaw::{Flaw, Known};
pub(crate) use super::suggest::closest;
use super::suggest::{did_you_mean, list};
use super::tree::{Node, Origin, Place, Step};
use super::{keys, mask, variables};

/// Why there is no configuration. Never without a problem in it.
#[derive(Debug, thiserror::Error)]
#[error("{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError {
    /// Everything that was found, in the order of the search.
    pub problems: Vec<Problem>,
}

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

impl ConfigError {
    pub(super) fn one(message: String, hint: Option<&str>) -> Self {
        let problem = Problem { message: clean(&message), excerpt: None, hint: hint.map(str::to_owned) };
        Self { problems: vec![problem] }
    }
}

/// The file that was read, to show its lines.
#[derive(Debug, Clone)]
pub(super) struct SourceFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

impl SourceFile {
    /// A problem at a place in this file.
    pub(super) fn problem(&self, place: Option<Place>, message: &str, hint: Option<String>) -> Problem {
        let name = self.path.display();
        let message = match place {
            Some(Place { line, column }) => format!("{name}:{line}:{column}: {message}"),
            None => format!("{name}: {message}"),
        };
        let excerpt = place.and_then(|place| self.excerpt(place));
        Problem { message: clean(&message), excerpt, hint: hint.as_deref().map(clean) }
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
    pub(super) fn into_problem(self, tree: &Node, file: Option<&SourceFile>) -> Problem {
        let message = match self.path.0.is_empty() {
            true => self.message.clone(),
            false => format!("{}: {}", self.path, self.message),
        };
        let hint = self.hint.clone().or_else(|| self.suggestion());
        match (&self.origin, file) {
            (Origin::File, Some(file)) => file.problem(tree.locate(&self.path, self.part), &message, hint),
            (Origin::Env(name), _) => elsewhere(format!("environment variable `{name}`: {message}"), hint),
            (Origin::Flag(name), _) => elsewhere(format!("flag `{name}`: {message}"), hint),
            (Origin::Kept, _) => elsewhere(format!("as it is until a restart: {message}"), hint),
            (Origin::Default | Origin::File, _) => elsewhere(message, hint),
        }
    }

    fn suggestion(&self) -> Option<String> {
        let (above, last) = self.path.split_last()?;
        match (self.known?, last) {
            (Known::Words(words), _) => {
                let given = self.message.split('`').nth(1).unwrap_or_default();
                Some(did_you_mean(
                    closest(given, words.iter().copied()),
                    &format!("known values are {}", list(words)),
                ))
            }
            (Known::Keys(keys), Step::Key(given)) => {
                if let Origin::Env(name) = &self.origin {
                    let guess = variables::suggestion(name);
                    return Some(did_you_mean(
                        guess.as_deref(),
                        "`verdict config --reference` lists the names",
                    ));
                }
                let there = match above.0.is_empty() {
                    true => "at the top".to_owned(),
                    false => format!("in `{above}`"),
                };
                let guess = closest(given, keys.iter().copied());
                let rest = format!("known keys {there} are {}", list(keys));
                match (guess, keys::home_of(given)) {
                    (None, Some(home)) => Some(format!("did you mean `{home}`? {rest}")),
                    (guess, _) => Some(did_you_mean(guess, &rest)),
                }
            }
            _ => None,
        }
    }
}

fn elsewhere(message: String, hint: Option<String>) -> Problem {
    Problem { message: clean(&message), excerpt: None, hint: hint.as_deref().map(clean) }
}

/// Without secrets, and without control characters that a terminal would obey.
fn clean(text: &str) -> String {
    let visible: String =
        text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
    mask::secrets(&visible)
}
