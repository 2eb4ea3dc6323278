//! `regex.globs_match`: whether two patterns have a text in common.
//!
//! The patterns are characters, `.`, and sets such as `[a-z]`, each perhaps followed by `*` or `+`. The answers are those
//! of the library that OPA uses, which are not always the mathematical ones: a part that may be repeated takes one part
//! of the other pattern after the other, repeated or not, and never none at all of a repeated one.

use std::collections::HashSet;

use crate::builtins::context::Context;
use crate::builtins::error::Error;

/// The most parts that both patterns may have together.
const MAX_PARTS: usize = 2000;

/// Whether there is a text that both patterns match.
///
/// # Errors
/// When one is no pattern, or they are too long.
pub fn intersect(ctx: &Context, first: &str, second: &str) -> Result<bool, Error> {
    let (first, second) = (parse(first)?, parse(second)?);
    if first.len() + second.len() > MAX_PARTS {
        return Err(Error::failed("the patterns are too long"));
    }
    let Some((first, second)) = trim(&first, &second) else { return Ok(false) };
    Search { ctx, failed: HashSet::new() }.both(first, second)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Character(char),
    Any,
    /// Ranges in order, with gaps between them.
    Set(Vec<(u32, u32)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    No,
    /// `*`
    Star,
    /// `+`
    Plus,
}

#[derive(Debug, Clone)]
struct Part {
    kind: Kind,
    repeat: Repeat,
}

impl Part {
    fn meets(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Any, _) | (_, Kind::Any) => true,
            (Kind::Character(a), Kind::Character(b)) => a == b,
            (Kind::Character(c), Kind::Set(set)) | (Kind::Set(set), Kind::Character(c)) => {
                let c = u32::from(*c);
                set.iter().any(|(low, high)| (*low..=*high).contains(&c))
            }
            (Kind::Set(a), Kind::Set(b)) => {
                // The first range of one that ends behind the beginning of a range of the other decides.
                a.iter().any(|(low, high)| {
                    let at = b.partition_point(|(_, end)| end < low);
                    b.get(at).is_some_and(|(start, _)| start <= high)
                })
            }
        }
    }
}

/// Reads a pattern, and joins repetitions of the same that follow one another.
fn parse(input: &str) -> Result<Vec<Part>, Error> {
    let characters: Vec<char> = input.chars().collect();
    let mut reader = Reader { input, characters: &characters, at: 0 };
    let mut parts: Vec<Part> = Vec::new();
    while let Some((c, escaped)) = reader.next()? {
        let kind = match c {
            _ if escaped => Kind::Character(c),
            '.' => Kind::Any,
            '[' => reader.set()?,
            ']' => return Err(reader.fault("set-close ']' with no preceding '['")),
            '*' | '+' => return Err(reader.fault(&format!("flag '{c}' must be preceded by a non-flag"))),
            c => Kind::Character(c),
        };
        let repeat = match characters.get(reader.at) {
            Some('*') => Repeat::Star,
            Some('+') => Repeat::Plus,
            _ => Repeat::No,
        };
        if repeat != Repeat::No {
            reader.at += 1;
        }
        match parts.last_mut() {
            Some(last) if repeat != Repeat::No && last.repeat != Repeat::No && last.kind == kind => {
                if repeat == Repeat::Plus {
                    last.repeat = repeat;
                }
            }
            _ => parts.push(Part { kind, repeat }),
        }
    }
    Ok(parts)
}

struct Reader<'a> {
    input: &'a str,
    characters: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn fault(&self, what: &str) -> Error {
        let (input, at) = (self.input, self.at);
        Error::failed(format!("input:{input}, pos:{at}, {what}: the input provided is invalid"))
    }

    /// The next character, and whether it is escaped.
    fn next(&mut self) -> Result<Option<(char, bool)>, Error> {
        match self.characters.get(self.at..).unwrap_or_default() {
            [] => Ok(None),
            ['\\'] => Err(self.fault("input ends with a \\ (escape) character")),
            ['\\', c, ..] => {
                self.at += 2;
                Ok(Some((*c, true)))
            }
            [c, ..] => {
                self.at += 1;
                Ok(Some((*c, false)))
            }
        }
    }

    /// What is behind an opening bracket.
    fn set(&mut self) -> Result<Kind, Error> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut previous = None;
        loop {
            let Some((c, escaped)) = self.next()? else {
                return Err(self.fault("found [ without matching ]"));
            };
            match c {
                ']' if !escaped => break,
                '-' if !escaped => {
                    let Some(low) = previous.take() else {
                        return Err(self.fault("range character '-' must be preceded by a Unicode character"));
                    };
                    let next = if self.at + 1 < self.characters.len() { self.next()? } else { None };
                    let Some((high, escaped)) = next else {
                        return Err(self.fault("range character '-' must be followed by a Unicode character"));
                    };
                    if !escaped && matches!(high, ']' | '-') {
                        return Err(self.fault("range character '-' cannot be followed by a special symbol"));
                    }
                    if high < low {
                        let what = format!("range is out of order: '{high}' comes before '{low}' in Unicode");
                        return Err(self.fault(&what));
                    }
                    ranges.push((u32::from(low), u32::from(high)));
                }
                c => {
                    ranges.push((u32::from(c), u32::from(c)));
                    previous = Some(c);
                }
            }
        }
        ranges.sort_unstable();
        ranges.dedup_by(|next, last| {
            let touches = next.0 <= last.1.saturating_add(1);
            if touches {
                last.1 = last.1.max(next.1);
            }
            touches
        });
        Ok(Kind::Set(ranges))
    }
}

