//! Strings: search, split, substring and case.

use crate::builtins::context::{Context, argument, text};
use crate::builtins::error::Error;
use crate::builtins::operand::{Elements, Output, check_count, element, integer, one_of};
use crate::value::Value;

type Answer = Result<Option<Value>, Error>;

pub fn reverse(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(text(args, 1)?.chars().rev().collect::<String>().into()))
}

pub fn concat(ctx: &mut Context, args: &[Value]) -> Answer {
    let (separator, operand) = (text(args, 1)?, argument(args, 2)?);
    let elements = Elements::of(operand).ok_or_else(|| one_of(2, "set, array", operand))?;
    let mut out = Output::new(ctx);
    for (at, item) in elements.enumerate() {
        let item = item.as_str().ok_or_else(|| element(2, operand, "string", item))?;
        if at > 0 {
            out.push(separator)?;
        }
        out.push(item)?;
    }
    Ok(Some(out.finish().into()))
}

/// Both operands of a search; the second is not empty.
fn search(args: &[Value]) -> Result<(&str, &str), Error> {
    match (text(args, 1)?, text(args, 2)?) {
        (_, "") => Err(Error::failed("empty search character")),
        both => Ok(both),
    }
}

/// Where a text begins in another, in characters.
pub fn index_of(_: &mut Context, args: &[Value]) -> Answer {
    let (text, part) = search(args)?;
    let at = text.find(part).and_then(|at| text.get(..at)).map_or(-1, |before| before.chars().count() as i64);
    Ok(Some(Value::from(at)))
}

/// All places where it begins, overlapping ones as well.
pub fn index_of_n(ctx: &mut Context, args: &[Value]) -> Answer {
    let (text, part) = search(args)?;
    let mut found = Vec::new();
    let (mut from, mut characters) = (0, 0);
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(part)) {
        let (before, rest) = text.get(from..).and_then(|rest| rest.split_at_checked(at)).unwrap_or_default();
        characters += before.chars().count() as i64;
        found.push(Value::from(characters));
        if found.len() % 64 == 0 {
            ctx.check_deadline()?;
            check_count(ctx, found.len())?;
        }
        characters += 1;
        from += at + rest.chars().next().map_or(1, char::len_utf8);
    }
    Ok(Some(found.into()))
}

pub fn count(_: &mut Context, args: &[Value]) -> Answer {
    let (text, part) = (text(args, 1)?, text(args, 2)?);
    let count = if part.is_empty() { text.chars().count() + 1 } else { text.matches(part).count() };
    Ok(Some(Value::from(count as i64)))
}

pub fn split(ctx: &mut Context, args: &[Value]) -> Answer {
    let (input, delimiter) = (text(args, 1)?, text(args, 2)?);
    let parts: Vec<Value> = if delimiter.is_empty() {
        check_count(ctx, input.len())?;
        let mut buffer = [0; 4];
        input.chars().map(|c| Value::from(&*c.encode_utf8(&mut buffer))).collect()
    } else {
        check_count(ctx, input.len() / delimiter.len())?;
        input.split(delimiter).map(Value::from).collect()
    };
    Ok(Some(parts.into()))
}

/// The first parts of a text, or for a negative number the last ones; all, where there are no more.
pub fn split_n(ctx: &mut Context, args: &[Value]) -> Answer {
    let count = integer(args, 3)?;
    let Some(Value::Array(parts)) = split(ctx, args)? else { return Ok(None) };
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(parts.len());
    let kept = if count < 0 { parts.get(parts.len() - wanted..) } else { parts.get(..wanted) };
    Ok(Some(kept.unwrap_or_default().to_vec().into()))
}

pub fn substring(_: &mut Context, args: &[Value]) -> Answer {
    let (input, start, length) = (text(args, 1)?, integer(args, 2)?, integer(args, 3)?);
    let Ok(start) = usize::try_from(start) else {
        return Err(Error::failed("negative offset"));
    };
    // Where the character at a position begins; behind the end for those behind it.
    let byte = |text: &str, at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    let rest = if input.is_ascii() {
        input.get(start..).unwrap_or_default()
    } else {
        input.get(byte(input, start)..).unwrap_or_default()
    };
    let part = match usize::try_from(length) {
        // To the end.
        Err(_) => rest,
        Ok(length) if input.is_ascii() => rest.get(..length).unwrap_or(rest),
        Ok(length) => rest.get(..byte(rest, length)).unwrap_or(rest),
    };
    Ok(Some(if part.len() == input.len() { argument(args, 1)?.clone() } else { part.into() }))
}

pub fn map(ctx: &Context, args: &[Value], change: fn(char) -> char) -> Answer {
    let text = text(args, 1)?;
    if text.chars().all(|c| change(c) == c) {
        return argument(args, 1).cloned().map(Some);
    }
    let mut out = Output::new(ctx);
    for c in text.chars() {
        out.push_char(change(c))?;
    }
    Ok(Some(out.finish().into()))
}

/// The one small letter for a letter, without regard to what is around it.
pub fn to_lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        // The only letter whose full mapping is longer; this is its short one.
        _ if c == 'İ' => 'i',
        _ => c,
    }
}

/// The one capital letter for a letter: itself, where there would have to be several.
pub fn to_upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    if let (Some(one), None) = (upper.next(), upper.next()) {
        return one;
    }
    // Greek letters with iota below have a capital letter of their own.
    let offset = match u32::from(c) {
        0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7 => 8,
        0x1fb3 | 0x1fc3 | 0x1ff3 => 9,
        _ => 0,
    };
    char::from_u32(u32::from(c) + offset).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_changed_letter_by_letter() {
        let lower = |text: &str| text.chars().map(to_lower).collect::<String>();
        let upper = |text: &str| text.chars().map(to_upper).collect::<String>();
        assert_eq!(lower("ÀΣİẞ"), "àσiß");
        assert_eq!(upper("ßŉᾳǆé\u{1f80}"), "ßŉᾼǄÉ\u{1f88}");
    }

    #[test]
    fn parts_from_both_ends() {
        let later = std::time::Instant::now() + std::time::Duration::from_secs(9);
        let mut ctx = Context::new(0, later, 1000);
        for (count, want) in [
            (0, vec![]),
            (2, vec!["a", "b"]),
            (-2, vec!["b", "c"]),
            (9, vec!["a", "b", "c"]),
            (i64::MAX, vec!["a", "b", "c"]),
            (i64::MIN, vec!["a", "b", "c"]),
        ] {
            let want: Vec<Value> = want.into_iter().map(Value::from).collect();
            for (text, delimiter) in [("a.b.c", "."), ("abc", "")] {
                let args = [text.into(), delimiter.into(), Value::from(count)];
                assert_eq!(split_n(&mut ctx, &args).unwrap(), Some(want.clone().into()), "{text} {count}");
            }
        }
    }

    #[test]
    fn places() {
        let later = std::time::Instant::now() + std::time::Duration::from_secs(9);
        let mut ctx = Context::new(0, later, 1000);
        let found = index_of_n(&mut ctx, &["éaéaéa".into(), "éaé".into()]).unwrap();
        assert_eq!(found, Some(vec![Value::from(0), Value::from(2)].into()));
        for (start, length, want) in [(1, 2, "éc"), (1, -1, "écd"), (0, 99, "aécd"), (9, 1, ""), (2, 0, "")]
        {
            let args = ["aécd".into(), Value::from(start), Value::from(length)];
            assert_eq!(substring(&mut ctx, &args).unwrap(), Some(want.into()));
        }
    }
}
