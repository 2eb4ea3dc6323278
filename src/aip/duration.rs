//! Durations and sizes as AIP's files write them: Go's `1h30m`, and `512KB`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// The longest that is read: a year.
const LONGEST: f64 = 365.0 * 86_400.0;

/// A duration as Go writes it, days besides: `5m`, `1h30m`, `1.5h`, `0s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GoDuration(pub(super) Duration);

fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(digits)?;
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit)?;
        let factor = match unit {
            "d" => 86_400.0,
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    (!text.is_empty() && seconds <= LONGEST).then(|| Duration::from_nanos((seconds * 1e9).round() as u64))
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = if text == "0" { Some(Duration::ZERO) } else { duration(&text) };
        known.map(Self).ok_or_else(|| {
            de::Error::custom(format!(
                "`{text}` is not a duration of at most a year; write e.g. `5m`, `300s` or `1h30m`"
            ))
        })
    }
}

/// A size in bytes: `1MB`, `512KB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub(super) usize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let units = [("KB", 1_usize << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("B", 1)];
        let parted = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
        let size =
            parted.and_then(|(number, factor)| number.trim().parse::<usize>().ok()?.checked_mul(factor));
        size.filter(|size| *size > 0)
            .map(Self)
            .ok_or_else(|| de::Error::custom(format!("`{text}` is not a size; write e.g. `1MB` or `512KB`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        let read = |text: &str| serde_json::from_value::<GoDuration>(text.into()).ok().map(|read| read.0);
        for (text, seconds) in [
            ("5m", 300.0),
            ("1h30m", 5_400.0),
            ("1.5h", 5_400.0),
            ("0s", 0.0),
            ("0", 0.0),
            ("7d", 604_800.0),
            ("250ms", 0.25),
        ] {
            assert_eq!(read(text), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "5", "m", "5x", "-5m", "1.2.3s", "5m3", "400d"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
