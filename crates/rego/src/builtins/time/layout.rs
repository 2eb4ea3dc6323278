//! Go's layouts: a moment written as the reference time `Mon Jan 2 15:04:05 MST 2006` would be.

/// One part of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `2006`
    LongYear,
    /// `06`
    Year,
    /// `January`
    LongMonth,
    /// `Jan`
    Month,
    /// `1`
    NumMonth,
    /// `01`
    ZeroMonth,
    /// `Monday`
    LongWeekDay,
    /// `Mon`
    WeekDay,
    /// `2`
    Day,
    /// `_2`
    UnderDay,
    /// `02`
    ZeroDay,
    /// `__2`
    UnderYearDay,
    /// `002`
    ZeroYearDay,
    /// `15`
    Hour,
    /// `3`
    Hour12,
    /// `03`
    ZeroHour12,
    /// `4`
    Minute,
    /// `04`
    ZeroMinute,
    /// `5`
    Second,
    /// `05`
    ZeroSecond,
    /// `PM`
    UpperPm,
    /// `pm`
    LowerPm,
    /// `MST`
    ZoneName,
    /// `-07:00` and its like
    Zone(ZoneForm),
    /// `.000` and `.999`: separator, digits, and whether trailing zeros are left out
    Fraction {
        /// `.` or `,`
        separator: u8,
        /// How many digits.
        digits: usize,
        /// Whether trailing zeros are left out.
        trim: bool,
    },
}

/// How a zone offset is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneForm {
    /// UTC is `Z`.
    pub z: bool,
    /// With colons between the numbers.
    pub colon: bool,
    /// Hours; and minutes; and seconds.
    pub numbers: u8,
}

const ZONES: [(&[u8], bool, u8); 5] = [
    (b"070000", false, 3),
    (b"07:00:00", true, 3),
    (b"0700", false, 2),
    (b"07:00", true, 2),
    (b"07", false, 1),
];

/// The parts that begin with neither a letter of a month or weekday, a zone nor a fraction.
const FIXED: [(&[u8], Part); 19] = [
    (b"002", Part::ZeroYearDay),
    (b"01", Part::ZeroMonth),
    (b"02", Part::ZeroDay),
    (b"03", Part::ZeroHour12),
    (b"04", Part::ZeroMinute),
    (b"05", Part::ZeroSecond),
    (b"06", Part::Year),
    (b"15", Part::Hour),
    (b"1", Part::NumMonth),
    (b"2006", Part::LongYear),
    (b"2", Part::Day),
    (b"__2", Part::UnderYearDay),
    (b"_2", Part::UnderDay),
    (b"3", Part::Hour12),
    (b"4", Part::Minute),
    (b"5", Part::Second),
    (b"PM", Part::UpperPm),
    (b"pm", Part::LowerPm),
    (b"MST", Part::ZoneName),
];

/// What stands before a part, it with its text, what comes after.
pub type Split<'a> = (&'a [u8], Option<(Part, &'a [u8])>, &'a [u8]);

/// The first part in a layout: what stands before it, it, its text, what comes after.
pub fn next(layout: &[u8]) -> Split<'_> {
    for at in 0..layout.len() {
        let (before, here) = layout.split_at(at);
        if let Some((part, skip, length)) = part_at(here) {
            let (before, _) = layout.split_at_checked(before.len() + skip).unwrap_or((layout, &[]));
            let here = here.get(skip..).unwrap_or_default();
            let (text, after) = here.split_at_checked(length).unwrap_or((here, &[]));
            return (before, Some((part, text)), after);
        }
    }
    (layout, None, &[])
}

/// The part that begins here: itself, how many bytes before it are plain, how long it is.
fn part_at(here: &[u8]) -> Option<(Part, usize, usize)> {
    match here.first()? {
        b'J' | b'M' => {
            for (long, long_part, short, short_part) in [
                (&b"January"[..], Part::LongMonth, &b"Jan"[..], Part::Month),
                (b"Monday", Part::LongWeekDay, b"Mon", Part::WeekDay),
            ] {
                if here.starts_with(long) {
                    return Some((long_part, 0, long.len()));
                }
                // `Month` is a word, not a weekday.
                if here.starts_with(short) && !here.get(3).is_some_and(u8::is_ascii_lowercase) {
                    return Some((short_part, 0, 3));
                }
            }
        }
        b'_' if here.starts_with(b"_2006") => return Some((Part::LongYear, 1, 4)),
        sign @ (b'-' | b'Z') => {
            let after = here.get(1..)?;
            let (text, colon, numbers) = ZONES.iter().find(|(text, ..)| after.starts_with(text))?;
            let form = ZoneForm { z: *sign == b'Z', colon: *colon, numbers: *numbers };
            return Some((Part::Zone(form), 0, text.len() + 1));
        }
        separator @ (b'.' | b',') => {
            let digit = *here.get(1).filter(|digit| matches!(digit, b'0' | b'9'))?;
            let digits = here.iter().skip(1).take_while(|byte| **byte == digit).count();
            // Only a whole row of digits is a fraction.
            if here.get(digits + 1).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            return Some((
                Part::Fraction { separator: *separator, digits, trim: digit == b'9' },
                0,
                digits + 1,
            ));
        }
        _ => {}
    }
    FIXED.iter().find(|(text, _)| here.starts_with(text)).map(|(text, part)| (*part, 0, text.len()))
}

/// The layout that a name stands for, or the layout itself.
pub fn named(layout: &str) -> &str {
    match layout {
        "ANSIC" => "Mon Jan _2 15:04:05 2006",
        "UnixDate" => "Mon Jan _2 15:04:05 MST 2006",
        "RubyDate" => "Mon Jan 02 15:04:05 -0700 2006",
        "RFC822" => "02 Jan 06 15:04 MST",
        "RFC822Z" => "02 Jan 06 15:04 -0700",
        "RFC850" => "Monday, 02-Jan-06 15:04:05 MST",
        "RFC1123" => "Mon, 02 Jan 2006 15:04:05 MST",
        "RFC1123Z" => "Mon, 02 Jan 2006 15:04:05 -0700",
        "RFC3339" => RFC3339,
        "RFC3339Nano" => RFC3339_NANO,
        other => other,
    }
}

/// RFC 3339, seconds.
pub const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
/// RFC 3339, with a fraction where there is one.
pub const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// Names of months.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Names of weekdays.
pub const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
