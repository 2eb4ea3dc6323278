//! Why a store gives no answer.

/// Why a store could not say yes or no. Always a refusal, never a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// What is kept has reached its limit, and all of it still counts.
    #[error("the store is full of entries that still count (`shared_store.max_entries`)")]
    Full,
    /// Redis did not answer in time, or answered with an error.
    #[error("redis does not answer (`shared_store.redis`)")]
    Down,
    /// Redis answers, and does not let this server do what it must.
    #[error(
        "redis refuses this server: its url needs a user and password with enough permissions (`shared_store.redis`)"
    )]
    Denied,
    /// The clock went back to a time of which nonces have been dropped already.
    #[error("the clock went back, and nonces of that time are no longer known")]
    ClockWentBack,
}
