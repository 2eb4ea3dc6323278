//! `--watch`: runs again when a file changed, and says which.
//!
//! Looks at sizes and times a few times a second, and runs once two looks agree, so that a file that is still being
//! written is not tested half. A terminal is cleared before each run, and shows when that was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;

use crate::cli::print::print;
use crate::cli::terminal::Terminal;
use crate::model::clock::Clock;

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How deep folders may lie.
const MAX_DEPTH: usize = 32;

/// Size and time of every file.
pub(in crate::cli) type Look = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// Clears a terminal, and goes to its upper left corner.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Runs now, and again after every change; ends when the process is interrupted.
pub(super) fn run(paths: &[PathBuf], run_once: impl Fn() -> u8) -> ExitCode {
    let mut tested = look(paths);
    let mut changed = Vec::new();
    loop {
        print(&head(&changed, Terminal::out()));
        run_once();
        print("watching for changes; Ctrl-C ends\n");
        let mut last = loop {
            sleep(LOOK_EVERY);
            let now = look(paths);
            if now != tested {
                break now;
            }
        };
        loop {
            sleep(LOOK_EVERY);
            let now = look(paths);
            if now == last {
                break;
            }
            last = now;
        }
        changed = differences(&tested, &last);
        tested = last;
    }
}

/// What stands above a run.
fn head(changed: &[PathBuf], terminal: Terminal) -> String {
    let what = match changed {
        [] => String::new(),
        [one] => format!("`{}` changed", one.display()),
        [first, others @ ..] => format!("`{}` and {} more changed", first.display(), others.len()),
    };
    if terminal.width.is_some() {
        let dim = terminal.style().dim;
        let line = terminal.wrapped(format!("{}  {what}", now()).trim_end());
        return format!("{CLEAR}{dim}{line}{dim:#}\n\n");
    }
    if changed.is_empty() { String::new() } else { format!("\n--- {what}, testing again\n") }
}

/// The time on the clock on the wall.
fn now() -> String {
    let now = jiff::Timestamp::from_nanosecond(Clock::System.now().0.into()).unwrap_or_default();
    now.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// The files as they are now.
pub(in crate::cli) fn look(paths: &[PathBuf]) -> Look {
    let mut look = Look::new();
    for path in paths {
        visit(path, MAX_DEPTH, &mut look);
    }
    look
}

fn visit(path: &Path, depth: usize, look: &mut Look) {
    let Ok(meta) = std::fs::metadata(path) else { return };
    if !meta.is_dir() {
        look.insert(path.to_owned(), (meta.len(), meta.modified().ok()));
        return;
    }
    let Some(depth) = depth.checked_sub(1) else { return };
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(".git") {
            visit(&entry.path(), depth, look);
        }
    }
}

/// The files that differ between the two.
pub(in crate::cli) fn differences(before: &Look, after: &Look) -> Vec<PathBuf> {
    let changed = after.iter().filter(|(path, state)| before.get(*path) != Some(*state));
    let gone = before.iter().filter(|(path, _)| !after.contains_key(*path));
    changed.chain(gone).map(|(path, _)| path.clone()).collect()
}
