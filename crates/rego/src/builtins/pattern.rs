//! Patterns: regular expressions as Go has them, and globs.

pub(crate) mod compiled;
pub(crate) mod glob;
pub(crate) mod glob_intersection;
pub(crate) mod glob_program;
pub(crate) mod regex;
pub(crate) mod regex_escapes;
pub(crate) mod regex_syntax;

use super::declaration::{Declaration, builtin};
use regex::Order;

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin("glob.match", "string, <null | [...string]>, string", "boolean", glob::is_match)
        .prepared(glob::prepare),
    builtin("glob.quote_meta", "string", "string", glob::quote_meta),
    builtin("regex.match", "string, string", "boolean", |ctx, args| {
        Order::Expression.call(ctx, args, regex::is_match)
    })
    .prepared(|known| Order::Expression.prepare(known, regex::is_match)),
    builtin("re_match", "string, string", "boolean", |ctx, args| {
        Order::Expression.call(ctx, args, regex::is_match)
    })
    .prepared(|known| Order::Expression.prepare(known, regex::is_match)),
    builtin("regex.is_valid", "string", "boolean", regex::is_valid),
    builtin("regex.find_n", "string, string, number", "[...string]", |ctx, args| {
        Order::Expression.call(ctx, args, regex::find_n)
    })
    .prepared(|known| Order::Expression.prepare(known, regex::find_n)),
    builtin("regex.find_all_string_submatch_n", "string, string, number", "[...[...string]]", |ctx, args| {
        Order::Expression.call(ctx, args, regex::find_groups)
    })
    .prepared(|known| Order::Expression.prepare(known, regex::find_groups)),
    builtin("regex.replace", "string, string, string", "string", |ctx, args| {
        Order::Text.call(ctx, args, regex::replace)
    })
    .prepared(|known| Order::Text.prepare(known, regex::replace)),
    builtin("regex.split", "string, string", "[...string]", |ctx, args| {
        Order::Expression.call(ctx, args, regex::split)
    })
    .prepared(|known| Order::Expression.prepare(known, regex::split)),
    builtin("regex.template_match", "string, string, string, string", "boolean", regex::template_match),
    builtin("regex.globs_match", "string, string", "boolean", regex::globs_match),
];
