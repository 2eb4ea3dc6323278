//! What is known of the terminal that a command writes to: whether it takes colour, and how wide it is.
//!
//! INVARIANT (files are not terminals): what goes to a file or a pipe has no colour, and its lines are as long as they are.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use textwrap::{Options, WordSplitter};

use crate::config::Environment;
use crate::telemetry::terminal;

/// The width of a terminal that does not tell.
const USUAL: usize = 80;
/// A terminal that says that it is narrower is not believed.
const NARROWEST: usize = 20;

/// What a stream goes to; by default no terminal.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Terminal {
    /// Whether it is a terminal that takes colour: nobody said `NO_COLOR` (<https://no-color.org>).
    pub(super) coloured: bool,
    /// Its columns; `None` where it is no terminal.
    pub(super) width: Option<usize>,
}

impl Terminal {
    /// What standard output goes to.
    pub(super) fn out() -> Self {
        Self::of(&std::io::stdout())
    }

    /// What standard error goes to.
    pub(super) fn err() -> Self {
        Self::of(&std::io::stderr())
    }

    fn of(stream: &(impl IsTerminal + AsFd)) -> Self {
        if !stream.is_terminal() {
            return Self::default();
        }
        let environment = Environment::capture();
        let said = environment.get("COLUMNS").and_then(|columns| columns.parse().ok());
        let width =
            said.or_else(|| terminal::columns(stream)).filter(|width| *width >= NARROWEST).unwrap_or(USUAL);
        Self { coloured: environment.get("NO_COLOR").is_none(), width: Some(width) }
    }

    /// Its colours; none where it takes none.
    pub(super) fn style(self) -> Style {
        Style::new(self.coloured)
    }

    /// Wraps the lines that are wider than the terminal; they go on a little deeper than they began.
    pub(super) fn wrapped(self, text: &str) -> String {
        let Some(width) = self.width else { return text.to_owned() };
        let mut out = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
            out.push_str(&hanging(line, width, 2));
            out.push_str(end);
        }
        out
    }
}

/// How a text for a terminal is set off; nothing where colour is not wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Style {
    pub(super) bold: anstyle::Style,
    pub(super) warning: anstyle::Style,
    pub(super) dim: anstyle::Style,
    pub(super) error: anstyle::Style,
    pub(super) good: anstyle::Style,
    pub(super) bad: anstyle::Style,
    /// Line numbers and what frames a line of source.
    pub(super) frame: anstyle::Style,
    pub(super) hint: anstyle::Style,
}

impl Style {
    pub(super) fn new(coloured: bool) -> Self {
        if !coloured {
            return Self::default();
        }
        let plain = anstyle::Style::new();
        let of = |style: anstyle::Style, colour: anstyle::AnsiColor| style.fg_color(Some(colour.into()));
        Self {
            bold: plain.bold(),
            warning: of(plain.bold(), anstyle::AnsiColor::Yellow),
            dim: plain.dimmed(),
            error: of(plain.bold(), anstyle::AnsiColor::Red),
            good: of(plain, anstyle::AnsiColor::Green),
            bad: of(plain, anstyle::AnsiColor::Red),
            frame: of(plain.bold(), anstyle::AnsiColor::Blue),
            hint: of(plain.bold(), anstyle::AnsiColor::Cyan),
        }
    }
}

/// One line, wrapped to `width`: what follows the first begins `deeper` columns after its indentation.
pub(super) fn hanging(line: &str, width: usize, deeper: usize) -> String {
    if textwrap::core::display_width(line) <= width {
        return line.to_owned();
    }
    let text = line.trim_start_matches(' ');
    let indent = line.get(..line.len() - text.len()).unwrap_or_default();
    let below = format!("{indent}{}", " ".repeat(deeper));
    let options = Options::new(width).initial_indent(indent).subsequent_indent(&below);
    textwrap::fill(text, options.word_splitter(WordSplitter::NoHyphenation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_are_too_wide_are_wrapped_and_only_on_a_terminal() {
        let text = "short\n  a line of words that-is-long\n";
        assert_eq!(Terminal::default().wrapped(text), text);
        let narrow = Terminal { width: Some(20), coloured: false };
        assert_eq!(narrow.wrapped(text), "short\n  a line of words\n    that-is-long\n");
        assert_eq!(
            narrow.wrapped("\x1b[1mtwenty columns wide!\x1b[0m"),
            "\x1b[1mtwenty columns wide!\x1b[0m"
        );
        // What has no blank is broken where it must be.
        assert_eq!(hanging(&"x".repeat(25), 20, 2), format!("{}\n  {}", "x".repeat(18), "x".repeat(7)));
    }
}
