//! The layout of `opa fmt`: from a module to its text, with every comment.
//!
//! INVARIANT (same meaning): a text that does not parse again, lost a comment or says something else is no result but an
//! error ([`Refused`]).
//! INVARIANT (stable): the layout of a layout is itself. Where one pass leaves something that another would change, as
//! OPA's does at times, passes go on until none changes anything.
//!
//! The layout follows the lines of the source: what was on one line stays so, what was on several goes on several.
//! Reading order: `writer` (text and comments) → `module` → `rule` → `expr`, `logical` → `term`; `same` compares.

mod expr;
mod logical;
#[cfg(test)]
mod logical_tests;
mod module;
mod names;
mod options;
mod rule;
mod same;
mod term;
#[cfg(test)]
mod tests;
mod writer;

use self::options::Odd;
pub use self::options::{Options, Target};
use super::ast::{Module, Version};
use super::error::Error;
use super::parser::{self, parse_module};
use super::source::Source;
use crate::diagnostic::{Diagnostic, SHOWN, listed};

/// How often a layout is laid out again, until it stays as it is.
const MOST_PASSES: usize = 6;

/// Why there is no layout of a module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The target has no way to say it; the errors show the text that was tried.
    #[error("the layout would not be valid Rego:\n{0}")]
    Invalid(String),
    /// A comment would be lost.
    #[error("the layout would lose a comment: `{0}`; move it to a line of its own")]
    Comment(String),
    /// The text would say something else.
    #[error("the layout would change what `{0}` says; write it more simply")]
    Meaning(String),
    /// Passes change the text for ever.
    #[error("no layout stays as it is; move comments to lines of their own")]
    Unstable,
}

/// The layout of a module.
///
/// # Errors
/// Where none says the same with the same comments.
pub fn format(module: &Module, options: Options) -> Result<String, Refused> {
    let first = checked(module, options, Odd::Copy);
    first.or_else(|error| {
        // Comments in odd places.
        checked(module, options, Odd::Hoist)
            .or_else(|_| checked(module, options, Odd::CopyAll))
            .map_err(|_| error)
    })
}

/// The layout of a module as the first pass makes it, right or not.
pub fn format_unchecked(module: &Module, options: Options) -> String {
    module::module(module, options, Odd::Copy)
}

fn checked(module: &Module, options: Options, odd: Odd) -> Result<String, Refused> {
    let mut text = module::module(module, options, odd);
    for _ in 0..MOST_PASSES {
        let again = read(&text, options)?;
        compare(module, &again)?;
        let next = module::module(&again, options, odd);
        if next == text {
            return Ok(text);
        }
        text = next;
    }
    Err(Refused::Unstable)
}

/// What keeps a text from being read, for a person.
pub fn excerpts(source: &Source, errors: Vec<Error>) -> String {
    let diagnostics: Vec<Diagnostic> =
        errors.into_iter().map(|error| Diagnostic::of_syntax(source, error)).collect();
    listed(&diagnostics, SHOWN)
}

fn read(text: &str, options: Options) -> Result<Module, Refused> {
    let version = if options.target == Target::V1 { Version::V1 } else { Version::V0 };
    let source = Source::new("formatted", text);
    parse_module(&source, version, parser::Options::default())
        .map_err(|errors| Refused::Invalid(excerpts(&source, errors)))
}

/// Whether the second module, laid out from the first, has all that the first has.
fn compare(before: &Module, after: &Module) -> Result<(), Refused> {
    let comments = |module: &Module| -> Vec<String> {
        let of = |comment: &super::ast::Comment| module.source.slice(comment.span).trim_end().to_owned();
        let mut all: Vec<String> = module.comments.iter().map(of).collect();
        all.sort();
        all
    };
    let (wanted, got) = (comments(before), comments(after));
    if wanted != got {
        let mut left = got.iter().peekable();
        let lost = wanted.iter().find(|comment| {
            while left.next_if(|got| got < comment).is_some() {}
            left.next_if_eq(comment).is_none()
        });
        return Err(Refused::Comment(lost.or(got.first()).cloned().unwrap_or_default()));
    }
    let (wanted, got) = (same::module_shape(before), same::module_shape(after));
    if wanted != got {
        let differs = wanted.lines().zip(got.lines()).find(|(wanted, got)| wanted != got);
        let line = differs.map_or(wanted.as_str(), |(wanted, _)| wanted);
        return Err(Refused::Meaning(line.chars().take(200).collect()));
    }
    Ok(())
}
