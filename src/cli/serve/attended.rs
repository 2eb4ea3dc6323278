//! Whether anybody is still there: a development server ends with the terminal or the process that it was started from.
//!
//! A closed terminal is told by SIGHUP only to what runs in its foreground; so the terminal itself is looked at. Without
//! one, it is the parent that counts. `nohup` says that nobody needs to be there.

use std::fs::{self, File};
use std::os::unix::process::parent_id;
use std::time::Duration;

/// How often to look.
const POLL: Duration = Duration::from_millis(500);

/// What a development server was started from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attended {
    /// A terminal.
    Terminal,
    /// A process, without a terminal.
    Parent(u32),
    /// Nobody, on purpose.
    Alone,
}

impl Attended {
    /// What this process was started from.
    pub(super) fn now() -> Self {
        match parent_id() {
            _ if ignores_hangups() => Self::Alone,
            _ if has_terminal() => Self::Terminal,
            // An init process, or nobody in this container: they start servers that stay.
            0 | 1 => Self::Alone,
            parent => Self::Parent(parent),
        }
    }

    /// Waits until nobody is there any more, and says who went.
    pub(super) async fn until_gone(self) -> &'static str {
        loop {
            tokio::time::sleep(POLL).await;
            match self {
                Self::Terminal if !has_terminal() => return "its terminal was closed",
                Self::Parent(parent) if parent_id() != parent => {
                    return "the process that started it has ended";
                }
                Self::Terminal | Self::Parent(_) | Self::Alone => {}
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
