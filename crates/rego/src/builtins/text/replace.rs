//! Replacement of substrings.

use crate::builtins::context::{Context, object, text};
use crate::builtins::error::Error;
use crate::builtins::operand::{too_large, wrong};
use crate::value::Value;

pub fn replace(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let (input, old, new) = (text(args, 1)?, text(args, 2)?, text(args, 3)?);
    if old.is_empty() {
        return replace_all(ctx, input, &[(old, new)]).map(Some);
    }
    let count = input.matches(old).count();
    let grown = new.len().saturating_sub(old.len()).saturating_mul(count);
    if grown.saturating_add(input.len()) > ctx.max_bytes {
        return Err(too_large(ctx));
    }
    Ok(Some(if count == 0 { input.into() } else { input.replace(old, new).into() }))
}

pub fn replace_n(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let patterns = object(args, 1)?;
    let input = text(args, 2)?;
    let mut pairs = Vec::with_capacity(patterns.len());
    for (old, new) in patterns.iter() {
        let old = old.as_str().ok_or_else(|| wrong(1, "non-string key found in pattern object"))?;
        let new = new.as_str().ok_or_else(|| wrong(1, "non-string value found in pattern object"))?;
        pairs.push((old, new));
    }
    replace_all(ctx, input, &pairs).map(Some)
}

/// Goes through the text once; where several patterns begin at a place, the first of them counts. The empty one is
/// found at every byte and behind the last, but not twice at one place.
fn replace_all(ctx: &Context, input: &str, pairs: &[(&str, &str)]) -> Result<Value, Error> {
    // By first bytes, so that few patterns are tried at a place.
    let mut by_first: Vec<Vec<(&[u8], &str)>> = vec![Vec::new(); 256];
    let mut empty = None;
    for (old, new) in pairs {
        match old.as_bytes() {
            [] => empty = Some(*new),
            old @ [first, ..] => {
                by_first.get_mut(usize::from(*first)).into_iter().for_each(|list| list.push((old, *new)))
            }
        }
    }
    let mut out: Vec<u8> = Vec::new();
    let mut work = 0_usize;
    let (mut at, mut copied) = (0, 0);
    let mut after_empty = false;
    while at <= input.len() {
        work += 1;
        if work > 1 << 16 {
            work = 0;
            ctx.check_deadline()?;
        }
        let rest = input.as_bytes().get(at..).unwrap_or_default();
        // The empty pattern is the least one, and so the first.
        let found = match empty {
            Some(new) if !after_empty => Some((0, new)),
            _ => rest.first().and_then(|first| by_first.get(usize::from(*first))).and_then(|list| {
                work += list.len();
                list.iter().find(|(old, _)| rest.starts_with(old)).map(|(old, new)| (old.len(), *new))
            }),
        };
        let Some((length, new)) = found else {
            after_empty = false;
            at += 1;
            continue;
        };
        after_empty = length == 0;
        let before = input.as_bytes().get(copied..at).unwrap_or_default();
        if out.len() + before.len() + new.len() > ctx.max_bytes {
            return Err(too_large(ctx));
        }
        out.extend_from_slice(before);
        out.extend_from_slice(new.as_bytes());
        at += length;
        copied = at;
    }
    out.extend_from_slice(input.as_bytes().get(copied..).unwrap_or_default());
    if out.len() > ctx.max_bytes {
        return Err(too_large(ctx));
    }
    // Only the empty pattern can part the bytes of a character.
    Ok(match String::from_utf8(out) {
        Ok(text) => text.into(),
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let later = std::time::Instant::now() + std::time::Duration::from_secs(9);
        let ctx = Context::new(0, later, 100);
        type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
        let table: &[Row<'_>] = &[
            ("abc", &[("", "-")], "-a-b-c-"),
            ("abc", &[("", "-"), ("b", "B")], "-a-B-c-"),
            ("aab", &[("a", "1"), ("aa", "2")], "11b"),
            ("aab", &[("aa", "2"), ("ab", "3")], "2b"),
            ("", &[("a", "1")], ""),
        ];
        for (input, pairs, want) in table {
            assert_eq!(replace_all(&ctx, input, pairs).unwrap(), Value::from(*want));
        }
        let long = "x".repeat(60);
        assert!(replace_all(&ctx, "aa", &[("a", &long)]).is_err());
    }
}
