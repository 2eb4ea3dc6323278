//! Progress on a terminal, and Ctrl-C, while a measurement runs on a thread of its own.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::load::Control;

/// Runs `work` on a thread of its own, while this one draws progress, and calls [`Control::stop`] on Ctrl-C.
///
/// `expected` is how long it should take. The thread has the stack that an evaluation needs, which costs a load
/// nothing: what is not touched is not there.
///
/// # Errors
/// What `work` returns, or that its thread could not be had.
pub fn supervise<T: Send>(
    control: &Control,
    expected: Duration,
    work: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    let watcher = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bar = progress_bar(expected);
    std::thread::scope(|scope| {
        let (done, mut finished) = tokio::sync::oneshot::channel::<()>();
        let worker =
            std::thread::Builder::new().stack_size(verdict_rego::STACK).spawn_scoped(scope, move || {
                // Dropped at the end, also of a panic: that is what the watcher waits for.
                let _done = done;
                work()
            })?;
        watcher.block_on(async {
            let mut tick = tokio::time::interval(Duration::from_millis(200));
            let mut before = (Instant::now(), 0);
            loop {
                tokio::select! {
                    _ = &mut finished => return,
                    interrupt = tokio::signal::ctrl_c() => {
                        // Without signals there is no stopping early, and nothing else is lost.
                        if interrupt.is_err() {
                            let _ = (&mut finished).await;
                            return;
                        }
                        control.stop();
                    }
                    now = tick.tick() => draw(&bar, control.exchanges(), now, &mut before),
                }
            }
        });
        bar.finish_and_clear();
        worker.join().map_err(|_| io::Error::other("its thread died"))?
    })
}

fn progress_bar(expected: Duration) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(expected.as_millis()).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} [{wide_bar}] {msg}") {
        bar.set_style(style);
    }
    bar
}

fn draw(bar: &ProgressBar, count: u64, now: Instant, before: &mut (Instant, u64)) {
    let passed = now.saturating_duration_since(before.0);
    if !passed.is_zero() {
        let rate = count.saturating_sub(before.1) as f64 / passed.as_secs_f64();
        bar.set_message(format!("{rate:.0}/s, {count} so far (ctrl-c stops and reports)"));
        bar.set_position(u64::try_from(bar.elapsed().as_millis()).unwrap_or(u64::MAX));
    }
    *before = (now, count);
}
