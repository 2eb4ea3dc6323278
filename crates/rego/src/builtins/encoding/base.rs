//! `base64.*`, `base64url.*` and `hex.*`

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::builtins::context::{Context, argument, text};
use crate::builtins::error::Error;
use crate::value::Value;

type Answer = Result<Option<Value>, Error>;

pub fn encode(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(Value::from(STANDARD.encode(text(args, 1)?))))
}

pub fn standard_decode(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    decoded(text(args, 1)?, false)
}

pub fn url_encode(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(Value::from(URL_SAFE.encode(text(args, 1)?))))
}

pub fn url_encode_no_pad(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(Value::from(URL_SAFE_NO_PAD.encode(text(args, 1)?))))
}

/// Bytes as text: each that is no part of a character becomes U+FFFD, as in Go.
pub fn lossy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

fn decoded(text: &str, url: bool) -> Answer {
    let bytes = decode(text.as_bytes(), url)
        .map_err(|at| Error::failed(format!("illegal base64 data at input byte {at}")))?;
    Ok(Some(Value::from(lossy(&bytes))))
}

pub fn is_valid(_: &mut Context, args: &[Value]) -> Answer {
    Ok(Some(Value::from(
        argument(args, 1)?.as_str().is_some_and(|text| decode(text.as_bytes(), false).is_ok()),
    )))
}

pub fn url_decode(_: &mut Context, args: &[Value]) -> Answer {
    let text = text(args, 1)?;
    let padding = match text.len() % 4 {
        _ if text.ends_with('=') => "",
        0 => "",
        2 => "==",
        3 => "=",
        _ => return Err(Error::failed(format!("illegal base64url string: {text}"))),
    };
    decoded(&format!("{text}{padding}"), true)
}

/// Go's decoder: line breaks anywhere, bits that are left over do not count, padding must be there.
///
/// # Errors
/// Where the text stops to be of this form.
pub fn decode(text: &[u8], url: bool) -> Result<Vec<u8>, usize> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' if !url => Some(62),
        b'/' if !url => Some(63),
        b'-' if url => Some(62),
        b'_' if url => Some(63),
        _ => None,
    };
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut signs = text.iter().copied().enumerate().filter(|(_, byte)| !matches!(byte, b'\n' | b'\r'));
    let mut group = [0u8; 4];
    let mut filled = 0;
    while let Some((at, byte)) = signs.next() {
        if let (Some(value), Some(place)) = (value(byte), group.get_mut(filled)) {
            *place = value;
            filled += 1;
            if filled == 4 {
                let [a, b, c, d] = group;
                out.extend([a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
                filled = 0;
            }
            continue;
        }
        if byte != b'=' || filled < 2 {
            return Err(at);
        }
        if filled == 2 {
            match signs.next() {
                None => return Err(text.len()),
                Some((_, b'=')) => {}
                Some((at, _)) => return Err(at - 1),
            }
        }
        if let Some((at, _)) = signs.next() {
            return Err(at);
        }
        let [a, b, c, _] = group;
        out.push(a << 2 | b >> 4);
        if filled == 3 {
            out.push(b << 4 | c >> 2);
        }
        return Ok(out);
    }
    if filled == 0 { Ok(out) } else { Err(text.len() - filled) }
}

pub fn hex_encode(_: &mut Context, args: &[Value]) -> Answer {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    let hex: String = text(args, 1)?.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    Ok(Some(Value::from(hex)))
}

pub fn hex_decode(_: &mut Context, args: &[Value]) -> Answer {
    let mut nibbles = Vec::new();
    for byte in text(args, 1)?.bytes() {
        let Some(digit) = char::from(byte).to_digit(16) else {
            let sign = char::from(byte);
            let shown = if sign.is_control() || matches!(sign, '\u{a0}' | '\u{ad}') {
                String::new()
            } else {
                format!(" '{sign}'")
            };
            return Err(Error::failed(format!("encoding/hex: invalid byte: U+{byte:04X}{shown}")));
        };
        nibbles.push(digit as u8);
    }
    if nibbles.len() % 2 == 1 {
        return Err(Error::failed("encoding/hex: odd length hex string"));
    }
    let bytes: Vec<u8> =
        nibbles.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, nibble| byte << 4 | nibble)).collect();
    Ok(Some(Value::from(lossy(&bytes))))
}
