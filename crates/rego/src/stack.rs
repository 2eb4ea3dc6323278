//! How much stack reading, compiling and evaluating may take.

/// The stack that the deepest policy needs, in bytes. Threads that decide should have it from the start: where an
/// evaluation needs more than its thread has left, it is given a stack of its own, which takes some 40 us.
pub const STACK: usize = 64 << 20;

/// Runs `f` on a stack that is large enough to read, walk and drop the deepest tree.
pub fn on_large_stack<T>(f: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK, STACK, f)
}

/// Runs `f` with `needed` bytes of stack to go down: on this thread's stack if so much is left of it, else on another.
pub(crate) fn on_stack<T>(needed: usize, f: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(needed, STACK.max(needed), f)
}
