//! Time: clocks, calendars, time zones, and Go's layouts.

pub(crate) mod calendar;
pub(crate) mod format;
pub(crate) mod functions;
pub(crate) mod layout;
pub(crate) mod parse;
pub(crate) mod zone;

use super::declaration::{Declaration, builtin};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin("time.now_ns", "", "number", functions::now_ns).nondeterministic(),
    builtin("time.parse_ns", "string, string", "number", functions::parse_ns),
    builtin("time.parse_rfc3339_ns", "string", "number", functions::parse_rfc3339_ns),
    builtin("time.parse_duration_ns", "string", "number", functions::parse_duration_ns),
    builtin(
        "time.format",
        "<number | [number, string] | [number, string, string]>",
        "string",
        functions::format,
    ),
    builtin("time.date", "<number | [number, string]>", "[number, number, number]", functions::date),
    builtin("time.clock", "<number | [number, string]>", "[number, number, number]", functions::clock),
    builtin("time.weekday", "<number | [number, string]>", "string", functions::weekday),
    builtin("time.add_date", "number, number, number, number", "number", functions::add_date),
    builtin(
        "time.diff",
        "<number | [number, string]>, <number | [number, string]>",
        "[number, number, number, number, number, number]",
        functions::diff,
    ),
];
