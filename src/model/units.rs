//! Durations and sizes as people write them in configuration: `50ms`, `1MiB`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration written with its unit: `250us`, `50ms`, `10s`, `5m`, `1h`, `7d`; `0` needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl Period {
    /// A period of whole milliseconds.
    pub const fn millis(n: u64) -> Self {
        Self(Duration::from_millis(n))
    }

    /// A period of whole seconds.
    pub const fn secs(n: u64) -> Self {
        Self(Duration::from_secs(n))
    }
}

const PERIOD_UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "0" {
            return Ok(Self(Duration::ZERO));
        }
        parse_with_unit(text, &PERIOD_UNITS).map(|nanos| Self(Duration::from_nanos(nanos))).ok_or_else(|| {
            format!("`{text}` is not a duration; write a number and ns, us, ms, s, m, h or d, e.g. `50ms`")
        })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        write_with_unit(f, nanos, &PERIOD_UNITS)
    }
}

/// A size in bytes written with its unit: `512`, `64KiB`, `1MiB`, `2GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// A size of whole mebibytes.
    pub const fn mib(n: u64) -> Self {
        Self(n << 20)
    }

    /// As a length in memory; saturates on a platform whose addresses are narrower.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

const SIZE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("", 1)];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_with_unit(text, &SIZE_UNITS).map(Self).ok_or_else(|| {
            format!("`{text}` is not a size; write bytes, or a number and KiB, MiB or GiB, e.g. `1MiB`")
        })
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_with_unit(f, self.0, &SIZE_UNITS)
    }
}

fn parse_with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn write_with_unit(f: &mut fmt::Formatter<'_>, value: u64, units: &[(&str, u64)]) -> fmt::Result {
    match units.iter().find(|(_, factor)| value.is_multiple_of(*factor)) {
        Some((unit, factor)) if value > 0 => write!(f, "{}{unit}", value / factor),
        _ => f.write_str("0"),
    }
}

macro_rules! text_serde {
    ($type:ty, $expecting:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$type, E> {
                        self.visit_str(&number.to_string())
                    }
                }
                deserializer.deserialize_any(Text)
            }
        }
    };
}

/// As text, e.g. `50ms`.
impl schemars::JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let pattern = "^(0|[0-9]+ *(d|h|m|s|ms|us|ns))$";
        schemars::json_schema!({ "type": "string", "pattern": pattern, "description": "A duration, e.g. `24h`." })
    }
}

text_serde!(Period, "a duration such as `50ms`");
text_serde!(ByteSize, "a size such as `1MiB`");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_and_sizes_read_and_print_with_their_unit() {
        for (text, printed) in
            [("50ms", "50ms"), ("0", "0"), ("1000ms", "1s"), ("90 s", "90s"), ("120s", "2m"), ("7d", "7d")]
        {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), printed, "{text}");
        }
        for bad in ["", "ms", "5", "5 minutes", "-1s", "1.5s", "99999999999d"] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
        for (text, printed) in [("512", "512"), ("1024", "1KiB"), ("1MiB", "1MiB"), ("0", "0")] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), printed, "{text}");
        }
        assert!("1MB".parse::<ByteSize>().is_err());
    }
}
