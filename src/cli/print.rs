//! What the commands write: results to standard output, complaints to standard error.
//!
//! INVARIANT (nothing lost quietly): a result that could not be written, onto a full disk for example, ends the command
//! with a complaint and exit code 2, whatever the command itself would say ([`finish`]). A reader that went away
//! (`verdict test | head`) is not an error.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use super::paint;
pub(super) use super::terminal::Style;
use super::terminal::Terminal;

/// Whether something could not be written. Kept here, so that no command has to remember to ask.
static LOST: AtomicBool = AtomicBool::new(false);

/// Writes to standard output, as it is.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // To complain once is enough for `--watch` and the like.
        Err(error) if error.kind() != ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::Relaxed) => {
            complain(&format!("cannot write to standard output: {error}"));
        }
        _ => {}
    }
}

/// The exit code of a command that says `code` itself.
pub(super) fn finish(code: ExitCode) -> ExitCode {
    if LOST.load(Ordering::Relaxed) { ExitCode::from(2) } else { code }
}

/// Whether standard output takes colour: a terminal, and nobody said `NO_COLOR` (<https://no-color.org>).
pub(super) fn coloured() -> bool {
    Terminal::out().coloured
}

/// Writes to standard error, as something to know.
pub(super) fn warn(text: &str) {
    let terminal = Terminal::err();
    say(terminal.style().warning, "warning:", text, terminal);
}

/// Writes to standard error, as it is.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes to standard error, as an error.
pub(super) fn complain(text: &str) {
    let terminal = Terminal::err();
    say(terminal.style().error, "error:", text, terminal);
}

fn say(style: anstyle::Style, word: &str, text: &str, terminal: Terminal) {
    let text = paint::message(&format!("{style}{word}{style:#} "), text, terminal);
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
