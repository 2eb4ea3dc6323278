//! Hints for errors of the parser: what to write instead. The errors themselves are in OPA's words, which name a token; a
//! hint names the construct that was meant.
//!
//! Made only when there is an error, from the tokens around it. A hint that does not fit misleads, so that each asks for
//! what is peculiar to its mistake.
//!
//! Reading order: this file → `place` → `characters`, `operators`, `words` (what other languages have) → `unclosed` → `statements`
//! (packages, imports, rules) → `conditions` (bodies and terms) → `foreign` (whole files).

mod characters;
mod conditions;
mod foreign;
mod operators;
mod place;
mod statements;
mod unclosed;
mod words;

use super::error::Error;
use super::keywords::Keywords;
use super::source::Source;
use super::token::Token;
use place::Place;

pub(super) use foreign::foreign;
pub(crate) use words::constant;
pub(super) use words::leading;

/// What to write instead, if that can be told. `from` is the first token of the statement that the error is in.
pub(super) fn hint(
    source: &Source,
    tokens: &[Token],
    from: usize,
    keywords: Keywords,
    error: &Error,
) -> Option<String> {
    let at = tokens.partition_point(|token| token.span.start < error.span.start);
    let place = Place { source, tokens, keywords, from, at, span: error.span, message: &error.message };
    characters::hint(&place)
        .or_else(|| operators::hint(&place))
        .or_else(|| unclosed::hint(&place))
        .or_else(|| statements::path(&place))
        .or_else(|| words::hint(&place))
        .or_else(|| statements::hint(&place))
        .or_else(|| conditions::hint(&place))
}
