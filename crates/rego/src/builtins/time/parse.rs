//! Parses times and durations.

use crate::builtins::error::Error;
use crate::builtins::time::calendar::{DAY, days_in, days_since_1970, is_leap};
use crate::builtins::time::layout::{MONTHS, Part, WEEKDAYS, ZoneForm, next};

/// What went wrong with one part.
enum Wrong {
    /// It is not there.
    Form,
    /// It is beyond its bounds.
    Range(&'static str),
}

type Read<T> = Result<T, Wrong>;

#[derive(Default)]
struct Found {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    pm: Option<bool>,
    offset: Option<i64>,
}

/// Reads a moment after a layout: nanoseconds since 1970, which may be more than fit into 64 bits.
///
/// # Errors
/// When the text is not of the layout; the words are Go's.
pub fn parse(layout: &str, text: &str) -> Result<i128, Error> {
    let fail = |message: &str| Error::failed(format!("parsing time {}{message}", quote(text.as_bytes())));
    let cannot = |value: &[u8], element: &[u8]| {
        let (value, element, layout) = (quote(value), quote(element), quote(layout.as_bytes()));
        fail(&format!(" as {layout}: cannot parse {value} as {element}"))
    };
    let mut found = Found::default();
    let (mut rest, mut value) = (layout.as_bytes(), text.as_bytes());
    loop {
        let (before, part, after) = next(rest);
        value = skip(value, before).map_err(|left| cannot(left, before))?;
        let Some((part, element)) = part else { break };
        let start = value;
        match found.read(part, &mut value, after) {
            Ok(()) => {}
            Err(Wrong::Form) => return Err(cannot(start, element)),
            Err(Wrong::Range(what)) => return Err(fail(&format!(": {what} out of range"))),
        }
        rest = after;
    }
    if !value.is_empty() {
        return Err(fail(&format!(": extra text: {}", quote(value))));
    }
    found.finish().map_err(|what| fail(&format!(": {what}")))
}

impl Found {
    /// Reads one part; `after` is the layout after it.
    fn read(&mut self, part: Part, value: &mut &[u8], after: &[u8]) -> Read<()> {
        match part {
            Part::Year => {
                let year = signed(take(value, 2)?)?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
            }
            Part::LongYear if !value.first().is_some_and(u8::is_ascii_digit) => return Err(Wrong::Form),
            Part::LongYear => self.year = signed(take(value, 4)?)?,
            Part::Month => self.month = Some(name(value, &MONTHS, 3)?),
            Part::LongMonth => self.month = Some(name(value, &MONTHS, 9)?),
            Part::NumMonth | Part::ZeroMonth => {
                self.month = Some(within(two(value, part == Part::ZeroMonth)?, 1..=12, "month")?);
            }
            Part::WeekDay => drop(name(value, &WEEKDAYS, 3)?),
            Part::LongWeekDay => drop(name(value, &WEEKDAYS, 9)?),
            Part::Day | Part::UnderDay | Part::ZeroDay => {
                if part == Part::UnderDay {
                    *value = value.strip_prefix(b" ").unwrap_or(value);
                }
                self.day = Some(two(value, part == Part::ZeroDay)?);
            }
            Part::UnderYearDay | Part::ZeroYearDay => self.read_year_day(part, value)?,
            Part::Hour => self.hour = within(two(value, false)?, 0..=23, "hour")?,
            Part::Hour12 | Part::ZeroHour12 => {
                self.hour = within(two(value, part == Part::ZeroHour12)?, 0..=12, "hour")?;
            }
            Part::Minute | Part::ZeroMinute => {
                self.minute = within(two(value, part == Part::ZeroMinute)?, 0..=59, "minute")?;
            }
            Part::Second | Part::ZeroSecond => {
                self.second = within(two(value, part == Part::ZeroSecond)?, 0..=59, "second")?;
                // A fraction may follow that the layout says nothing about.
                if fraction_follows(value) && !matches!(next(after).1, Some((Part::Fraction { .. }, _))) {
                    self.nanosecond = fraction(value)?;
                }
            }
            Part::UpperPm | Part::LowerPm => self.read_half(part, value)?,
            Part::Zone(form) => match value.strip_prefix(b"Z").filter(|_| form.z) {
                Some(rest) => (*value, self.offset) = (rest, Some(0)),
                None => self.offset = Some(offset(value, form)?),
            },
            Part::ZoneName => {
                // Of names only UTC is known; others are taken for its equal.
                let length =
                    if value.starts_with(b"UTC") { 3 } else { zone_name(value).ok_or(Wrong::Form)? };
                take(value, length)?;
            }
            Part::Fraction { digits, trim: false, .. } => {
                let mut text = take(value, digits + 1)?;
                self.nanosecond = fraction(&mut text)?;
                if !text.is_empty() {
                    return Err(Wrong::Form);
                }
            }
            Part::Fraction { .. } if fraction_follows(value) => self.nanosecond = fraction(value)?,
            Part::Fraction { .. } => {}
        }
        Ok(())
    }

