//! Time: clocks, calendars, time zones, and Go's layouts.

pub(crate) mod calendar;
pub(crate) mod format;
pub(crate) mod functions;
pub(crate) mod layout;
pub(crate) mod parse;
pub(crate) mod zone;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] = &[functions::FUNCTIONS];
