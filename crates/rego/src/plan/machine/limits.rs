//! What an evaluation may take: time, depth, memory. Looked at now and then, so that it costs next to nothing.

use super::{Failure, Machine};
use crate::budget;
use crate::value::Value;

/// The code of failures that OPA has not: a limit other than time was exceeded.
pub(super) const LIMIT: &str = "eval_limit_error";
pub(super) const MEMORY: &str = "memory limit";

/// How many statements run between two looks at the clock.
const STEPS_PER_CLOCK: usize = 256;

impl Failure {
    /// Whether more values were made than the memory limit allows.
    pub fn is_of_memory(&self) -> bool {
        self.code == LIMIT && self.message == MEMORY
    }
}

impl Machine<'_> {
    /// Lets so many rules and functions be within each other; without it, as many as policy has.
    pub const fn limit_depth(&mut self, most: usize) {
        self.most_calls = most;
    }

    /// Runs a body of a rule or function within those that run already.
    pub(in crate::plan) fn called<T>(
        &mut self,
        slots: u32,
        f: impl FnOnce(&mut Self) -> Result<T, Box<Failure>>,
    ) -> Result<T, Box<Failure>> {
        if self.calls >= self.most_calls {
            let message = format!("depth limit: more than {} rules within each other", self.most_calls);
            return self.fail(LIMIT, message);
        }
        self.calls += 1;
        let result = self.framed(slots, f);
        self.calls -= 1;
        result
    }

    /// Notes that something was put into a document that grows.
    pub(in crate::plan) fn grow(&self, entries: usize) -> Result<(), Box<Failure>> {
        budget::spend(entries * size_of::<Value>());
        self.check_memory()
    }

    pub(super) fn check_memory(&self) -> Result<(), Box<Failure>> {
        if budget::is_spent() { self.fail(LIMIT, MEMORY) } else { Ok(()) }
    }

    pub(super) fn tick(&mut self) -> Result<(), Box<Failure>> {
        self.steps += 1;
        if self.steps >= STEPS_PER_CLOCK {
            self.steps = 0;
            if self.context.check_deadline().is_err() {
                return self.fail("eval_cancel_error", "caller cancelled query execution");
            }
            return self.check_memory();
        }
        Ok(())
    }
}
