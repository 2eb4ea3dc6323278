//! The only place that reads the wall clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};

/// A point in time, in nanoseconds since the Unix epoch (UTC), as Rego's `time.now_ns()` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole seconds since the Unix epoch, as JWT's NumericDate (RFC 7519 section 2) counts them.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// From whole seconds since the Unix epoch; saturates at the ends of the range (years 1677 and 2262).
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// RFC 3339 in UTC with nanoseconds, e.g. `2026-11-21T02:11:14.829396687Z`.
    pub fn rfc3339(self) -> String {
        DateTime::<Utc>::from_timestamp_nanos(self.0).to_rfc3339_opts(SecondsFormat::Nanos, true)
    }

    /// Parses RFC 3339, with or without a fraction.
    ///
    /// # Errors
    /// When the text is not RFC 3339, or the time lies outside the years 1677 to 2262.
    pub fn parse_rfc3339(text: &str) -> Result<Self, String> {
        let parsed = DateTime::parse_from_rfc3339(text).map_err(|error| format!("`{text}`: {error}"))?;
        parsed
            .timestamp_nanos_opt()
            .map(Self)
            .ok_or_else(|| format!("`{text}` is outside the years 1677 to 2262"))
    }
}

/// Where the current time comes from: the system, or a hand that tests and fixtures set.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The system's wall clock.
    #[default]
    System,
    /// A clock that stands where it was set.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at` until [`Clock::set`] moves it.
    pub fn fixed(at: Timestamp) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(at.0)))
    }

    /// Moves a fixed clock; the system's clock stays as it is.
    pub fn set(&self, at: Timestamp) {
        if let Self::Fixed(hand) = self {
            hand.store(at.0, Ordering::SeqCst);
        }
    }

    /// The current time.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
            }
            Self::Fixed(hand) => Timestamp(hand.load(Ordering::SeqCst)),
        }
    }
}
