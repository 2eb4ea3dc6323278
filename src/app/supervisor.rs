//! The background tasks of the process: started by name, started again when they end, ended in order.
//!
//! INVARIANT (nothing is forgotten): a task that is not one call's own is spawned here; status shows it.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::telemetry::tasks::{TaskStatus, Tasks};

/// How long to wait before a task that ended is started again: the first time, and at the most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Starts tasks and keeps them running.
#[derive(Debug, Default)]
pub struct Supervisor {
    tasks: Arc<Tasks>,
    running: Mutex<Vec<Task>>,
}

#[derive(Debug)]
struct Task {
    name: String,
    handle: JoinHandle<()>,
}

impl Supervisor {
    /// How the tasks are doing.
    pub fn tasks(&self) -> Arc<Tasks> {
        Arc::clone(&self.tasks)
    }

    /// Starts a task under a name. `make` makes it anew each time that it has ended or panicked. Needs a Tokio runtime.
    pub fn start<F>(&self, name: &str, make: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (tasks, own) = (Arc::clone(&self.tasks), name.to_owned());
        let handle = tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            for restarts in 0.. {
                tasks.set(&own, TaskStatus { running: true, restarts });
                let mut running = OnDrop(tokio::spawn(make()));
                let ended = (&mut running.0).await;
                tasks.set(&own, TaskStatus { running: false, restarts });
                let why = ended.err().map_or_else(|| "it ended".to_owned(), |error| error.to_string());
                tracing::error!(task = own, why, "a background task ended; it will be started again");
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
        });
        self.lock().push(Task { name: name.to_owned(), handle });
    }

    /// Ends the tasks whose names begin like this, e.g. to start others in their place.
    pub fn end(&self, prefix: &str) {
        let mut running = self.lock();
        let (ended, others) =
            std::mem::take(&mut *running).into_iter().partition(|task| task.name.starts_with(prefix));
        *running = others;
        drop(running);
        let ended: Vec<Task> = ended;
        for task in ended {
            task.handle.abort();
            self.tasks.remove(&task.name);
        }
    }

    /// Ends all tasks, the last that was started first, and waits for each.
    pub async fn shutdown(&self) {
        let running = std::mem::take(&mut *self.lock());
        for task in running.into_iter().rev() {
            task.handle.abort();
            // Aborted, as it should be.
            let _ = task.handle.await;
            self.tasks.remove(&task.name);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Task>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.end("");
    }
}

/// Ends with whoever waits for it.
struct OnDrop(JoinHandle<()>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ends_is_started_again_ever_later() {
        let (supervisor, starts) = (Supervisor::default(), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&starts);
        supervisor.start("keys: a", move || {
            let counted = Arc::clone(&counted);
            async move {
                let before = counted.fetch_add(1, Ordering::SeqCst);
                assert!(before < 1, "panics the second time, too");
            }
        });
        for (seconds, expected) in [(0, 1), (1, 2), (1, 2), (1, 3), (3, 3), (1, 4)] {
            tokio::time::sleep(Duration::from_secs(seconds) + Duration::from_millis(1)).await;
            assert_eq!(starts.load(Ordering::SeqCst), expected, "{seconds}");
        }
        let report = supervisor.tasks().report();
        assert_eq!(report["keys: a"], TaskStatus { running: false, restarts: 3 });
        supervisor.end("keys: ");
        assert!(supervisor.tasks().report().is_empty());
        tokio::time::sleep(Duration::from_secs(1000)).await;
        assert_eq!(starts.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn shutdown_waits_for_all() {
        let supervisor = Supervisor::default();
        let held = Arc::new(());
        for name in ["a", "b"] {
            let held = Arc::clone(&held);
            supervisor.start(name, move || {
                let held = Arc::clone(&held);
                async move {
                    std::future::pending::<()>().await;
                    drop(held);
                }
            });
        }
        tokio::task::yield_now().await;
        assert_eq!(supervisor.tasks().report().len(), 2);
        supervisor.shutdown().await;
        assert!(supervisor.tasks().report().is_empty());
        tokio::task::yield_now().await;
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
