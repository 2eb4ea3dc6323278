//! Writes values as compact JSON.

use std::fmt::Write as _;

use crate::budget;
use crate::value::{Object, Value};

/// Which characters of texts are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// Those that JSON requires.
    Minimal,
    /// As Go's encoder does so that the text may stand in HTML: `<`, `>`, `&`, U+2028 and U+2029, too.
    Html,
}

/// Writes a value as compact JSON: sets as arrays, keys that are not text as the text of their JSON, numbers as they are
/// written.
pub fn write(value: &Value, out: &mut String) {
    write_escaped(value, Escape::Minimal, out);
}

/// The same with a choice of what is escaped.
pub fn write_escaped(value: &Value, escape: Escape, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => {
            // Writing to a String does not fail.
            let _ = write!(out, "{number}");
        }
        Value::String(text) => write_text(text, escape, out),
        // What is written is counted on the way: a value that shares parts may be small, and its text huge.
        Value::Array(items) => {
            budget::work(items.len());
            budget::spend(items.len());
            write_list(items.iter(), escape, out);
        }
        Value::Set(elements) => {
            budget::work(elements.len());
            budget::spend(elements.len());
            write_list(elements.keys(), escape, out);
        }
        Value::Object(members) => {
            budget::work(members.len());
            budget::spend(members.len());
            write_object(members, escape, out);
        }
    }
}

fn write_list<'a>(items: impl Iterator<Item = &'a Value>, escape: Escape, out: &mut String) {
    out.push('[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_escaped(item, escape, out);
    }
    out.push(']');
}

fn write_object(members: &Object, escape: Escape, out: &mut String) {
    out.push('{');
    match with_text_keys(members) {
        None => {
            let text_keys = members.iter().filter_map(|(key, value)| Some((key.as_str()?, value)));
            write_members(text_keys, escape, out);
        }
        Some(members) => {
            write_members(members.iter().map(|(key, value)| (key.as_str(), *value)), escape, out);
        }
    }
    out.push('}');
}

fn write_members<'a>(members: impl Iterator<Item = (&'a str, &'a Value)>, escape: Escape, out: &mut String) {
    for (at, (key, value)) in members.enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_text(key, escape, out);
        out.push(':');
        write_escaped(value, escape, out);
    }
}

/// The members in order of their keys as text, where not all keys are text already. Of several whose keys become the
/// same text, the last one stays.
pub(super) fn with_text_keys(members: &Object) -> Option<Vec<(String, &Value)>> {
    if members.keys().all(|key| key.as_str().is_some()) {
        return None;
    }
    let mut entries: Vec<(String, &Value)> = members
        .iter()
        .map(|(key, value)| match key {
            Value::String(text) => (text.to_string(), value),
            other => {
                let mut text = String::new();
                // OPA makes these texts with the encoder's defaults, wherever they are put.
                write_escaped(other, Escape::Html, &mut text);
                (text, value)
            }
        })
        .collect();
    entries.reverse();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries.dedup_by(|a, b| a.0 == b.0);
    Some(entries)
}

fn write_text(text: &str, escape: Escape, out: &mut String) {
    budget::work(text.len() / 64);
    budget::spend(text.len());
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| is_special(byte, escape)) {
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut characters = tail.chars();
        if let Some(character) = characters.next() {
            write_escape(character, escape, out);
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Whether the character that starts with this byte may have to be escaped.
const fn is_special(byte: u8, escape: Escape) -> bool {
    match byte {
        0..0x20 | b'"' | b'\\' => true,
        b'<' | b'>' | b'&' | 0xE2 => matches!(escape, Escape::Html),
        _ => false,
    }
}

fn write_escape(character: char, escape: Escape, out: &mut String) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{C}' => out.push_str("\\f"),
        '\0'..'\u{20}' => {
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        }
        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if escape == Escape::Html => {
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        }
        other => out.push(other),
    }
}