    fn read_year_day(&mut self, part: Part, value: &mut &[u8]) -> Read<()> {
        if part == Part::UnderYearDay {
            *value = value.strip_prefix(b" ").unwrap_or(value);
            *value = value.strip_prefix(b" ").unwrap_or(value);
        }
        let digits = value.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || (part == Part::ZeroYearDay && digits != 3) {
            return Err(Wrong::Form);
        }
        self.year_day = Some(signed(take(value, digits)?)?);
        Ok(())
    }

    /// Before or after noon.
    fn read_half(&mut self, part: Part, value: &mut &[u8]) -> Read<()> {
        let (am, pm) = if part == Part::UpperPm { (b"AM", b"PM") } else { (b"am", b"pm") };
        let text = take(value, 2)?;
        if text != am && text != pm {
            return Err(Wrong::Form);
        }
        // Once it is afternoon it stays so.
        self.pm = Some(text == pm || self.pm == Some(true));
        Ok(())
    }

    fn finish(mut self) -> Result<i128, &'static str> {
        match self.pm {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        if let Some(of_year) = self.year_day {
            if !(1..=365 + i64::from(is_leap(self.year))).contains(&of_year) {
                return Err("day-of-year out of range");
            }
            let (mut month, mut day) = (1, of_year);
            while day > days_in(self.year, month) {
                day -= days_in(self.year, month);
                month += 1;
            }
            if self.month.is_some_and(|given| given != month) {
                return Err("day-of-year does not match month");
            }
            if self.day.is_some_and(|given| given != day) {
                return Err("day-of-year does not match day");
            }
            (self.month, self.day) = (Some(month), Some(day));
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if day < 1 || day > days_in(self.year, month) {
            return Err("day out of range");
        }
        let time = self.hour * 3600 + self.minute * 60 + self.second - self.offset.unwrap_or(0);
        let seconds = days_since_1970(self.year, month, day) * DAY + time;
        Ok(i128::from(seconds) * 1_000_000_000 + i128::from(self.nanosecond))
    }
}

/// Takes what is plain in the layout off the text; any number of spaces is like any other, but none is not.
fn skip<'a>(mut value: &'a [u8], mut plain: &[u8]) -> Result<&'a [u8], &'a [u8]> {
    while let Some((first, rest)) = plain.split_first() {
        if *first == b' ' {
            if value.first().is_some_and(|byte| *byte != b' ') {
                return Err(value);
            }
            plain = trim_spaces(plain);
            value = trim_spaces(value);
            continue;
        }
        match value.split_first() {
            Some((byte, left)) if byte == first => (value, plain) = (left, rest),
            _ => return Err(value),
        }
    }
    Ok(value)
}

fn trim_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| **byte == b' ').count();
    text.get(spaces..).unwrap_or_default()
}

