//! Whether anybody is still there: a development server ends with the terminal that it was started from.
//!
//! A closed terminal is told by SIGHUP only to what runs in its foreground; so the terminal itself is looked at. What was
//! started without one, by a script or an init process, stays until it is told to end; so does what `nohup` keeps.

use std::fs::{self, File};
use std::time::Duration;

/// How often to look.
const POLL: Duration = Duration::from_millis(500);

/// Whether a development server depends on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attended {
    /// It was started from one.
    Terminal,
    /// Nobody needs to be there.
    Alone,
}

impl Attended {
    /// What this process was started from.
    pub(super) fn now() -> Self {
        if has_terminal() && !ignores_hangups() { Self::Terminal } else { Self::Alone }
    }

    /// Waits until nobody is there any more, and says who went.
    pub(super) async fn until_gone(self) -> &'static str {
        loop {
            tokio::time::sleep(POLL).await;
            if self == Self::Terminal && !has_terminal() {
                return "its terminal was closed";
            }
        }
    }
}

/// Whether the process has a controlling terminal; a closed one can no longer be opened.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

/// Whether SIGHUP was ignored when the process was started, as `nohup` has it.
fn ignores_hangups() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
