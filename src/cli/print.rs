//! What the author's commands write: results to standard output, complaints to standard error.
//!
//! A reader that went away (`verdict test | head`) is not an error.

use std::io::Write as _;

/// Writes to standard output, as it is.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes to standard error, as an error.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "error: {text}");
}

/// How a text for a terminal is set off; nothing where colour is not wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Style {
    pub(super) bold: anstyle::Style,
    pub(super) warning: anstyle::Style,
    pub(super) dim: anstyle::Style,
}

impl Style {
    pub(super) fn new(coloured: bool) -> Self {
        if !coloured {
            return Self::default();
        }
        let plain = anstyle::Style::new();
        let warning = plain.bold().fg_color(Some(anstyle::AnsiColor::Yellow.into()));
        Self { bold: plain.bold(), warning, dim: plain.dimmed() }
    }
}
