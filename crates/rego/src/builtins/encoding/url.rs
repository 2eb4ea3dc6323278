//! `urlquery.*`

use std::collections::BTreeMap;

use crate::builtins::context::{Context, object, text};
use crate::builtins::encoding::base::lossy;
use crate::builtins::error::{Error, Kind};
use crate::json;
use crate::value::{Object, Value};

type Answer = Result<Option<Value>, Error>;

pub fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

fn unescape(text: &str) -> Result<String, Error> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
                out.push(digit(*high) << 4 | digit(*low));
                after
            }
            (b'%', _) => {
                let wrong = lossy(rest.get(..3).unwrap_or(rest));
                return Err(Error::failed(format!("invalid URL escape {wrong:?}")));
            }
            (b'+', _) => {
                out.push(b' ');
                after
            }
            _ => {
                out.push(*first);
                after
            }
        };
    }
    Ok(lossy(&out))
}

pub fn encode(_: &mut Context, args: &[Value]) -> Answer {
    let mut out = String::new();
    escape(text(args, 1)?, &mut out);
    Ok(Some(Value::from(out)))
}

pub fn decode(_: &mut Context, args: &[Value]) -> Answer {
    Ok(Some(Value::from(unescape(text(args, 1)?)?)))
}

pub fn encode_object(_: &mut Context, args: &[Value]) -> Answer {
    let wrong = || Error::new(Kind::Type, "operand 1 values must be string, array[string], or set[string]");
    let mut parts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (key, value) in object(args, 1)?.iter() {
        let key = match key {
            Value::String(key) => key.to_string(),
            other => {
                let mut key = String::new();
                json::write(other, &mut key);
                key
            }
        };
        let texts: Option<Vec<&str>> = match value {
            Value::String(text) => Some(vec![text]),
            Value::Array(items) => items.iter().map(Value::as_str).collect(),
            Value::Set(elements) => elements.keys().map(Value::as_str).collect(),
            _ => None,
        };
        parts.insert(key, texts.ok_or_else(wrong)?);
    }
    let mut out = String::new();
    for (key, texts) in &parts {
        for text in texts {
            if !out.is_empty() {
                out.push('&');
            }
            escape(key, &mut out);
            out.push('=');
            escape(text, &mut out);
        }
    }
    Ok(Some(Value::from(out)))
}

pub fn decode_object(_: &mut Context, args: &[Value]) -> Answer {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for part in text(args, 1)?.split('&').filter(|part| !part.is_empty()) {
        if part.contains(';') {
            return Err(Error::failed("invalid semicolon separator in query"));
        }
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        found.entry(unescape(key)?).or_default().push(Value::from(unescape(value)?));
    }
    let members = found.into_iter().map(|(key, values)| (Value::from(key), Value::from(values)));
    Ok(Some(Value::from(members.collect::<Object>())))
}
