//! Compiled regular expressions, and those that are kept.

use std::sync::{Arc, LazyLock, OnceLock};

use regex::{Regex, RegexBuilder};

use crate::builtins::error::Error;
use crate::builtins::kept::{Bytes, Kept};
use crate::builtins::pattern::regex_syntax::{self, Translated};

/// The most memory that a compiled expression may take.
const MAX_COMPILED: usize = 10 << 20;
/// The most memory for what is found out during a search.
const MAX_SEARCH: usize = 2 << 20;
/// States of the expression times bytes of the text: what takes seconds in the worst case.
const MAX_WORK: u64 = 250_000_000;
/// Expressions of fewer states are searched for in texts of any length.
const SMALL: u64 = 500;
/// Expressions of more states are not compiled before there is a text to search.
const MAX_PREPARED: u64 = 10_000;

/// A compiled expression.
#[derive(Debug)]
pub struct Compiled {
    regex: Regex,
    /// The names of its groups, empty for none; the first is the whole match.
    pub names: Vec<String>,
    weight: u64,
    bytes: u64,
}

impl Compiled {
    fn new(translated: Translated) -> Result<Self, Error> {
        #[cfg(test)]
        tests::COMPILED.with(|count| count.set(count.get() + 1));
        let mut builder = RegexBuilder::new(&translated.pattern);
        let regex = builder.size_limit(MAX_COMPILED).dfa_size_limit(MAX_SEARCH).build();
        let Translated { names, weight, bytes, .. } = translated;
        Ok(Self { regex: regex.map_err(|_| too_large())?, names, weight, bytes })
    }

    /// Whether it is found in a text.
    ///
    /// # Errors
    /// When the search could take too long.
    pub fn is_match(&self, text: &str) -> Result<bool, Error> {
        Ok(self.against(text)?.is_match(text))
    }

    /// What searches a text.
    ///
    /// # Errors
    /// When the search could take too long.
    pub fn against(&self, text: &str) -> Result<&Regex, Error> {
        check_weight(self.weight, text)?;
        Ok(&self.regex)
    }
}

impl Bytes for Compiled {
    fn bytes(&self) -> u64 {
        // An estimate: what the least expression takes, and twice the compiled size for more.
        16_384 + 2 * self.bytes
    }
}

/// Whether an expression of this weight may be searched for in a text. Asked before it is compiled, too.
fn check_weight(weight: u64, text: &str) -> Result<(), Error> {
    if weight > SMALL && weight.saturating_mul(text.len() as u64) > MAX_WORK {
        return Err(Error::failed("the expression is too large for a text of this length"));
    }
    Ok(())
}

/// Some thousands of small ones; those that are constants stay with the policy, too.
static COMPILED: LazyLock<Kept<String, Compiled>> = LazyLock::new(|| Kept::within(64 << 20, 4096));

fn too_large() -> Error {
    Error::failed("error parsing regexp: expression too large")
}

fn translate(expression: &str) -> Result<Translated, Error> {
    let translated = regex_syntax::translate(expression).map_err(Error::failed)?;
    if translated.bytes > MAX_COMPILED as u64 { Err(too_large()) } else { Ok(translated) }
}

/// The compiled expression, to be searched for in a text. What would take long is refused before it is compiled, which
/// may take long itself.
///
/// # Errors
/// When it is none, or too large.
pub fn compile(expression: &str, input: &str) -> Result<Arc<Compiled>, Error> {
    COMPILED.get(expression, || {
        let translated = translate(expression)?;
        check_weight(translated.weight, input)?;
        Compiled::new(translated)
    })
}

/// From how many kept expressions on those of a policy are compiled when they are first asked for, and not at load, which
/// should not take long for what may never be asked for.
const AT_LOAD: usize = 256;

/// A constant expression: compiled once, at load or when it is first asked for.
pub struct Ready {
    expression: String,
    compiled: OnceLock<Arc<Compiled>>,
}

impl Ready {
    /// Of an expression; `None` where it is none.
    pub fn of(expression: &str) -> Option<Self> {
        translate(expression).ok()?;
        let ready = Self { expression: expression.to_owned(), compiled: OnceLock::new() };
        if COMPILED.len() < AT_LOAD
            && let Ok(compiled) = prepare(expression)
        {
            ready.compiled.get_or_init(|| compiled);
        }
        Some(ready)
    }

    /// The compiled expression, to be searched for in a text.
    ///
    /// # Errors
    /// When it is too large.
    pub fn get(&self, input: &str) -> Result<&Compiled, Error> {
        if let Some(compiled) = self.compiled.get() {
            return Ok(compiled);
        }
        let compiled = compile(&self.expression, input)?;
        Ok(self.compiled.get_or_init(|| compiled))
    }
}

/// The compiled expression, before there is a text.
///
/// # Errors
/// When it is none, or so large that it should not be compiled for nothing.
pub fn prepare(expression: &str) -> Result<Arc<Compiled>, Error> {
    COMPILED.get(expression, || {
        let translated = translate(expression)?;
        if translated.weight > MAX_PREPARED { Err(too_large()) } else { Compiled::new(translated) }
    })
}

#[cfg(test)]
pub mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// How many expressions this thread has compiled.
        pub(super) static COMPILED: Cell<usize> = const { Cell::new(0) };
    }

    pub fn count() -> usize {
        COMPILED.with(Cell::get)
    }

    #[test]
    fn what_is_too_heavy_is_refused_before_it_is_compiled() {
        let long = "a".repeat(1 << 20);
        for (expression, input, want) in [
            (r"\pL{1000}", "a", Some("expression too large")),
            (r"(\p{Lu}|\PL){900}", "a", Some("expression too large")),
            (
                r".{1000}.{1000}.{1000}.{1000}.{1000}.{1000}.{1000}.{1000}.{1000}.{1000}.{1000}.{1000}",
                "a",
                Some("expression too large"),
            ),
            ("(a|b){900}x{7}", &long, Some("too large for a text of this length")),
            ("(a|b){900}x{7}", "a", None),
            (r"\pL{200}x", "a", None),
            ("(.{100}){10}x", "a", None),
            (r"[\pL\PL]{1000}", "a", None),
            (r"[\pL\W]{1000}", "a", None),
        ] {
            let before = count();
            let got = compile(expression, input).err().map(|error| error.message);
            match (&got, want) {
                (None, None) => assert_eq!(count(), before + 1, "{expression}"),
                (Some(got), Some(want)) if got.contains(want) => assert_eq!(count(), before, "{expression}"),
                _ => panic!("{expression}: {got:?}"),
            }
        }
    }
}
