//! How many calls are allowed in which time: `1000/minute`, `10/s`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of calls in a second, minute, hour or day. As many may come at once (the burst); after that they are allowed
/// again one by one, evenly over the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    count: u64,
    unit: &'static Unit,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Unit {
    /// How it is written: the first is how it is printed.
    names: &'static [&'static str],
    seconds: u64,
}

const UNITS: &[Unit] = &[
    Unit { names: &["second", "seconds", "sec", "secs", "s"], seconds: 1 },
    Unit { names: &["minute", "minutes", "min", "mins", "m"], seconds: 60 },
    Unit { names: &["hour", "hours", "h"], seconds: 3_600 },
    Unit { names: &["day", "days", "d"], seconds: 86_400 },
];

/// The most calls a second: more could not be told apart by the clock of Redis, which counts microseconds.
const MOST_A_SECOND: u64 = 1_000_000;

impl Quota {
    /// The name by which a deserializer is asked for one.
    pub const NAME: &str = "Quota";

    /// How many calls may come at once.
    pub const fn count(self) -> u64 {
        self.count
    }

    /// The period, in seconds.
    pub const fn seconds(self) -> u64 {
        self.unit.seconds
    }

    /// The time after which one more call is allowed, in units of which a second has `scale`; rounded up, so that never
    /// more is allowed than was said.
    pub(super) const fn interval(self, scale: u64) -> u64 {
        self.unit.seconds.saturating_mul(scale).div_ceil(self.count)
    }

    /// Whether this allows more calls over time than `other`.
    pub fn is_more_than(self, other: Self) -> bool {
        let rate = |quota: Self, seconds: u64| u128::from(quota.count) * u128::from(seconds);
        (rate(self, other.unit.seconds), self.count) > (rate(other, self.unit.seconds), other.count)
    }
}

impl FromStr for Quota {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const HINT: &str =
            "write a number of calls and second, minute, hour or day, e.g. `1000/minute` or `10/s`";
        let unit = |name| UNITS.iter().find(|unit| unit.names.contains(&name));
        let digits = |count: &str| !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        let parted = text.split_once('/').filter(|(count, _)| digits(count));
        let Some((count, unit)) = parted.and_then(|(count, name)| Some((count, unit(name)?))) else {
            return Err(format!("`{text}` is not a rate limit; {HINT}"));
        };
        match count.parse() {
            Ok(0) => Err(format!("`{text}` allows nothing; the number must be more than 0")),
            Ok(count) if count <= MOST_A_SECOND * unit.seconds => Ok(Self { count, unit }),
            _ => Err(format!("`{text}` is too much; the most is {MOST_A_SECOND} a second")),
        }
    }
}

impl Serialize for Quota {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quota {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> de::Visitor<'de> for Text {
            type Value = Quota;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rate limit such as `1000/minute`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Quota, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Quota, D::Error> {
                inner.deserialize_str(self)
            }
        }
        // By its name, who asks types for their keys can tell it from other texts.
        deserializer.deserialize_newtype_struct(Self::NAME, Text)
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.unit.names.first().unwrap_or(&""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_read_in_every_form_and_printed_in_one() {
        for (text, printed) in [
            ("1000/minute", "1000/minute"),
            ("100/m", "100/minute"),
            ("100/min", "100/minute"),
            ("2/minutes", "2/minute"),
            ("10/s", "10/second"),
            ("10/sec", "10/second"),
            ("10/seconds", "10/second"),
            ("5/h", "5/hour"),
            ("5/hours", "5/hour"),
            ("1/d", "1/day"),
            ("1/days", "1/day"),
            ("007/s", "7/second"),
            ("1000000/s", "1000000/second"),
            ("60000000/minute", "60000000/minute"),
        ] {
            let quota: Quota = text.parse().unwrap();
            assert_eq!(quota.to_string(), printed, "{text}");
            assert_eq!(printed.parse(), Ok(quota), "{text}");
            let read: Quota = serde_json::from_value(text.into()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), printed, "{text}");
        }
    }

    #[test]
    fn what_is_no_quota_is_refused_with_a_hint() {
        for (text, part) in [
            ("", "is not a rate limit"),
            ("100", "is not a rate limit"),
            ("/s", "is not a rate limit"),
            ("100/", "is not a rate limit"),
            ("+1/s", "is not a rate limit"),
            ("-1/s", "is not a rate limit"),
            ("1.5/s", "is not a rate limit"),
            ("10 / s", "is not a rate limit"),
            ("10/S", "is not a rate limit"),
            ("10/fortnight", "is not a rate limit"),
            ("10/s/s", "is not a rate limit"),
            ("0/s", "allows nothing"),
            ("1000001/s", "is too much"),
            ("99999999999999999999999/d", "is too much"),
        ] {
            let refused = text.parse::<Quota>().unwrap_err();
            assert!(refused.contains(part), "{text}: {refused}");
        }
    }

    #[test]
    fn quotas_compare_by_rate_and_then_by_burst() {
        for (more, less) in [("1000/minute", "10/s"), ("10/s", "100/m"), ("60/m", "1/s"), ("25/d", "1/h")] {
            let (more, less): (Quota, Quota) = (more.parse().unwrap(), less.parse().unwrap());
            assert!(more.is_more_than(less) && !less.is_more_than(more), "{more} {less}");
            assert!(!more.is_more_than(more));
        }
    }
}
