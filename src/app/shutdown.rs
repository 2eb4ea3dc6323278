//! When to end: SIGTERM and SIGINT; and when not to: SIGXFSZ.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the process in good order.
#[derive(Debug)]
pub struct Termination {
    terminate: Signal,
    interrupt: Signal,
}

impl Termination {
    /// Takes the signals over; from now on they no longer kill the process. Needs a Tokio runtime.
    ///
    /// SIGXFSZ, too: it comes when a file (the decision log) reaches the process's limit of file size. Once it is taken
    /// over, the write fails instead, and what could not be recorded is not decided.
    ///
    /// # Errors
    /// When the system does not let them be taken over.
    pub fn listen() -> std::io::Result<Self> {
        // What was taken over stays so, though nobody waits for it.
        let _ = signal(SignalKind::from_raw(libc::SIGXFSZ))?;
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next of them, and names it.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
