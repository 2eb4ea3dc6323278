//! A text made ready for the parser.

use std::borrow::Cow;

use super::error::YamlError;
use super::tabs;

/// The text without a byte-order mark, in which tabs that only separate are spaces. Lines stay where they are.
///
/// # Errors
/// A character that no YAML may have (YAML 1.2.2 section 5.1; the parser would take NUL for the end), or a tab that indents.
pub fn prepare(text: &str) -> Result<Cow<'_, str>, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some((at, character)) = text.char_indices().find(|(_, character)| !is_allowed(*character)) {
        let (line, column) = position(text, at);
        let message = format!("the control character U+{:04X} is not allowed", u32::from(character));
        return Err(YamlError::at(line, column, message));
    }
    tabs::to_spaces(text)
}

const fn is_allowed(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}'
            | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..
    )
}

/// Line and column, from 1, of a place.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or_default();
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}
