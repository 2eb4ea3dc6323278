//! What the work that runs on this thread may still take: time and memory.
//!
//! INVARIANT (nothing runs on): what cannot hand an error up (comparing, hashing and writing values, which may share
//! parts and so be exponentially larger than the memory that they take) unwinds when the time is over or the memory is
//! used up. [`within`] catches that, and only that becomes [`Exceeded`].
//!
//! Kept for the thread, because the order of values has no parameter to hand it down with. Client of [`within`] nothing
//! is limited.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

/// How many steps are taken between two looks at the clock.
const STEPS: usize = 1 << 14;

/// What was used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// The deadline has passed.
    Time,
    /// More values were made than the memory limit allows.
    Memory,
}

#[derive(Clone, Copy)]
struct Limits {
    deadline: Option<Instant>,
    memory: usize,
}

const NONE: Limits = Limits { deadline: None, memory: usize::MAX };

thread_local! {
    static LIMITS: Cell<Limits> = const { Cell::new(NONE) };
    static SPENT: Cell<usize> = const { Cell::new(0) };
    static TAKEN: Cell<usize> = const { Cell::new(0) };
}

/// Puts back what was in force before, also when the work panics.
struct Restore(Limits, usize);

impl Drop for Restore {
    fn drop(&mut self) {
        LIMITS.set(self.0);
        SPENT.set(self.1);
    }
}

/// Runs `work` with so much time and memory (in bytes of values made, whether they are still there or not).
///
/// # Errors
/// What was used up, or what the work panicked with.
pub fn within<T>(
    deadline: Instant,
    memory: usize,
    work: impl FnOnce() -> T,
) -> Result<T, Result<Exceeded, Box<dyn Any + Send>>> {
    let _restore = Restore(LIMITS.get(), SPENT.get());
    LIMITS.set(Limits { deadline: Some(deadline), memory });
    SPENT.set(0);
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| match panic.downcast::<Exceeded>() {
        Ok(exceeded) => Ok(*exceeded),
        Err(panic) => Err(panic),
    })
}

/// Notes that so many bytes of values were made. Never fails: [`is_spent`] and [`work`] say when it was too much.
#[inline]
pub fn spend(bytes: usize) {
    SPENT.set(SPENT.get().saturating_add(bytes));
}

/// How many bytes of values were made.
#[inline]
pub fn spent() -> usize {
    SPENT.get()
}

/// How many more may be made.
pub fn left() -> usize {
    LIMITS.get().memory.saturating_sub(SPENT.get())
}

/// Whether more was made than may be.
#[inline]
pub fn is_spent() -> bool {
    SPENT.get() > LIMITS.get().memory
}

/// So many small steps of work that cannot hand an error up: unwinds where time or memory is used up.
#[inline]
pub fn work(steps: usize) {
    let taken = TAKEN.get().saturating_add(steps).saturating_add(1);
    if taken < STEPS {
        TAKEN.set(taken);
    } else {
        TAKEN.set(0);
        look();
    }
}

#[cold]
fn look() {
    let limits = LIMITS.get();
    if limits.deadline.is_some_and(|deadline| Instant::now() > deadline) {
        resume_unwind(Box::new(Exceeded::Time));
    }
    if SPENT.get() > limits.memory {
        resume_unwind(Box::new(Exceeded::Memory));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Value;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(30)
    }

    /// Two values of a few hundred bytes each that have 2^64 elements when they are walked through.
    fn doubled() -> Value {
        (0..64).fold(Value::from(1), |value, _| Value::from(vec![value.clone(), value]))
    }

    #[test]
    fn comparing_hashing_and_writing_end() {
        let (a, b) = (doubled(), doubled());
        for work in [&(|| _ = std::hint::black_box(a == b)) as &dyn Fn(), &|| _ = a.to_string(), &|| {
            let state = std::hash::RandomState::new();
            std::hint::black_box(std::hash::BuildHasher::hash_one(&state, &a));
        }] {
            assert_eq!(within(soon(), usize::MAX, work).unwrap_err().unwrap(), Exceeded::Time);
        }
        let written = within(soon() + Duration::from_secs(60), 1 << 20, || a.to_string());
        assert_eq!(written.unwrap_err().unwrap(), Exceeded::Memory);
    }

    #[test]
    fn a_panic_stays_one_and_limits_end_with_the_work() {
        let panicked = within(soon(), 10, || spend(11)).is_ok() && is_spent();
        assert!(!panicked);
        assert!(within(soon(), 10, || resume_unwind(Box::new(1))).unwrap_err().is_err());
        assert_eq!((left(), is_spent()), (usize::MAX - spent(), false));
    }
}
