//! The only place that reads the wall clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp as Instant;

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
        // Every nanosecond that 64 bits count is within the library's years.
        let at = Instant::from_nanosecond(i128::from(self.0)).unwrap_or(Instant::UNIX_EPOCH);
        format!("{at:.9}")
    }

    /// Parses RFC 3339, with or without a fraction.
    ///
    /// # Errors
    /// When the text is not RFC 3339, or the time lies outside the years 1677 to 2262.
    pub fn parse_rfc3339(text: &str) -> Result<Self, String> {
        if !has_form_of_rfc3339(text) {
            return Err(format!("`{text}` is not RFC 3339; write e.g. `2026-11-21T02:11:14Z`"));
        }
        let parsed: Instant = text.parse().map_err(|error| format!("`{text}`: {error}"))?;
        i64::try_from(parsed.as_nanosecond())
            .map(Self)
            .map_err(|_| format!("`{text}` is outside the years 1677 to 2262"))
    }
}

/// As RFC 3339.
impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).map_err(serde::de::Error::custom)
    }
}

/// As `date-time` of RFC 3339.
impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time", "description": "A point in time (RFC 3339)." })
    }
}

/// Whether a text has the form of `date-time` in RFC 3339 section 5.6; the library takes more.
fn has_form_of_rfc3339(text: &str) -> bool {
    let Some((seconds, rest)) = text.split_at_checked(19) else { return false };
    let fits = |text: &str, form: &str| {
        text.len() == form.len()
            && text.bytes().zip(form.bytes()).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b't'),
                b'+' => matches!(byte, b'+' | b'-'),
                wanted => byte == wanted,
            })
    };
    let offset = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => match fraction.trim_start_matches(|c: char| c.is_ascii_digit()) {
            offset if offset.len() == fraction.len() => return false,
            offset => offset,
        },
    };
    fits(seconds, "0000-00-00T00:00:00") && (matches!(offset, "Z" | "z") || fits(offset, "+00:00"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_as_rfc_3339() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (1_795_227_074_829_396_687, "2026-11-21T02:11:14.829396687Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
            (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
        ] {
            assert_eq!(Timestamp(nanos).rfc3339(), text);
            assert_eq!(Timestamp::parse_rfc3339(text), Ok(Timestamp(nanos)));
        }
        for (text, seconds) in [
            ("1970-01-01T00:00:01Z", 1),
            ("1970-01-01t00:00:01z", 1),
            ("1970-01-01T01:00:01.0+01:00", 1),
            ("1969-12-31T23:00:01-01:00", 1),
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text), Ok(Timestamp::from_unix_seconds(seconds)), "{text}");
        }
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T02:11:14",
            "2026-11-21 02:11:14Z",
            "20261121T021114Z",
            "2026-11-21T02:11:14.Z",
            "2026-11-21T02:11:14+01",
            "2026-11-21T02:11:14Z[UTC]",
            "2026-13-21T02:11:14Z",
            "2026-11-21T25:11:14Z",
            "1500-01-01T00:00:00Z",
            "é026-11-21T02:11:14Z",
        ] {
            assert!(Timestamp::parse_rfc3339(text).is_err(), "{text}");
        }
    }
}
