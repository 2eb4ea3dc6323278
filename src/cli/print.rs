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
