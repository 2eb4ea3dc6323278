//! `--watch`: runs again when a file changed, and says which.
//!
//! Looks at sizes and times a few times a second, and runs once two looks agree, so that a file that is still being
//! written is not tested half. Nothing on the terminal is cleared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::cli::print::print;

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How deep folders may lie.
const MAX_DEPTH: usize = 32;

/// Size and time of every file.
type Look = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// Runs now, and again after every change; ends when the process is interrupted.
pub(super) fn run(paths: &[PathBuf], run_once: impl Fn() -> u8) -> ExitCode {
    let mut tested = look(paths);
    loop {
        run_once();
        print("watching for changes; Ctrl-C ends\n");
        let (mut last, changed) = loop {
            sleep(LOOK_EVERY);
            let now = look(paths);
            if let Some(changed) = difference(&tested, &now) {
                break (now, changed);
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
        print(&format!("\n--- `{}` changed, testing again\n", changed.display()));
        tested = last;
    }
}

fn look(paths: &[PathBuf]) -> Look {
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

/// A file that differs between the two.
fn difference(before: &Look, after: &Look) -> Option<PathBuf> {
    let changed = after.iter().find(|(path, state)| before.get(*path) != Some(*state));
    let gone = || before.iter().find(|(path, _)| !after.contains_key(*path));
    changed.or_else(gone).map(|(path, _)| path.clone())
}
