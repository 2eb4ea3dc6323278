//! The background tasks of the process and how they are doing, for status.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// How one task is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TaskStatus {
    /// Whether it runs now; `false` while it waits to be started again.
    pub running: bool,
    /// How often it has ended and was started again.
    pub restarts: u64,
}

/// All tasks by their names.
#[derive(Debug, Default)]
pub struct Tasks(Mutex<BTreeMap<String, TaskStatus>>);

impl Tasks {
    /// Says how a task is doing.
    pub fn set(&self, name: &str, status: TaskStatus) {
        self.lock().insert(name.to_owned(), status);
    }

    /// A task is no longer wanted.
    pub fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    /// All of them.
    pub fn report(&self) -> BTreeMap<String, TaskStatus> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, TaskStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
