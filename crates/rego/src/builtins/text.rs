//! Text: strings, formatting, templates and versions.

pub(crate) mod interpolation;
pub(crate) mod print;
pub(crate) mod replace;
pub(crate) mod semver;
pub(crate) mod sprintf;
pub(crate) mod strings;
pub(crate) mod template;
pub(crate) mod trim;

use super::declaration::{Declaration, builtin};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin("internal.template_string", "[...any]", "string", interpolation::template_string),
    builtin("replace", "string, string, string", "string", replace::replace),
    builtin("strings.replace_n", "{...string: string}, string", "string", replace::replace_n),
    builtin("semver.compare", "string, string", "number", semver::compare),
    builtin("semver.is_valid", "any", "boolean", semver::is_valid),
    builtin("sprintf", "string, [...any]", "string", sprintf::sprintf),
    builtin("concat", "string, <[...string] | set[string]>", "string", strings::concat),
    builtin("indexof", "string, string", "number", strings::index_of),
    builtin("indexof_n", "string, string", "[...number]", strings::index_of_n),
    builtin("lower", "string", "string", |ctx, args| strings::map(ctx, args, strings::to_lower)),
    builtin("upper", "string", "string", |ctx, args| strings::map(ctx, args, strings::to_upper)),
    builtin("split", "string, string", "[...string]", strings::split),
    builtin("strings.count", "string, string", "number", strings::count),
    builtin("strings.split_n", "string, string, number", "[...string]", strings::split_n),
    builtin("strings.reverse", "string", "string", strings::reverse),
    builtin("substring", "string, number, number", "string", strings::substring),
    builtin("strings.render_template", "string, {...string: any}", "string", template::run::render)
        .prepared(template::run::prepare),
    builtin("trim", "string, string", "string", |_, args| {
        trim::both(args, |text, set| text.trim_matches(|c| set.contains(c)))
    }),
    builtin("trim_left", "string, string", "string", |_, args| {
        trim::both(args, |text, set| text.trim_start_matches(|c| set.contains(c)))
    }),
    builtin("trim_right", "string, string", "string", |_, args| {
        trim::both(args, |text, set| text.trim_end_matches(|c| set.contains(c)))
    }),
    builtin("trim_prefix", "string, string", "string", |_, args| {
        trim::both(args, |text, prefix| text.strip_prefix(prefix).unwrap_or(text))
    }),
    builtin("trim_suffix", "string, string", "string", |_, args| {
        trim::both(args, |text, suffix| text.strip_suffix(suffix).unwrap_or(text))
    }),
    builtin("trim_space", "string", "string", trim::trim_space),
    builtin("contains", "string, string", "boolean", |_, args| {
        trim::test(args, |text, part| text.contains(part))
    }),
    builtin("startswith", "string, string", "boolean", |_, args| {
        trim::test(args, |text, part| text.starts_with(part))
    }),
    builtin("endswith", "string, string", "boolean", |_, args| {
        trim::test(args, |text, part| text.ends_with(part))
    }),
    builtin(
        "strings.any_prefix_match",
        "<string | [...string] | set[string]>, <string | [...string] | set[string]>",
        "boolean",
        |_, args| trim::any(args, str::to_owned),
    ),
    // A suffix is a prefix, read backwards.
    builtin(
        "strings.any_suffix_match",
        "<string | [...string] | set[string]>, <string | [...string] | set[string]>",
        "boolean",
        |_, args| trim::any(args, |text| text.chars().rev().collect()),
    ),
];
