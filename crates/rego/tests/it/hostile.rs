//! Policies and inputs that are meant to harm: what they come to is an answer or a refusal, soon, and the process lives.

use std::sync::mpsc;
use std::time::Duration;

mod burns;
mod evaluation;
mod load;
mod texts;
mod yaml;

/// How long something may take that takes milliseconds: a test that waits so long has found an evaluation without end.
const WATCH: Duration = Duration::from_secs(300);

/// Runs `f` on a thread of its own and fails when it does not end.
#[track_caller]
fn ends<T: Send + 'static>(what: &str, f: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || done.send(f()));
    match wait.recv_timeout(WATCH) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: does not end"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{what}: panicked"),
    }
}
