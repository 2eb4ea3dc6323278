//! How long a policy would take to parse, found out without parsing it.
//!
//! The engine reads an array, set or object literal twice at every level (once as a comprehension that turns out not to
//! be one), so that a token below `n` of them is read `2^n` times: depth 18 takes seconds, depth 30 minutes. One pass
//! over the text adds that up, and refuses what would take more than about a second.

use super::diagnostic::Diagnostic;
use crate::model::failure::Location;

/// Token readings that are allowed for one file; about 0.2 us each.
const MAX_READINGS: u64 = 5_000_000;
/// Levels of brackets of any kind, which the engine's parser and evaluator go down by recursion.
const MAX_LEVELS: usize = 100;

/// Checks one file.
///
/// # Errors
/// Too many levels, or literals nested so deep that parsing would take too long; with the place.
pub(super) fn check(file: &str, source: &str) -> Result<(), Diagnostic> {
    let mut scan = Scan { rest: source.as_bytes(), line: 1, line_start: source.len(), previous: b'\n' };
    let mut levels: Vec<bool> = Vec::new();
    let mut doubling = 0_u32;
    let mut readings = 0_u64;
    while let Some((token, at)) = scan.next_token() {
        match token {
            Token::Open { literal } => {
                levels.push(literal);
                doubling += u32::from(literal);
            }
            Token::Close => doubling -= u32::from(levels.pop().unwrap_or(false)),
            Token::Other => {}
        }
        readings = readings.saturating_add(1_u64.checked_shl(doubling.min(63)).unwrap_or(u64::MAX));
        let message = if levels.len() > MAX_LEVELS {
            format!("brackets are nested more than {MAX_LEVELS} levels deep")
        } else if readings > MAX_READINGS {
            "array, set and object literals are nested too deep to be parsed in reasonable time".to_owned()
        } else {
            continue;
        };
        let location = Location { file: file.to_owned(), row: at.0, col: at.1 };
        let diagnostic =
            Diagnostic { location: Some(location), ..Diagnostic::new("rego_parse_error", message) };
        return Err(
            diagnostic.hint("move the document into data.json, or name its parts in rules of their own")
        );
    }
    Ok(())
}

enum Token {
    Open { literal: bool },
    Close,
    Other,
}

/// Splits a text into tokens, as far as brackets need it: strings and comments are passed over.
struct Scan<'a> {
    rest: &'a [u8],
    line: u32,
    /// What is left of the text where the current line starts.
    line_start: usize,
    previous: u8,
}

impl Scan<'_> {
    fn next_token(&mut self) -> Option<(Token, (u32, u32))> {
        loop {
            let byte = *self.rest.first()?;
            let column =
                u32::try_from(self.line_start - self.rest.len()).unwrap_or(u32::MAX).saturating_add(1);
            let at = (self.line, column);
            // A bracket that follows a name or another bracket directly is an index, which is read once.
            let index =
                byte == b'[' && (is_word(self.previous) || matches!(self.previous, b']' | b')' | b'"'));
            self.previous = byte;
            match byte {
                b'\n' => {
                    self.skip(1);
                    self.line = self.line.saturating_add(1);
                    self.line_start = self.rest.len();
                }
                b' ' | b'\t' | b'\r' => self.skip(1),
                b'#' => self.skip(self.length_while(|b| b != b'\n')),
                b'"' => {
                    self.skip_quoted();
                    return Some((Token::Other, at));
                }
                b'`' => {
                    self.skip_raw();
                    return Some((Token::Other, at));
                }
                b'[' | b'{' | b'(' => {
                    self.skip(1);
                    return Some((Token::Open { literal: byte != b'(' && !index }, at));
                }
                b']' | b'}' | b')' => {
                    self.skip(1);
                    return Some((Token::Close, at));
                }
                _ => {
                    self.skip(self.length_while(is_word).max(1));
                    return Some((Token::Other, at));
                }
            }
        }
    }

    fn length_while(&self, keep: impl Fn(u8) -> bool) -> usize {
        self.rest.iter().take_while(|b| keep(**b)).count()
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// A text in double quotes ends at its quote, or with its line.
    fn skip_quoted(&mut self) {
        self.skip(1);
        loop {
            match self.rest.first() {
                Some(b'\\') => self.skip(2),
                Some(b'"') => return self.skip(1),
                Some(b'\n') | None => return,
                Some(_) => self.skip(1),
            }
        }
    }

    fn skip_raw(&mut self) {
        self.skip(1);
        while let Some(&byte) = self.rest.first() {
            self.skip(1);
            match byte {
                b'`' => return,
                b'\n' => {
                    self.line = self.line.saturating_add(1);
                    self.line_start = self.rest.len();
                }
                _ => {}
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_bounded_and_indices_calls_and_texts_are_not_literals() {
        let nest = |open: &str, close: &str, n: usize| {
            format!("package p\nx := {}1{}\n", open.repeat(n), close.repeat(n))
        };
        for (source, ok) in [
            (nest("[", "]", 16), true),
            (nest("[", "]", 30), false),
            (nest("{\"a\":", "}", 30), false),
            (nest("f(", ")", 90), true),
            (nest("f(", ")", 101), false),
            (nest("input[", "]", 60), true),
            (format!("package p\nx := \"{}\"\n", "[".repeat(500)), true),
            (format!("package p\nx := `{}`\n# {}\n", "[\n".repeat(500), "[".repeat(500)), true),
            (format!("package p\nx := [{}]\n", "{\"a\": [1]},\n".repeat(50_000)), true),
        ] {
            assert_eq!(check("p.rego", &source).is_ok(), ok, "{}", source.get(..60).unwrap_or(&source));
        }
    }

    #[test]
    fn the_place_is_the_bracket_that_goes_too_deep() {
        let source = format!("package p\n\n  x := {}", "(".repeat(101));
        let error = check("p.rego", &source).unwrap_err();
        assert_eq!(error.location, Some(Location { file: "p.rego".into(), row: 3, col: 108 }));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(source in "[\\[\\]{}()\"`\\\\#\n a-z:,]{0,200}") {
            let _ = check("p.rego", &source);
        }
    }
}