fn take<'a>(value: &mut &'a [u8], length: usize) -> Read<&'a [u8]> {
    let (text, rest) = value.split_at_checked(length).ok_or(Wrong::Form)?;
    *value = rest;
    Ok(text)
}

fn signed(text: &[u8]) -> Read<i64> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Wrong::Form)
}

/// One or two digits; `fixed` wants two.
fn two(value: &mut &[u8], fixed: bool) -> Read<i64> {
    let digits = value.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || (fixed && digits == 1) { Err(Wrong::Form) } else { signed(take(value, digits)?) }
}

fn within(number: i64, bounds: std::ops::RangeInclusive<i64>, what: &'static str) -> Read<i64> {
    if bounds.contains(&number) { Ok(number) } else { Err(Wrong::Range(what)) }
}

/// A name of a month or weekday, cut to `length`: its number, from 1.
fn name(value: &mut &[u8], names: &[&str], length: usize) -> Read<i64> {
    for (number, name) in (1..).zip(names) {
        let name = name.as_bytes().get(..length).unwrap_or(name.as_bytes());
        if value.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name)) {
            take(value, name.len())?;
            return Ok(number);
        }
    }
    Err(Wrong::Form)
}

fn fraction_follows(value: &[u8]) -> bool {
    matches!(value, [b'.' | b',', digit, ..] if digit.is_ascii_digit())
}

/// A separator and digits, of which nine count.
fn fraction(value: &mut &[u8]) -> Read<i64> {
    if !fraction_follows(value) {
        return Err(Wrong::Form);
    }
    take(value, 1)?;
    let length = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = take(value, length)?;
    Ok((0..9).fold(0, |sum, at| sum * 10 + digits.get(at).map_or(0, |digit| i64::from(digit - b'0'))))
}

fn offset(value: &mut &[u8], form: ZoneForm) -> Read<i64> {
    let length = match (form.numbers, form.colon) {
        (1, _) => 3,
        (2, false) => 5,
        (2, true) => 6,
        (_, false) => 7,
        (_, true) => 9,
    };
    let text = take(value, length)?;
    let (sign, mut text) = text.split_first().ok_or(Wrong::Form)?;
    let mut numbers = [0; 3];
    for (at, (number, what)) in
        numbers.iter_mut().zip(["hour", "minute", "second"]).enumerate().take(form.numbers.into())
    {
        if at > 0 && form.colon {
            text = text.strip_prefix(b":").ok_or(Wrong::Form)?;
        }
        *number = two(&mut text, true)?;
        let (most, what) = match what {
            "hour" => (24, "time zone offset hour"),
            "minute" => (60, "time zone offset minute"),
            _ => (60, "time zone offset second"),
        };
        within(*number, 0..=most, what)?;
    }
    let [hours, minutes, seconds] = numbers;
    let offset = (hours * 60 + minutes) * 60 + seconds;
    match sign {
        b'+' => Ok(offset),
        b'-' => Ok(-offset),
        _ => Err(Wrong::Form),
    }
}

/// How long the zone name is that a text begins with.
fn zone_name(value: &[u8]) -> Option<usize> {
    let four = value.get(..4);
    if four == Some(b"ChST") || four == Some(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix(b"GMT") {
        return Some(3 + signed_hours(rest).unwrap_or(0));
    }
    if matches!(value, [b'+' | b'-', _, _, ..]) {
        return signed_hours(value);
    }
    let upper = value.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    match upper {
        5 => (value.get(4) == Some(&b'T')).then_some(5),
        4 => (value.get(3) == Some(&b'T') || four == Some(b"WITA")).then_some(4),
        3 => Some(3),
        _ => None,
    }
}

/// How long a sign with hours after it is.
fn signed_hours(value: &[u8]) -> Option<usize> {
    let (b'+' | b'-', rest) = value.split_first()? else { return None };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hours: u64 = std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()?;
    (hours <= 23).then_some(digits + 1)
}

/// As Go quotes what it could not read.
fn quote(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(*byte)]),
            b' '..=b'\x7f' => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

