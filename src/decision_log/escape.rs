//! Characters that stand for a line's end, or turn text around, where somebody reads the log.
//!
//! INVARIANT (one record, one line): JSON allows U+2028, U+2029 and U+0085 raw in a string, and some readers end the line
//! there; bidirectional controls reorder what stands beside them. In JSON such characters can only stand in strings, where
//! `\uXXXX` means the same.

use crate::telemetry::inert;

/// Escapes what [`inert::acts`] in a line of JSON.
pub(super) fn json_line(line: &mut Vec<u8>) {
    // Most lines are ASCII, which is asked for by the word.
    if line.is_ascii() {
        return;
    }
    if let Some(escaped) = std::str::from_utf8(line).ok().and_then(inert::json) {
        *line = escaped.into_bytes();
    }
}
