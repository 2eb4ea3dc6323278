//! Globs: `*`, `**`, `?`, `[abc]`, `[!a-c]`, `{a,b}`.

use std::sync::LazyLock;

use crate::builtins::context::{Context, argument, text};
use crate::builtins::error::Error;
use crate::builtins::operand::{element, one_of, too_large};
use crate::builtins::pattern::regex::{Compilations, Compiled, check_weight};
use crate::value::Value;

static COMPILED: LazyLock<Compilations> = LazyLock::new(Compilations::default);

pub fn is_match(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let pattern = text(args, 1)?;
    let delimiters = delimiters(args)?;
    let input = text(args, 3)?;
    // No delimiter is longer than a character, so where the key ends they are told apart from the pattern by their
    // number.
    let key =
        format!("{}{delimiters}{pattern}", char::from_u32(delimiters.chars().count() as u32).unwrap_or('\0'));
    let compiled = COMPILED.get(&key, || {
        let translated = translate(pattern, &delimiters).map_err(Error::failed)?;
        // A star costs more than its length.
        let weight = 4 * translated.len() as u64;
        check_weight(weight, input)?;
        Compiled::new(&translated, Vec::new(), weight)
    })?;
    Ok(Some(compiled.is_match(input)?.into()))
}

fn delimiters(args: &[Value]) -> Result<String, Error> {
    let operand = argument(args, 2)?;
    let items = match operand {
        Value::Null => return Ok(String::new()),
        Value::Array(items) if items.is_empty() => return Ok(".".to_owned()),
        Value::Array(items) => items,
        other => return Err(one_of(2, "array, null", other)),
    };
    let mut delimiters = String::new();
    for item in items.iter() {
        let text = item.as_str().ok_or_else(|| element(2, operand, "string", item))?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(c), None) if !delimiters.contains(c) => delimiters.push(c),
            (Some(_), None) => (),
            _ => return Err(element(2, operand, "rune", item)),
        }
    }
    Ok(delimiters)
}

pub fn quote_meta(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let pattern = text(args, 1)?;
    if pattern.len().saturating_mul(2) > ctx.max_bytes {
        return Err(too_large(ctx));
    }
    let mut quoted = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        if matches!(c, '*' | '?' | '\\' | '[' | ']' | '{' | '}') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    Ok(Some(quoted.into()))
}

/// The regular expression for a glob. Braces that are not closed are closed at the end; a backslash at the end is
/// nothing; a zero character ends the pattern: all as in the library that OPA uses.
fn translate(pattern: &str, delimiters: &str) -> Result<String, String> {
    let pattern = pattern.split('\0').next().unwrap_or_default();
    let not_delimiter = if delimiters.is_empty() {
        ".".to_owned()
    } else {
        let escaped: String = delimiters.chars().map(escape).collect();
        format!("[^{escaped}]")
    };
    let mut out = String::from(r"(?s)\A(?:");
    let mut level = 0_usize;
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            // Several in a row are as good as one.
            '*' if rest.next_if_eq(&'*').is_some() => {
                if !out.ends_with(ANYTHING) {
                    out.push_str(ANYTHING);
                }
            }
            '*' => {
                out.push_str(&not_delimiter);
                out.push('*');
            }
            '?' => out.push_str(&not_delimiter),
            '[' => class(&mut rest, &mut out)?,
            '{' => {
                level += 1;
                out.push_str("(?:");
            }
            '}' if level > 0 => {
                level -= 1;
                out.push(')');
            }
            ',' if level > 0 => out.push('|'),
            '\\' => out.extend(rest.next().map(escape)),
            c => out.push_str(&escape(c)),
        }
    }
    out.extend(std::iter::repeat_n(')', level));
    out.push_str(r")\z");
    Ok(out)
}

/// What `**` becomes.
const ANYTHING: &str = ".*";

fn escape(c: char) -> String {
    if c.is_ascii_alphanumeric() || !c.is_ascii() {
        c.to_string()
    } else {
        format!("\\x{{{:x}}}", u32::from(c))
    }
}

/// A class is either one range or a list of characters, in which only the closing bracket is special.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) -> Result<(), String> {
    let end = || "unexpected end of input".to_owned();
    let negative = rest.next_if_eq(&'!').is_some();
    out.push_str(if negative { "[^" } else { "[" });
    let mut ahead = rest.clone();
    let first = ahead.next().ok_or_else(end)?;
    if ahead.next() == Some('-') {
        let last = ahead.next().ok_or_else(end)?;
        if last < first {
            return Err(format!("hi character '{last}' should be greater than lo '{first}'"));
        }
        match ahead.next() {
            Some(']') => (),
            Some(_) => return Err("expected close range character".to_owned()),
            None => return Err(end()),
        }
        out.push_str(&format!("{}-{}]", escape(first), escape(last)));
        *rest = ahead;
        return Ok(());
    }
    let mut empty = true;
    loop {
        let c = match rest.next().ok_or_else(end)? {
            ']' => break,
            '\\' => rest.next().ok_or_else(end)?,
            c => c,
        };
        empty = false;
        out.push_str(&escape(c));
    }
    if empty {
        return Err("could not parse range".to_owned());
    }
    out.push(']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        // Pattern, delimiters, text, whether it matches.
        for (pattern, delimiters, text, want) in [
            ("a*c", "/", "abbc", true),
            ("a*c", "/", "ab/c", false),
            ("a**c", "/", "ab/c", true),
            ("a?c", "", "a\nc", true),
            ("{a,b{c,}}x", ".", "bx", true),
            ("{a,b{c,}}x", ".", "bcx", true),
            ("{a,b", ".", "b", true),
            ("a,b}", ".", "a,b}", true),
            ("[!a-c]", ".", ".", true),
            ("[a^]", ".", "^", true),
            (r"[\]]", ".", "]", true),
            (r"\*\", ".", "*", true),
            ("*.*", ".:", "a:b", false),
            ("", ".", "", true),
        ] {
            let compiled = Compiled::new(&translate(pattern, delimiters).unwrap(), Vec::new(), 0).unwrap();
            assert_eq!(compiled.is_match(text).unwrap(), want, "{pattern} {text}");
        }
        for pattern in ["[", "[]", "[c-a]", "[a-cd]", "[a"] {
            assert!(translate(pattern, ".").is_err(), "{pattern}");
        }
    }
}
