//! Regular expressions, as Go has them.

use std::sync::{Arc, LazyLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use regex::{Regex, RegexBuilder};

use crate::builtins::context::{Context, argument, text};
use crate::builtins::error::Error;
use crate::builtins::operand::{Output, check_count, integer};
use crate::builtins::pattern::glob_intersection;
use crate::builtins::pattern::regex_syntax;
use crate::builtins::text::print::quote;
use crate::value::Value;

type Answer = Result<Option<Value>, Error>;

/// The most memory that a compiled expression may take.
const MAX_COMPILED: usize = 10 << 20;
/// The most memory for what is found out during a search.
const MAX_SEARCH: usize = 2 << 20;
/// States of the expression times bytes of the text: what takes seconds in the worst case.
const MAX_WORK: u64 = 250_000_000;
/// Expressions of fewer states are searched for in texts of any length.
const SMALL: u64 = 500;

/// A compiled expression.
#[derive(Debug)]
pub struct Compiled {
    regex: Regex,
    names: Vec<String>,
    weight: u64,
}

impl Compiled {
    /// Compiles what is in the syntax of the `regex` crate.
    ///
    /// # Errors
    /// When it becomes too large.
    pub fn new(pattern: &str, names: Vec<String>, weight: u64) -> Result<Self, Error> {
        #[cfg(test)]
        tests::COMPILED.with(|count| count.set(count.get() + 1));
        let mut builder = RegexBuilder::new(pattern);
        let regex = builder.size_limit(MAX_COMPILED).dfa_size_limit(MAX_SEARCH).build();
        Ok(Self { regex: regex.map_err(|_| too_large())?, names, weight })
    }

    /// Whether it is found in a text.
    ///
    /// # Errors
    /// When the search could take too long.
    pub fn is_match(&self, text: &str) -> Result<bool, Error> {
        Ok(self.against(text)?.is_match(text))
    }

    fn against(&self, text: &str) -> Result<&Regex, Error> {
        check_weight(self.weight, text)?;
        Ok(&self.regex)
    }
}

/// Whether an expression of this weight may be searched for in a text. Asked before it is compiled, too.
///
/// # Errors
/// When the search could take too long.
pub fn check_weight(weight: u64, text: &str) -> Result<(), Error> {
    if weight > SMALL && weight.saturating_mul(text.len() as u64) > MAX_WORK {
        return Err(Error::failed("the expression is too large for a text of this length"));
    }
    Ok(())
}

/// Keeps compiled patterns, for all evaluations: about 256 small ones, or fewer large ones.
pub struct Compilations(Cache<String, Arc<Compiled>, ByWeight>);

#[derive(Clone)]
struct ByWeight;

impl Weighter<String, Arc<Compiled>> for ByWeight {
    fn weight(&self, key: &String, compiled: &Arc<Compiled>) -> u64 {
        compiled.weight.max(key.len() as u64).max(1024)
    }
}

impl Default for Compilations {
    fn default() -> Self {
        Self(Cache::with_weighter(256, 256 * 1024, ByWeight))
    }
}

impl Compilations {
    /// What is kept under a key, or else is made now.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn get(
        &self,
        key: &str,
        make: impl FnOnce() -> Result<Compiled, Error>,
    ) -> Result<Arc<Compiled>, Error> {
        if let Some(compiled) = self.0.get(key) {
            return Ok(compiled);
        }
        let compiled = Arc::new(make()?);
        self.0.insert(key.to_owned(), Arc::clone(&compiled));
        Ok(compiled)
    }
}

static COMPILED: LazyLock<Compilations> = LazyLock::new(Compilations::default);

fn too_large() -> Error {
    Error::failed("error parsing regexp: expression too large")
}

/// The compiled expression, to be searched for in a text. What would take long is refused before it is compiled, which
/// may take long itself.
fn compile(expression: &str, input: &str) -> Result<Arc<Compiled>, Error> {
    COMPILED.get(expression, || {
        let translated = regex_syntax::translate(expression).map_err(Error::failed)?;
        if translated.bytes > MAX_COMPILED as u64 {
            return Err(too_large());
        }
        check_weight(translated.weight, input)?;
        Compiled::new(&translated.pattern, translated.names, translated.weight)
    })
}

