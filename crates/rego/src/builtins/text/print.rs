//! Values as Rego writes them, with the quoting of Go.

use crate::builtins::error::{Error, Kind};
use crate::builtins::operand::{MAX_DEPTH, Output};
use crate::value::Value;

/// Writes a value as Rego source: `{"a": [1, 2]}`, `set()`.
///
/// # Errors
/// When it becomes too large, or is too deep.
pub fn write(value: &Value, out: &mut Output) -> Result<(), Error> {
    write_at(value, out, MAX_DEPTH)
}

fn write_at(value: &Value, out: &mut Output, depth: usize) -> Result<(), Error> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Error::new(Kind::Builtin, "the value is too deep"));
    };
    match value {
        Value::Null => out.push("null"),
        Value::Bool(value) => out.push(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push(&number.to_string()),
        Value::String(text) => write_quoted(text, out),
        Value::Array(items) => list(out, '[', items.iter(), ']', |item, out| write_at(item, out, depth)),
        Value::Set(elements) if elements.is_empty() => out.push("set()"),
        Value::Set(elements) => list(out, '{', elements.keys(), '}', |item, out| write_at(item, out, depth)),
        Value::Object(members) => list(out, '{', members.iter(), '}', |(key, value), out| {
            write_at(key, out, depth)?;
            out.push(": ")?;
            write_at(value, out, depth)
        }),
    }
}

fn list<T>(
    out: &mut Output,
    open: char,
    items: impl Iterator<Item = T>,
    close: char,
    mut write: impl FnMut(T, &mut Output) -> Result<(), Error>,
) -> Result<(), Error> {
    out.push_char(open)?;
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(", ")?;
        }
        write(item, out)?;
    }
    out.push_char(close)
}

fn write_quoted(text: &str, out: &mut Output) -> Result<(), Error> {
    out.push_char('"')?;
    let mut escaped = String::new();
    for c in text.chars() {
        if matches!(c, ' ' | '!' | '#'..='[' | ']'..='~') {
            out.push_char(c)?;
        } else {
            escaped.clear();
            escape(c, '"', false, &mut escaped);
            out.push(&escaped)?;
        }
    }
    out.push_char('"')
}

/// A text in double quotes, as Go writes it.
pub fn quote(text: &str) -> String {
    quote_as(text, '"', false)
}

/// A text in quotes; with `ascii` everything beyond ASCII is escaped.
pub fn quote_as(text: &str, mark: char, ascii: bool) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(mark);
    for c in text.chars() {
        escape(c, mark, ascii, &mut quoted);
    }
    quoted.push(mark);
    quoted
}

fn escape(c: char, mark: char, ascii: bool, out: &mut String) {
    let letter = match c {
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\u{b}' => 'v',
        '\\' => '\\',
        _ if c == mark => mark,
        _ if printable(c) && (c.is_ascii() || !ascii) => return out.push(c),
        _ => {
            let code = u32::from(c);
            let escaped = match code {
                0..=0x7f => format!("\\x{code:02x}"),
                0x80..=0xffff => format!("\\u{code:04x}"),
                _ => format!("\\U{code:08x}"),
            };
            return out.push_str(&escaped);
        }
    };
    out.push('\\');
    out.push(letter);
}

/// Whether a character is a letter, mark, number, punctuation or symbol, or the ASCII space.
pub fn printable(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    // Behind another character marks are not escaped; on their own they would be.
    let mut pair = [0; 5];
    let (first, rest) = pair.split_at_mut(1);
    first.fill(b'a');
    let end = 1 + c.encode_utf8(rest).len();
    pair.get(..end)
        .and_then(|pair| std::str::from_utf8(pair).ok())
        .is_some_and(|pair| pair.escape_debug().count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtins::context::Context;
    use crate::value::{Number, Object, Set};

    #[test]
    fn composite_values() {
        let ctx = Context::new(0, std::time::Instant::now(), 1000);
        let set: Set = [Value::from(2), Value::from(1)].into_iter().collect();
        let mut object = Object::new();
        object.insert("k\"\n".into(), set.into());
        object.insert(Value::Null, Number::parse("1.50").unwrap().into());
        let mut out = Output::new(&ctx);
        write(&vec![object.into(), Set::new().into(), true.into()].into(), &mut out).unwrap();
        assert!(out.finish().ends_with(r#""k\"\n": {1, 2}}, set(), true]"#));
    }

    #[test]
    fn quoting() {
        for (text, want) in [
            ("å\u{301}é", "\"å\u{301}é\""),
            ("\u{0}\u{7f}\u{85}", r#""\x00\x7f\u0085""#),
            ("\u{200b}\u{e000}\u{10ffff}'", r#""\u200b\ue000\U0010ffff'""#),
        ] {
            assert_eq!(quote(text), want);
        }
        assert_eq!(quote_as("é\"'", '\'', true), r#"'\u00e9"\''"#);
    }
}
