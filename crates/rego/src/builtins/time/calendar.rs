//! Days and dates (the Gregorian calendar, also for times before it).

use crate::builtins::time::zone::{Offset, Zone};

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// An instant as a clock and a calendar in some zone show it.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The year.
    pub year: i64,
    /// From 1.
    pub month: i64,
    /// From 1.
    pub day: i64,
    /// From 0 to 23.
    pub hour: i64,
    /// The minute.
    pub minute: i64,
    /// The second.
    pub second: i64,
    /// The nanosecond.
    pub nanosecond: i64,
    /// From 0, a Sunday.
    pub weekday: usize,
    /// From 1.
    pub year_day: i64,
    /// The zone's offset then.
    pub offset: Offset,
}

impl Moment {
    /// The moment that is so many nanoseconds after 1970.
    pub fn new(nanoseconds: i64, zone: &Zone) -> Self {
        let seconds = nanoseconds.div_euclid(1_000_000_000);
        let offset = zone.at(seconds);
        let local = seconds + i64::from(offset.seconds);
        let (days, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = date(days);
        Self {
            year,
            month,
            day,
            hour: time / 3600,
            minute: time / 60 % 60,
            second: time % 60,
            nanosecond: nanoseconds.rem_euclid(1_000_000_000),
            weekday: usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0),
            year_day: days - days_since_1970(year, 1, 1) + 1,
            offset,
        }
    }
}

/// Days from 1970-01-01 to a date; month and day may be beyond their ends. Years up to some millions.
pub fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = (year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12));
    // Years begin in March, so that the leap day is the last one.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// The date so many days after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

/// Whether a year has 366 days.
pub const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days a month has.
pub const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
