//! How a caller stands with its rate limits, for the answer's headers.

/// How the tightest of a call's limits stands once the call has been counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateStanding {
    /// The limit's name, e.g. `user`.
    pub name: &'static str,
    /// How many calls it allows.
    pub quota: u64,
    /// In how many seconds.
    pub window: u64,
    /// How many are left.
    pub remaining: u64,
    /// In how many seconds all of them are available again, rounded up.
    pub reset: u64,
}
