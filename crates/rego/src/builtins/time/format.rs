//! Formats times by a layout.

use crate::builtins::time::calendar::Moment;
use crate::builtins::time::layout::{MONTHS, Part, WEEKDAYS, ZoneForm, next};

/// Writes a moment.
pub fn format(moment: &Moment, layout: &str) -> String {
    let mut out = Vec::with_capacity(layout.len() + 16);
    let mut rest = layout.as_bytes();
    loop {
        let (before, part, after) = next(rest);
        out.extend_from_slice(before);
        let Some((part, _)) = part else { break };
        write_part(&mut out, moment, part);
        rest = after;
    }
    // The parts are ASCII, so what is between them is whole.
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn write_part(out: &mut Vec<u8>, moment: &Moment, part: Part) {
    let hour12 = if moment.hour % 12 == 0 { 12 } else { moment.hour % 12 };
    let month =
        usize::try_from(moment.month - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or("");
    let weekday = WEEKDAYS.get(moment.weekday).copied().unwrap_or("");
    match part {
        Part::LongYear => number(out, moment.year, 4, b'0'),
        Part::Year => number(out, moment.year.max(0) % 100, 2, b'0'),
        Part::LongMonth => out.extend_from_slice(month.as_bytes()),
        Part::Month => out.extend(month.bytes().take(3)),
        Part::NumMonth => number(out, moment.month, 0, b'0'),
        Part::ZeroMonth => number(out, moment.month, 2, b'0'),
        Part::LongWeekDay => out.extend_from_slice(weekday.as_bytes()),
        Part::WeekDay => out.extend(weekday.bytes().take(3)),
        Part::Day => number(out, moment.day, 0, b'0'),
        Part::UnderDay => number(out, moment.day, 2, b' '),
        Part::ZeroDay => number(out, moment.day, 2, b'0'),
        Part::UnderYearDay => number(out, moment.year_day, 3, b' '),
        Part::ZeroYearDay => number(out, moment.year_day, 3, b'0'),
        Part::Hour => number(out, moment.hour, 2, b'0'),
        Part::Hour12 => number(out, hour12, 0, b'0'),
        Part::ZeroHour12 => number(out, hour12, 2, b'0'),
        Part::Minute => number(out, moment.minute, 0, b'0'),
        Part::ZeroMinute => number(out, moment.minute, 2, b'0'),
        Part::Second => number(out, moment.second, 0, b'0'),
        Part::ZeroSecond => number(out, moment.second, 2, b'0'),
        Part::UpperPm => out.extend_from_slice(if moment.hour >= 12 { b"PM" } else { b"AM" }),
        Part::LowerPm => out.extend_from_slice(if moment.hour >= 12 { b"pm" } else { b"am" }),
        Part::ZoneName => out.extend_from_slice(moment.offset.name.as_bytes()),
        Part::Zone(form) => zone(out, moment.offset.seconds, form),
        Part::Fraction { separator, digits, trim } => {
            let text = format!("{:09}", moment.nanosecond);
            let text: String = text.chars().take(digits).collect();
            let text = if trim { text.trim_end_matches('0') } else { &text };
            if !(trim && text.is_empty()) {
                out.push(separator);
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
}

fn number(out: &mut Vec<u8>, number: i64, width: usize, fill: u8) {
    let text = number.unsigned_abs().to_string();
    if number < 0 {
        out.push(b'-');
    }
    out.extend(std::iter::repeat_n(fill, width.saturating_sub(text.len())));
    out.extend_from_slice(text.as_bytes());
}

fn zone(out: &mut Vec<u8>, offset: i32, form: ZoneForm) {
    if form.z && offset == 0 {
        return out.push(b'Z');
    }
    // An offset of less than a minute has no sign of its own.
    out.push(if offset / 60 < 0 { b'-' } else { b'+' });
    let offset = i64::from(offset.unsigned_abs());
    for (at, unit) in
        [offset / 3600, offset / 60 % 60, offset % 60].into_iter().enumerate().take(form.numbers.into())
    {
        if at > 0 && form.colon {
            out.push(b':');
        }
        number(out, unit, 2, b'0');
    }
}
