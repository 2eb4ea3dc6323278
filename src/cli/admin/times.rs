//! Flags that name a time.

use crate::model::clock::{Clock, Timestamp};
use crate::model::units::Period;

/// When something ends.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct EndArgs {
    /// When it expires, e.g. 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "expires_in")]
    pub expires_at: Option<Timestamp>,
    /// How long it is valid from now on, e.g. 12h or 30d
    #[arg(long, value_name = "DURATION")]
    pub expires_in: Option<Period>,
}

impl EndArgs {
    /// The end, where one is given, as it is written.
    pub fn end(&self) -> Option<String> {
        let from_now = self.expires_in.map(|period| {
            let nanos = i64::try_from(period.0.as_nanos()).unwrap_or(i64::MAX);
            Timestamp(Clock::System.now().0.saturating_add(nanos))
        });
        self.expires_at.or(from_now).map(Timestamp::rfc3339)
    }
}

/// How long a key that is replaced stays valid.
#[derive(Debug, Clone, clap::Args)]
pub struct OverlapArgs {
    /// How long the old key stays valid, at most 90d
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    overlap: Period,
    /// The same in days
    #[arg(long, value_name = "N", conflicts_with = "overlap")]
    days: Option<u16>,
}

impl OverlapArgs {
    /// As it is written.
    pub fn text(&self) -> String {
        match self.days {
            Some(days) => Period::secs(u64::from(days) * 86_400).to_string(),
            None => self.overlap.to_string(),
        }
    }
}

/// Reads a time of RFC 3339.
///
/// # Errors
/// It is none.
pub fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text)
        .map_err(|_| format!("`{text}` is no time; write it as 2027-01-31T00:00:00Z"))
}
