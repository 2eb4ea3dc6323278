//! What the generator costs, so that a report can say when it was the generator that was too slow.

use std::time::Duration;

/// The CPU time that the calling thread has used.
#[cfg(target_os = "linux")]
pub fn of_this_thread() -> Option<Duration> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(Duration::new(u64::try_from(used.tv_sec).ok()?, u32::try_from(used.tv_nsec).ok()?))
}

/// The CPU time that the calling thread has used: not told here.
#[cfg(not(target_os = "linux"))]
pub const fn of_this_thread() -> Option<Duration> {
    None
}
