//! Diagnostics: what the operator should know of the process itself, on standard error.

use std::io::{self, IsTerminal, Write};

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::SubscriberInitExt;

use super::inert;

/// How diagnostics appear on standard error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Readable on a terminal, JSON lines elsewhere.
    #[default]
    Auto,
    /// Readable.
    Text,
    /// One JSON document a line.
    Json,
}

/// Which diagnostics are wanted where nothing else is said.
pub const DEFAULT_FILTER: &str = "info";

/// The filter cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("`{filter}` is not a log filter: {source}; write a level such as `info`, or `warn,verdict=debug`")]
pub struct FilterError {
    filter: String,
    source: ParseError,
}

/// Sends diagnostics to standard error (standard output belongs to decisions), those that `filter` lets through: a level,
/// or levels by module as in `warn,verdict::bundle=debug`. `no_color`: colour is not wanted even on a terminal.
///
/// Answers whether it took effect: `false` where the process had set up its diagnostics before, which is left alone.
///
/// # Errors
/// When `filter` cannot be read.
pub fn init(format: Format, filter: &str, no_color: bool) -> Result<bool, FilterError> {
    let filter = EnvFilter::builder()
        .parse(filter)
        .map_err(|source| FilterError { filter: filter.to_owned(), source })?;
    let terminal = io::stderr().is_terminal();
    let text = match format {
        Format::Auto => terminal,
        Format::Text => true,
        Format::Json => false,
    };
    let writer = move || Inert { writer: io::stderr(), json: !text };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let set = if text {
        builder.with_ansi(terminal && !no_color).with_target(false).finish().try_init()
    } else {
        builder.json().flatten_event(true).with_ansi(false).finish().try_init()
    };
    Ok(set.is_ok())
}

/// Escapes what acts on who reads it: an error's text may hold what a caller sent. It is given whole lines.
struct Inert<W> {
    writer: W,
    json: bool,
}

impl<W: Write> Write for Inert<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let escape = if self.json { inert::json } else { inert::text };
        match std::str::from_utf8(line).ok().and_then(escape) {
            Some(escaped) => self.writer.write_all(escaped.as_bytes())?,
            None => self.writer.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_in_a_diagnostic_ends_its_line_or_turns_it_around() {
        for (json, expected) in [(true, r"a\u2028b\u202ec\u0085"), (false, r"a\u{2028}b\u{202e}c\u{85}")] {
            let mut out = Inert { writer: Vec::new(), json };
            out.write_all("a\u{2028}b\u{202e}c\u{85}\n".as_bytes()).unwrap();
            assert_eq!(String::from_utf8(out.writer).unwrap(), format!("{expected}\n"));
        }
    }

    #[test]
    fn a_second_initialisation_is_left_alone_and_a_bad_filter_is_said() {
        init(Format::Json, "off", false).unwrap();
        assert!(!init(Format::Text, DEFAULT_FILTER, true).unwrap());
        let error = init(Format::Auto, "verdict=loud", false).unwrap_err().to_string();
        assert!(error.contains("`verdict=loud` is not a log filter"), "{error}");
    }
}
