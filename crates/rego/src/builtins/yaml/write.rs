//! Values written as YAML: the layout of OPA's library, with an indentation of two.

use std::cmp::Ordering;

use crate::budget;
use crate::builtins::yaml::text::{self, Place};
use crate::json;
use crate::value::{Number, Value};
use crate::yaml::{Scalar, general, resolve};

/// The most levels.
const MAX_DEPTH: usize = 1000;
const INDENT: usize = 2;

/// Writes a value, ended by a line break.
///
/// # Errors
/// When the value is too deep.
pub fn write(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    let indent = if is_block(value) { 0 } else { INDENT };
    node(value, indent, 0, &mut out)?;
    Ok(out)
}

/// Whether a value has lines of its own.
fn is_block(value: &Value) -> bool {
    match value {
        Value::Array(items) => !items.is_empty(),
        Value::Set(elements) => !elements.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    }
}

/// Writes a value at the end of a line that it may go on; `indent` is that of the lines to come.
fn node(value: &Value, indent: usize, depth: usize, out: &mut String) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("yaml: exceeded max depth".to_string());
    }
    budget::work(indent);
    budget::spend(indent + 4);
    match value {
        Value::Array(items) if !items.is_empty() => list(items.iter(), indent, depth, out),
        Value::Set(elements) if !elements.is_empty() => list(elements.keys(), indent, depth, out),
        Value::Object(members) if !members.is_empty() => {
            let mut entries = Vec::with_capacity(members.len());
            for (key, value) in members.iter() {
                entries.push((key_text(key), value));
            }
            for (at, (key, value)) in sort(entries).into_iter().enumerate() {
                if at > 0 {
                    new_line(indent, out);
                }
                member(&key, value, indent, depth, out)?;
            }
            Ok(())
        }
        other => {
            scalar(other, indent, out);
            if !out.ends_with('\n') {
                out.push('\n');
            }
            Ok(())
        }
    }
}

/// Starts a line. The line break itself has been written by what stands before.
fn new_line(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn list<'a>(
    items: impl Iterator<Item = &'a Value>,
    indent: usize,
    depth: usize,
    out: &mut String,
) -> Result<(), String> {
    for (at, item) in items.enumerate() {
        if at > 0 {
            new_line(indent, out);
        }
        out.push_str("- ");
        node(item, indent + INDENT, depth + 1, out)?;
    }
    Ok(())
}

fn member(key: &str, value: &Value, indent: usize, depth: usize, out: &mut String) -> Result<(), String> {
    // A long key, or one of many lines, is written on its own.
    let simple = key.len() <= 128 && !key.contains(text::is_break);
    if simple {
        text::write(key, Place::Key, indent, out);
        out.push(':');
    } else {
        out.push_str("? ");
        text::write(key, Place::Value, indent + INDENT, out);
        if !out.ends_with('\n') {
            out.push('\n');
        }
        new_line(indent, out);
        out.push(':');
    }
    if simple && is_block(value) {
        out.push('\n');
        new_line(indent + INDENT, out);
    } else {
        out.push(' ');
    }
    node(value, indent + INDENT, depth + 1, out)
}

fn scalar(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::String(text) => text::write(text, Place::Value, indent, out),
        Value::Array(_) | Value::Set(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// Whole numbers of 64 bits as they are, others as doubles.
fn number_text(number: &Number) -> String {
    let text = number.to_string();
    match resolve(&text) {
        Scalar::Integer(number) => number.to_string(),
        Scalar::Float(number) => general(number),
        _ => text,
    }
}

fn key_text(key: &Value) -> String {
    match key {
        Value::String(text) => text.to_string(),
        other => {
            let mut out = String::new();
            json::write(other, &mut out);
            out
        }
    }
}

/// In the library's order, which may not be one: numbers in keys count as such. Hence no sorting of the standard
/// library, which wants one.
fn sort<T>(mut entries: Vec<(String, T)>) -> Vec<(String, T)> {
    if entries.len() < 2 {
        return entries;
    }
    let right = sort(entries.split_off(entries.len() / 2));
    let left = sort(entries);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some((a, _)), Some((b, _))) => {
                if compare(b, a) == Ordering::Less {
                    right.next()
                } else {
                    left.next()
                }
            }
            (Some(_), None) => left.next(),
            (None, _) => right.next(),
        };
        match next {
            Some(entry) => merged.push(entry),
            None => return merged,
        }
    }
}

fn compare(a: &str, b: &str) -> Ordering {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (skip(a, same), skip(b, same));
    let (Some(first_a), Some(first_b)) = (rest_a.chars().next(), rest_b.chars().next()) else {
        return rest_a.len().cmp(&rest_b.len());
    };
    let before: Vec<char> = a.chars().take(same).collect();
    let after_digit = before.last().is_some_and(char::is_ascii_digit);
    match (first_a.is_alphabetic(), first_b.is_alphabetic()) {
        (true, true) => return first_a.cmp(&first_b),
        // Letters come after other signs, but before a number goes on.
        (true, false) if after_digit => return Ordering::Less,
        (false, true) if after_digit => return Ordering::Greater,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // Zeros within a number count; those before it do not.
    let within = (first_a == '0' || first_b == '0')
        && before.iter().rev().take_while(|sign| sign.is_ascii_digit()).any(|sign| *sign != '0');
    let number = |text: &str| {
        let digits = text.bytes().take_while(u8::is_ascii_digit);
        let count = digits.clone().count();
        let number = digits
            .fold(i64::from(within), |sum, digit| sum.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')));
        (number, count)
    };
    number(rest_a).cmp(&number(rest_b)).then(first_a.cmp(&first_b))
}

fn skip(text: &str, count: usize) -> &str {
    let mut signs = text.chars();
    for _ in 0..count {
        signs.next();
    }
    signs.as_str()
}
