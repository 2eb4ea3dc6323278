//! Text: strings, formatting, templates and versions.

pub(crate) mod interpolation;
pub(crate) mod print;
pub(crate) mod replace;
pub(crate) mod semver;
pub(crate) mod sprintf;
pub(crate) mod strings;
pub(crate) mod template;
pub(crate) mod trim;

use super::context::Function;

/// The functions of this family, by file.
pub const FUNCTIONS: &[&[(&str, Function)]] = &[
    interpolation::FUNCTIONS,
    replace::FUNCTIONS,
    semver::FUNCTIONS,
    sprintf::FUNCTIONS,
    strings::FUNCTIONS,
    template::run::FUNCTIONS,
    trim::FUNCTIONS,
];
