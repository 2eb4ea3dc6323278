//! `time.*`

use crate::builtins::context::{Context, argument, integer, text};
use crate::builtins::error::{Error, Kind};
use crate::builtins::time::calendar::{DAY, Moment, days_in, days_since_1970};
use crate::builtins::time::format;
use crate::builtins::time::layout::{RFC3339, RFC3339_NANO, named};
use crate::builtins::time::parse;
use crate::builtins::time::zone::Zone;
use crate::value::Value;

type Answer = Result<Option<Value>, Error>;

pub fn now_ns(context: &mut Context, _: &[Value]) -> Answer {
    Ok(Some(Value::from(context.now_ns)))
}

fn in_range(nanoseconds: i128) -> Answer {
    let nanoseconds = i64::try_from(nanoseconds).map_err(|_| Error::failed("time outside of valid range"))?;
    Ok(Some(Value::from(nanoseconds)))
}

pub fn parse_ns(_: &mut Context, args: &[Value]) -> Answer {
    in_range(parse::parse(named(text(args, 1)?), text(args, 2)?)?)
}

pub fn parse_rfc3339_ns(_: &mut Context, args: &[Value]) -> Answer {
    in_range(parse::parse(RFC3339, text(args, 1)?)?)
}

pub fn parse_duration_ns(_: &mut Context, args: &[Value]) -> Answer {
    Ok(Some(Value::from(parse::duration(text(args, 1)?)?)))
}

/// The time that an argument gives: nanoseconds, or an array of them, a zone and a layout.
struct Time<'a> {
    nanoseconds: i64,
    zone: Zone,
    layout: &'a str,
}

fn time(args: &[Value], position: usize) -> Result<Time<'_>, Error> {
    let operand = argument(args, position)?;
    let wrong = || Error::operand(1, "either number (ns) or [number (ns), string (tz)]", operand);
    let parts = match operand {
        Value::Number(_) => std::slice::from_ref(operand),
        Value::Array(parts) if !parts.is_empty() => parts.as_slice(),
        _ => return Err(wrong()),
    };
    let string = |part: &'_ Value| match part {
        Value::String(_) => Ok(()),
        other => Err(Error::operand(1, "string", other)),
    };
    let nanoseconds = match parts.first() {
        Some(Value::Number(number)) => number,
        Some(other) => return Err(Error::operand(1, "number", other)),
        None => return Err(wrong()),
    };
    let zone = match parts.get(1) {
        Some(zone) => {
            string(zone)?;
            Zone::load(zone.as_str().unwrap_or_default())?
        }
        None => Zone::default(),
    };
    let layout = match parts.get(2) {
        Some(layout) => {
            string(layout)?;
            layout.as_str().unwrap_or_default()
        }
        None => "",
    };
    let nanoseconds = nanoseconds.as_i64().ok_or_else(|| Error::failed("timestamp too big"))?;
    Ok(Time { nanoseconds, zone, layout })
}

fn numbers<const N: usize>(numbers: [i64; N]) -> Answer {
    Ok(Some(Value::from(numbers.map(Value::from).to_vec())))
}

pub fn format(context: &mut Context, args: &[Value]) -> Answer {
    let time = time(args, 1)?;
    let layout = if time.layout.is_empty() { RFC3339_NANO } else { named(time.layout) };
    let written = format::format(&Moment::new(time.nanoseconds, &time.zone), layout);
    if written.len() > context.max_bytes {
        return Err(Error::new(Kind::Builtin, "the result is too large"));
    }
    Ok(Some(Value::from(written)))
}

pub fn date(_: &mut Context, args: &[Value]) -> Answer {
    let time = time(args, 1)?;
    let moment = Moment::new(time.nanoseconds, &time.zone);
    numbers([moment.year, moment.month, moment.day])
}

pub fn clock(_: &mut Context, args: &[Value]) -> Answer {
    let time = time(args, 1)?;
    let moment = Moment::new(time.nanoseconds, &time.zone);
    numbers([moment.hour, moment.minute, moment.second])
}

pub fn weekday(_: &mut Context, args: &[Value]) -> Answer {
    let time = time(args, 1)?;
    let moment = Moment::new(time.nanoseconds, &time.zone);
    Ok(crate::builtins::time::layout::WEEKDAYS.get(moment.weekday).map(|name| Value::from(*name)))
}

/// No date that counts is so many years, months or days away.
const FAR: i64 = 1_000_000;

pub fn add_date(_: &mut Context, args: &[Value]) -> Answer {
    let time = time(args, 1)?;
    let (years, months, days) = (integer(args, 2)?, integer(args, 3)?, integer(args, 4)?);
    // A great number of one may be undone by another, so they are made small in ways that change no sum.
    let all_months = i128::from(years) * 12 + i128::from(months);
    let far = || Error::failed("time outside of valid range");
    let all_months =
        i64::try_from(all_months).ok().filter(|months| months.abs() <= FAR * 12).ok_or_else(far)?;
    let days = Some(days).filter(|days| days.abs() <= FAR * 366).ok_or_else(far)?;
    let moment = Moment::new(time.nanoseconds, &time.zone);
    let day = days_since_1970(moment.year, moment.month + all_months, moment.day) + days;
    let local = day * DAY + moment.hour * 3600 + moment.minute * 60 + moment.second;
    in_range(i128::from(time.zone.instant(local)) * 1_000_000_000 + i128::from(moment.nanosecond))
}

pub fn diff(_: &mut Context, args: &[Value]) -> Answer {
    let (one, other) = (time(args, 1)?, time(args, 2)?);
    let (from, to) = (one.nanoseconds.min(other.nanoseconds), one.nanoseconds.max(other.nanoseconds));
    // Both in the zone of the first argument.
    let (from, to) = (Moment::new(from, &one.zone), Moment::new(to, &one.zone));
    let mut years = to.year - from.year;
    let mut months = to.month - from.month;
    let mut days = to.day - from.day;
    let mut hours = to.hour - from.hour;
    let mut minutes = to.minute - from.minute;
    let mut seconds = to.second - from.second;
    if seconds < 0 {
        seconds += 60;
        minutes -= 1;
    }
    if minutes < 0 {
        minutes += 60;
        hours -= 1;
    }
    if hours < 0 {
        hours += 24;
        days -= 1;
    }
    if days < 0 {
        days += days_in(from.year, from.month);
        months -= 1;
    }
    if months < 0 {
        months += 12;
        years -= 1;
    }
    numbers([years, months, days, hours, minutes, seconds])
}