/// Reads a duration such as `1h15m30.5s`: nanoseconds.
///
/// # Errors
/// When it is none, or longer than 64 bits hold.
pub fn duration(text: &str) -> Result<i64, Error> {
    let shown = quote(text.as_bytes());
    let result = units_of(text, &shown);
    // Go knows no days, weeks and years: of a text with these OPA says only that it is wrong.
    let is_gos = !text.contains(['d', 'w', 'y']);
    result.map_err(
        |error| if is_gos { error } else { Error::failed(format!("time: invalid duration {shown}")) },
    )
}

fn units_of(text: &str, shown: &str) -> Result<i64, Error> {
    let invalid = || Error::failed(format!("time: invalid duration {shown}"));
    let (negative, mut rest) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let whole = digits(&mut rest);
        let mut part: &[u8] = &[];
        if let [b'.', after @ ..] = rest {
            rest = after;
            part = digits(&mut rest);
        }
        if whole.is_empty() && part.is_empty() {
            return Err(invalid());
        }
        let length = rest.iter().take_while(|byte| **byte != b'.' && !byte.is_ascii_digit()).count();
        let (name, after) = rest.split_at_checked(length).ok_or_else(invalid)?;
        rest = after;
        let unit = unit(name, shown)?;
        let number = whole
            .iter()
            .try_fold(0u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
        let mut value = number
            .and_then(|number| number.checked_mul(unit))
            .filter(|value| *value <= 1 << 63)
            .ok_or_else(invalid)?;
        // Digits beyond what 64 bits hold do not count.
        let (mut fraction, mut scale) = (0u64, 1.0f64);
        for digit in part {
            match fraction.checked_mul(10).and_then(|sum| sum.checked_add(u64::from(digit - b'0'))) {
                Some(sum) if sum <= 1 << 63 => (fraction, scale) = (sum, scale * 10.0),
                _ => break,
            }
        }
        value += (fraction as f64 * (unit as f64 / scale)) as u64;
        total = total.checked_add(value).filter(|total| *total <= 1 << 63).ok_or_else(invalid)?;
    }
    if negative {
        0i64.checked_sub_unsigned(total).ok_or_else(invalid)
    } else {
        i64::try_from(total).map_err(|_| invalid())
    }
}

/// In nanoseconds.
const HOUR: u64 = 3_600_000_000_000;

/// The nanoseconds of a unit; `shown` is the duration that it is part of, quoted.
fn unit(name: &[u8], shown: &str) -> Result<u64, Error> {
    Ok(match std::str::from_utf8(name).unwrap_or_default() {
        "" => return Err(Error::failed(format!("time: missing unit in duration {shown}"))),
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => HOUR,
        "d" => 24 * HOUR,
        "w" => 7 * 24 * HOUR,
        "y" => 365 * 24 * HOUR,
        _ => {
            return Err(Error::failed(format!("time: unknown unit {} in duration {shown}", quote(name))));
        }
    })
}

fn digits<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
    *rest = after;
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_days_weeks_and_years() {
        let hours = |hours: i64| Ok(hours * HOUR as i64);
        for (text, want) in [
            ("1d", hours(24)),
            ("-1w", hours(-168)),
            ("1y1d1h", hours(365 * 24 + 25)),
            ("1.5d", hours(36)),
            ("292y", hours(292 * 365 * 24)),
            ("300y", Err(r#"time: invalid duration "300y""#)),
            ("1d2", Err(r#"time: invalid duration "1d2""#)),
            ("1dx", Err(r#"time: invalid duration "1dx""#)),
            ("--1d", Err(r#"time: invalid duration "--1d""#)),
            ("1x", Err(r#"time: unknown unit "x" in duration "1x""#)),
            ("1", Err(r#"time: missing unit in duration "1""#)),
        ] {
            assert_eq!(duration(text).map_err(|error| error.message), want.map_err(str::to_owned), "{text}");
        }
    }
}