pub fn is_match(_: &mut Context, args: &[Value]) -> Answer {
    let (expression, input) = (text(args, 1)?, text(args, 2)?);
    Ok(Some(compile(expression, input)?.is_match(input)?.into()))
}

/// A value that is no text is no expression either.
pub fn is_valid(_: &mut Context, args: &[Value]) -> Answer {
    let valid =
        argument(args, 1)?.as_str().is_some_and(|expression| regex_syntax::translate(expression).is_ok());
    Ok(Some(valid.into()))
}

/// How many matches are wanted: a negative number is for all.
fn limit(args: &[Value], position: usize) -> Result<usize, Error> {
    Ok(usize::try_from(integer(args, position)?).unwrap_or(usize::MAX))
}

pub fn find_n(ctx: &mut Context, args: &[Value]) -> Answer {
    let (expression, input, limit) = (text(args, 1)?, text(args, 2)?, limit(args, 3)?);
    let compiled = compile(expression, input)?;
    let mut found = Vec::new();
    for one in compiled.against(input)?.find_iter(input).take(limit) {
        ctx.check_deadline()?;
        found.push(one.as_str().into());
        check_count(ctx, found.len())?;
    }
    Ok(Some(found.into()))
}

pub fn find_groups(ctx: &mut Context, args: &[Value]) -> Answer {
    let (expression, input, limit) = (text(args, 1)?, text(args, 2)?, limit(args, 3)?);
    let compiled = compile(expression, input)?;
    let mut found = Vec::new();
    for groups in compiled.against(input)?.captures_iter(input).take(limit) {
        ctx.check_deadline()?;
        let groups = groups.iter().map(|group| group.map_or("", |group| group.as_str()).into());
        found.push(groups.collect::<Vec<Value>>().into());
        check_count(ctx, found.len().saturating_mul(compiled.names.len()))?;
    }
    Ok(Some(found.into()))
}

pub fn split(ctx: &mut Context, args: &[Value]) -> Answer {
    let (expression, input) = (text(args, 1)?, text(args, 2)?);
    let compiled = compile(expression, input)?;
    if input.is_empty() && !expression.is_empty() {
        return Ok(Some(vec![Value::from("")].into()));
    }
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for separator in compiled.against(input)?.find_iter(input) {
        ctx.check_deadline()?;
        end = separator.start();
        // An empty separator at the beginning separates nothing.
        if separator.end() != 0 {
            parts.push(input.get(start..end).unwrap_or_default().into());
        }
        start = separator.end();
        check_count(ctx, parts.len())?;
    }
    if end != input.len() {
        parts.push(input.get(start..).unwrap_or_default().into());
    }
    Ok(Some(parts.into()))
}

pub fn replace(ctx: &mut Context, args: &[Value]) -> Answer {
    let (input, expression, replacement) = (text(args, 1)?, text(args, 2)?, text(args, 3)?);
    let compiled = compile(expression, input)?;
    let pieces = pieces(replacement, &compiled.names);
    let mut out = Output::new(ctx);
    let mut copied = 0;
    for groups in compiled.against(input)?.captures_iter(input) {
        ctx.check_deadline()?;
        let Some(whole) = groups.get(0) else { continue };
        out.push(input.get(copied..whole.start()).unwrap_or_default())?;
        copied = whole.end();
        for piece in &pieces {
            match piece {
                Piece::Text(text) => out.push(text)?,
                Piece::Group(group) => out.push(groups.get(*group).map_or("", |group| group.as_str()))?,
                // Of several groups with one name the first that took part.
                Piece::Name(name) => {
                    let mut named = compiled.names.iter().enumerate().filter(|(_, there)| there == name);
                    let found = named.find_map(|(at, _)| groups.get(at));
                    out.push(found.map_or("", |group| group.as_str()))?;
                }
            }
        }
    }
    out.push(input.get(copied..).unwrap_or_default())?;
    Ok(Some(out.finish().into()))
}