/// Cuts off what is not repeated at both ends, except one part each; `None` where that already differs.
fn trim<'a>(first: &'a [Part], second: &'a [Part]) -> Option<(&'a [Part], &'a [Part])> {
    let both_single = |(a, b): &(&Part, &Part)| a.repeat == Repeat::No && b.repeat == Repeat::No;
    let mut same = 0;
    for (a, b) in first.iter().zip(second).take_while(both_single) {
        if !a.meets(b) {
            return None;
        }
        same += 1;
    }
    let start = if same > 0 { same - 1 } else { 0 };
    let (first, second) = (first.get(start..)?, second.get(start..)?);
    let mut same = 0;
    for (a, b) in first.iter().rev().zip(second.iter().rev()).take_while(both_single) {
        if !a.meets(b) {
            return None;
        }
        same += 1;
    }
    let end = if same > 0 { same - 1 } else { 0 };
    Some((first.get(..first.len() - end)?, second.get(..second.len() - end)?))
}

/// Remembers from where there is no way on, so that no place is looked at twice.
struct Search<'a> {
    ctx: &'a Context,
    /// By how many parts are left of either pattern; their addresses tell the patterns apart.
    failed: HashSet<(*const Part, *const Part, usize, usize)>,
}

impl Search<'_> {
    fn both(&mut self, mut one: &[Part], mut other: &[Part]) -> Result<bool, Error> {
        loop {
            match (one.split_first(), other.split_first()) {
                (None, None) => return Ok(true),
                (None, _) | (_, None) => return Ok(false),
                (Some((a, rest)), Some((b, other_rest))) => {
                    if a.repeat != Repeat::No {
                        return self.repeated(one, other);
                    }
                    if b.repeat != Repeat::No {
                        return self.repeated(other, one);
                    }
                    if !a.meets(b) {
                        return Ok(false);
                    }
                    (one, other) = (rest, other_rest);
                }
            }
        }
    }

    /// The first part of `starred` is repeated and takes what it can of the other, until the rest of both fits.
    fn repeated(&mut self, starred: &[Part], other: &[Part]) -> Result<bool, Error> {
        let key = (starred.as_ptr(), other.as_ptr(), starred.len(), other.len());
        if self.failed.contains(&key) {
            return Ok(false);
        }
        self.ctx.check_deadline()?;
        let answer = self.take(starred, other)?;
        if !answer {
            self.failed.insert(key);
        }
        Ok(answer)
    }

    fn take(&mut self, starred: &[Part], mut other: &[Part]) -> Result<bool, Error> {
        let Some((star, rest)) = starred.split_first() else { return Ok(false) };
        if star.repeat == Repeat::Plus {
            match other.split_first() {
                Some((first, behind)) if star.meets(first) => other = behind,
                _ => return Ok(false),
            }
        }
        while let Some((part, behind)) = other.split_first() {
            let fits = rest.first().is_some_and(|next| next.meets(part));
            if fits && self.both(rest, other)? {
                return Ok(true);
            }
            if !part.meets(star) {
                return Ok(false);
            }
            other = behind;
        }
        Ok(rest.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let later = std::time::Instant::now() + std::time::Duration::from_secs(9);
        let ctx = Context::new(0, later, 1000);
        for (first, second, want) in [
            ("abc", "a.c", true),
            ("abc", "ab", false),
            ("a+b", "aaab", true),
            ("[a-c]x*", "bxx", true),
            ("[a-c]x*", "dxx", false),
            (r"a\.b", "a.b", true),
            ("a.*z", ".*q.*z", true),
            ("[a-c]", "[c-e]", true),
            ("[a-c]", "[d-e]", false),
            ("", "", true),
        ] {
            assert_eq!(intersect(&ctx, first, second), Ok(want), "{first} {second}");
        }
        for fault in ["[a", "*", "[b-a]", "a\\", "[-a]", "a]"] {
            assert!(intersect(&ctx, fault, "a").is_err(), "{fault}");
        }
        // Without memory this would take for ever.
        let stars = "a*b*".repeat(200);
        assert_eq!(intersect(&ctx, &format!("{stars}c"), &format!("{stars}d")), Ok(false));
    }
}
