//! The families of built-ins that need nothing but values.

use super::template_run;

use super::call::Function;
use super::{
    aggregates, arithmetic, arrays, bits, glob, json_patch, json_paths, numbers, objects, regex, replace,
    sets, sprintf, strings, trim, types,
};

/// All functions of these families, by name.
pub fn functions() -> impl Iterator<Item = (&'static str, Function)> {
    [
        aggregates::FUNCTIONS,
        arithmetic::FUNCTIONS,
        arrays::FUNCTIONS,
        bits::FUNCTIONS,
        glob::FUNCTIONS,
        json_patch::FUNCTIONS,
        json_paths::FUNCTIONS,
        numbers::FUNCTIONS,
        objects::FUNCTIONS,
        regex::FUNCTIONS,
        replace::FUNCTIONS,
        sets::FUNCTIONS,
        sprintf::FUNCTIONS,
        strings::FUNCTIONS,
        template_run::FUNCTIONS,
        trim::FUNCTIONS,
        types::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
