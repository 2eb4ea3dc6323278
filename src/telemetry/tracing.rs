//! Diagnostics: what the operator should know of the process itself, on standard error.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal, Write};

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::util::SubscriberInitExt;

use super::{inert, terminal};
use crate::model::clock::Clock;

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
#[error("`{filter}` is not a log filter: {why}; write a level such as `info`, or `warn,verdict=debug`")]
pub struct FilterError {
    filter: String,
    why: String,
}

/// Sends diagnostics to standard error (standard output belongs to decisions), those that `filter` lets through: a level,
/// or levels by module as in `warn,verdict::bundle=debug`. `no_color`: colour is not wanted even on a terminal.
///
/// Answers whether it took effect: `false` where the process had set up its diagnostics before, which is left alone.
///
/// # Errors
/// When `filter` cannot be read.
pub fn init(format: Format, filter: &str, no_color: bool) -> Result<bool, FilterError> {
    let wrong = |why: &dyn fmt::Display| FilterError { filter: filter.to_owned(), why: why.to_string() };
    // A word alone is a module to the parser, and a level that is misspelt would be a silent one.
    if filter.chars().all(char::is_alphanumeric) && filter.parse::<LevelFilter>().is_err() {
        return Err(wrong(&"it is no level; levels are error, warn, info, debug, trace and off"));
    }
    let filter = EnvFilter::builder().parse(filter).map_err(|why| wrong(&why))?;
    let on_terminal = io::stderr().is_terminal();
    let text = match format {
        Format::Auto => on_terminal,
        Format::Text => true,
        Format::Json => false,
    };
    let writer =
        move || Inert { writer: io::stderr(), json: !text, columns: terminal::columns(&io::stderr()) };
    // Where standard error is gone, as when its terminal was closed, there is nobody to complain to.
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).log_internal_errors(false);
    let set = if text && on_terminal {
        let builder = builder.with_ansi(!no_color).with_target(false);
        builder.with_timer(TimeOfDay).finish().try_init()
    } else if text {
        builder.with_ansi(false).with_target(false).finish().try_init()
    } else {
        builder.json().flatten_event(true).with_ansi(false).finish().try_init()
    };
    Ok(set.is_ok())
}

/// What the rest of a line begins with that does not fit.
const INDENT: &str = "    ";

/// `02:11:14.829`, in UTC, as decisions are shown beside it.
struct TimeOfDay;

impl FormatTime for TimeOfDay {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        w.write_str(Clock::System.now().rfc3339().get(11..23).unwrap_or_default())
    }
}

/// Escapes what acts on who reads it: an error's text may hold what a caller sent. It is given whole lines.
struct Inert<W> {
    writer: W,
    json: bool,
    /// How wide the terminal is, if it is one.
    columns: Option<usize>,
}

impl<W: Write> Write for Inert<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let escape = if self.json { inert::json } else { inert::text };
        let text = String::from_utf8_lossy(line);
        let escaped = escape(&text).map_or(text, Cow::Owned);
        match self.columns.filter(|_| !self.json) {
            Some(columns) => self.writer.write_all(terminal::fitted(&escaped, columns, INDENT).as_bytes())?,
            None => self.writer.write_all(escaped.as_bytes())?,
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
            let mut out = Inert { writer: Vec::new(), json, columns: None };
            out.write_all("a\u{2028}b\u{202e}c\u{85}\n".as_bytes()).unwrap();
            assert_eq!(String::from_utf8(out.writer).unwrap(), format!("{expected}\n"));
        }
    }

    #[test]
    fn lines_for_a_terminal_fit_it_and_json_stays_one_line() {
        let line = "12:00:00.000  INFO one two three four\n";
        for (json, expected) in [(false, "12:00:00.000  INFO one\n    two three four\n"), (true, line)] {
            let mut out = Inert { writer: Vec::new(), json, columns: Some(24) };
            out.write_all(line.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(out.writer).unwrap(), expected);
        }
    }

    #[test]
    fn a_second_initialisation_is_left_alone_and_a_bad_filter_is_said() {
        init(Format::Json, "off", false).unwrap();
        assert!(!init(Format::Text, DEFAULT_FILTER, true).unwrap());
        for filter in ["verdict=loud", "loud"] {
            let error = init(Format::Auto, filter, false).unwrap_err().to_string();
            assert!(error.contains(&format!("`{filter}` is not a log filter")), "{error}");
        }
    }
}
