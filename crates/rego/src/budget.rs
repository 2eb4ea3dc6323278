//! The time and memory that the work on the current thread may still use.
//!
//! INVARIANT (nothing runs away): code that cannot return an error (comparing, hashing and writing values, which may share
//! parts and so be exponentially larger than the memory they occupy) unwinds when the deadline has passed or the memory
//! limit is reached. [`within`] catches this panic, and no other, and returns [`Exceeded`].
//!
//! Thread-local, because `Ord` and `Hash` have no parameter for a context. Outside of [`within`] nothing is limited.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

/// The number of steps between two readings of the clock.
const STEPS: usize = 1 << 14;

/// The limit that was exceeded.
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
    static LAST: Cell<usize> = const { Cell::new(0) };
}

/// Restores the previous budget, also when the work panics.
struct Restore(Limits, usize);

impl Drop for Restore {
    fn drop(&mut self) {
        LAST.set(SPENT.get());
        LIMITS.set(self.0);
        SPENT.set(self.1);
    }
}

/// Runs `work` until `deadline` and within a memory limit (in bytes allocated for values, freed or not).
///
/// # Errors
/// The limit that was exceeded, or the payload of a panic.
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

/// Counts bytes allocated for values. Never fails: [`is_spent`] and [`work`] report when the limit is exceeded.
#[inline]
pub fn spend(bytes: usize) {
    SPENT.set(SPENT.get().saturating_add(bytes));
}

/// The bytes counted so far.
#[inline]
pub fn spent() -> usize {
    SPENT.get()
}

/// The bytes that the evaluation which ended last on this thread has allocated for values, freed or not; an estimate.
pub fn spent_by_last() -> usize {
    LAST.get()
}

/// The bytes left.
pub fn left() -> usize {
    LIMITS.get().memory.saturating_sub(SPENT.get())
}

/// Whether the memory limit is exceeded.
#[inline]
pub fn is_spent() -> bool {
    SPENT.get() > LIMITS.get().memory
}

/// Counts small steps of work that cannot return an error. Unwinds when the time or memory is used up.
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
        assert!(within(soon(), 100, || spend(42)).is_ok());
        assert_eq!(spent_by_last(), 42);
    }
}