/// A part of a replacement.
enum Piece<'a> {
    Text(&'a str),
    Group(usize),
    Name(&'a str),
}

/// Takes `$1`, `${1}`, `$name`, `${name}` and `$$` apart; other dollars are text.
fn pieces<'a>(mut rest: &'a str, names: &[String]) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    while let Some((before, after)) = rest.split_once('$') {
        pieces.push(Piece::Text(before));
        if let Some(after) = after.strip_prefix('$') {
            pieces.push(Piece::Text("$"));
            rest = after;
            continue;
        }
        let (braced, inside) = after.strip_prefix('{').map_or((false, after), |inside| (true, inside));
        let end = inside.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(inside.len());
        let (name, behind) = inside.split_at_checked(end).unwrap_or((inside, ""));
        let behind = if braced { behind.strip_prefix('}') } else { Some(behind) };
        match behind {
            Some(behind) if !name.is_empty() => {
                let leading_zero = name.len() > 1 && name.starts_with('0');
                let number = name.parse().ok().filter(|_| !leading_zero && name.len() < 9);
                pieces.push(match number {
                    Some(group) if name.bytes().all(|b| b.is_ascii_digit()) => Piece::Group(group),
                    _ if names.iter().any(|there| there == name) => Piece::Name(name),
                    _ => Piece::Text(""),
                });
                rest = behind;
            }
            _ => {
                pieces.push(Piece::Text("$"));
                rest = after;
            }
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// A text with expressions between delimiters, which must match the whole.
pub fn template_match(_: &mut Context, args: &[Value]) -> Answer {
    let (template, input) = (text(args, 1)?, text(args, 2)?);
    let (start, end) = (text(args, 3)?, text(args, 4)?);
    let fault = |which| {
        let length = start.len();
        Error::failed(format!("{which} delimiter has to be exactly one character long but is {length} long"))
    };
    let &[start] = start.as_bytes() else { return Err(fault("start")) };
    let &[end] = end.as_bytes() else { return Err(fault("end")) };
    let expression = template_expression(template, start, end)?;
    Ok(Some(compile(&expression, input)?.is_match(input)?.into()))
}

fn template_expression(template: &str, start: u8, end: u8) -> Result<String, Error> {
    let unbalanced = || Error::failed(format!("unbalanced braces in {}", quote(template)));
    let mut out = String::from("^");
    let (mut level, mut from, mut opened) = (0_usize, 0, 0);
    let literal = |out: &mut String, text: &str| {
        for c in text.chars() {
            if c.is_ascii_punctuation() && c != '_' {
                out.push('\\');
            }
            out.push(c);
        }
    };
    for (at, byte) in template.bytes().enumerate() {
        if byte == start {
            level += 1;
            if level == 1 {
                opened = at;
            }
        } else if byte == end {
            level = level.checked_sub(1).ok_or_else(unbalanced)?;
            if level == 0 {
                let inside = template.get(opened + 1..at).unwrap_or_default();
                // Each must be an expression on its own.
                compile(&format!("^{inside}$"), "")?;
                literal(&mut out, template.get(from..opened).unwrap_or_default());
                out.push('(');
                out.push_str(inside);
                out.push(')');
                from = at + 1;
            }
        }
    }
    if level != 0 {
        return Err(unbalanced());
    }
    literal(&mut out, template.get(from..).unwrap_or_default());
    out.push('$');
    Ok(out)
}

pub fn globs_match(ctx: &mut Context, args: &[Value]) -> Answer {
    let (first, second) = (text(args, 1)?, text(args, 2)?);
    glob_intersection::intersect(ctx, first, second).map(|answer| Some(answer.into()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    use super::*;

    thread_local! {
        /// How many expressions this thread has compiled.
        pub(super) static COMPILED: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn what_is_too_heavy_is_refused_before_it_is_compiled() {
        let long = "a".repeat(1 << 20);
        let count = || COMPILED.with(Cell::get);
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
            let mut context = Context::new(0, Instant::now() + Duration::from_secs(60), 1 << 20);
            let args = [Value::from(expression), Value::from(input)];
            let got = is_match(&mut context, &args).err().map(|error| error.message);
            match (&got, want) {
                (None, None) => assert_eq!(count(), before + 1, "{expression}"),
                (Some(got), Some(want)) if got.contains(want) => assert_eq!(count(), before, "{expression}"),
                _ => panic!("{expression}: {got:?}"),
            }
        }
    }
}
