//! A strict, single-pass JSON reader.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::{JsonError, MAX_DEPTH};
use super::{interoperable, write};
use crate::number::Number;
use crate::value::{Keyed, Value};

/// Reads one document of at most [`MAX_DEPTH`] levels (RFC 8259), without duplicate keys, and without numbers that
/// 64-bit integers and doubles do not keep: others read what we record.
///
/// # Errors
/// What was wrong, with line and column.
pub fn read(text: &[u8]) -> Result<Value, JsonError> {
    read_with(text, MAX_DEPTH, true)
}

/// The same with another bound of its depth, and with numbers of any kind.
///
/// # Errors
/// What was wrong, with line and column.
pub fn read_nested(text: &[u8], max_depth: u8) -> Result<Value, JsonError> {
    read_with(text, max_depth, false)
}

fn read_with(text: &[u8], max_depth: u8, exchanged: bool) -> Result<Value, JsonError> {
    let fail = |fault: Box<Fault>| JsonError::at(text, fault.at, fault.message);
    let valid = std::str::from_utf8(text)
        .map_err(|error| fail(Fault::new(error.valid_up_to(), "invalid unicode code point")))?;
    let mut reader = Reader {
        text: valid,
        at: 0,
        depth: 0,
        max_depth,
        exchanged,
        items: Vec::with_capacity(16),
        members: Vec::with_capacity(16),
    };
    reader.document().map_err(fail)
}

/// What was wrong, and at which byte. Boxed, so that results are no larger than values.
struct Fault {
    at: usize,
    message: String,
}

impl Fault {
    #[cold]
    fn new(at: usize, message: impl Into<String>) -> Box<Self> {
        Box::new(Self { at, message: message.into() })
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u8,
    max_depth: u8,
    /// Whether numbers have to be such that every reader keeps them.
    exchanged: bool,
    /// The elements so far of the arrays that are being read, the innermost last. Once an array has ended its elements
    /// move into memory of just their size.
    items: Vec<Value>,
    /// The members of objects likewise.
    members: Vec<(Value, Value)>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Value, Box<Fault>> {
        let value = self.value()?;
        match self.next_visible() {
            None => Ok(value),
            Some(_) => Err(self.fault("trailing bytes after the document")),
        }
    }

    fn value(&mut self) -> Result<Value, Box<Fault>> {
        let Some(byte) = self.next_visible() else { return Err(self.fault("EOF while parsing a value")) };
        match byte {
            b'"' => Ok(Value::String(self.string()?.into_shared())),
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::array),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => Err(self.fault("expected value")),
        }
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Value, Box<Fault>>,
    ) -> Result<Value, Box<Fault>> {
        if self.depth >= self.max_depth {
            return Err(self.fault(format!("nested more than {} levels deep", self.max_depth)));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn array(&mut self) -> Result<Value, Box<Fault>> {
        if self.next_visible() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(Arc::new(Vec::new())));
        }
        let first = self.items.len();
        loop {
            let item = self.value()?;
            self.items.push(item);
            match self.next_visible() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::Array(Arc::new(self.items.split_off(first))));
                }
                Some(_) => return Err(self.fault("expected `,` or `]`")),
                None => return Err(self.fault("EOF while parsing a list")),
            }
            if self.next_visible() == Some(b']') {
                return Err(self.fault("trailing comma"));
            }
        }
    }

    fn object(&mut self) -> Result<Value, Box<Fault>> {
        let start = self.at;
        if self.next_visible() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(Arc::new(Keyed::new())));
        }
        let first = self.members.len();
        loop {
            let key = Value::String(self.key()?.into_shared());
            let value = self.value()?;
            self.members.push((key, value));
            match self.next_visible() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                Some(_) => return Err(self.fault("expected `,` or `}`")),
                None => return Err(self.fault("EOF while parsing an object")),
            }
            if self.next_visible() == Some(b'}') {
                return Err(self.fault("trailing comma"));
            }
        }
        self.at += 1;
        let mut members = self.members.split_off(first);
        let count = members.len();
        // Sorted here, where all keys are known to be text; what is sorted is taken as it is.
        members.sort_unstable_by(|(a, _), (b, _)| a.as_str().cmp(&b.as_str()));
        let members = Keyed::from_entries(members);
        if members.len() < count {
            return Err(self.duplicate(start));
        }
        Ok(Value::Object(Arc::new(members)))
    }

    /// A key and its colon.
    #[inline]
    fn key(&mut self) -> Result<Text<'a>, Box<Fault>> {
        match self.next_visible() {
            Some(b'"') => {}
            Some(_) => return Err(self.fault("key must be a string")),
            None => return Err(self.fault("EOF while parsing an object")),
        }
        let key = self.string()?;
        match self.next_visible() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.fault("expected `:`")),
            None => return Err(self.fault("EOF while parsing an object")),
        }
        Ok(key)
    }

    /// Reads the members of an object once more to find the key that is there twice.
    #[cold]
    fn duplicate(&mut self, start: usize) -> Box<Fault> {
        let mut seen = HashSet::new();
        self.at = start;
        loop {
            self.next_visible();
            let at = self.at;
            match self.key() {
                Ok(key) => {
                    let key = key.into_shared();
                    if seen.contains(&key) {
                        let mut text = String::new();
                        write::write(&Value::String(key), &mut text);
                        return Fault::new(at, format!("duplicate key {text}"));
                    }
                    seen.insert(key);
                }
                Err(fault) => return fault,
            }
            if let Err(fault) = self.value() {
                return fault;
            }
            if self.next_visible() == Some(b',') {
                self.at += 1;
            }
        }
    }

    /// A text, from its opening to its closing quote.
    #[inline]
    fn string(&mut self) -> Result<Text<'a>, Box<Fault>> {
        self.at += 1;
        let plain = self.plain()?;
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Text::Plain(plain));
        }
        self.escaped(plain)
    }

    /// The rest of a text that has escapes.
    #[cold]
    fn escaped(&mut self, start: &str) -> Result<Text<'a>, Box<Fault>> {
        let mut text = String::from(start);
        loop {
            if self.peek() == Some(b'"') {
                self.at += 1;
                return Ok(Text::Escaped(text));
            }
            text.push(self.escape()?);
            text.push_str(self.plain()?);
        }
    }

    /// What stands before the next quote or backslash.
    #[inline]
    fn plain(&mut self) -> Result<&'a str, Box<Fault>> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = plain_length(rest.as_bytes());
        self.at += length;
        match self.peek() {
            Some(b'"' | b'\\') => Ok(rest.get(..length).unwrap_or_default()),
            Some(_) => Err(self.fault("control character (\\u0000-\\u001F) found while parsing a string")),
            None => Err(self.fault("EOF while parsing a string")),
        }
    }

    /// The character of an escape.
    fn escape(&mut self) -> Result<char, Box<Fault>> {
        let start = self.at;
        self.at += 1;
        let Some(byte) = self.peek() else { return Err(self.fault("EOF while parsing a string")) };
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(start),
            _ => return Err(Fault::new(start, "invalid escape")),
        })
    }

    fn code_point(&mut self, start: usize) -> Result<char, Box<Fault>> {
        let first = self.hex()?;
        if !(0xD800..0xE000).contains(&first) {
            return char::from_u32(first).ok_or_else(|| Fault::new(start, "invalid escape"));
        }
        let lone = || Fault::new(start, "lone leading surrogate in hex escape");
        if first >= 0xDC00 || !self.text.get(self.at..).unwrap_or_default().starts_with("\\u") {
            return Err(lone());
        }
        self.at += 2;
        let second = self.hex()?;
        let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400).ok_or_else(lone)?;
        char::from_u32(0x10000 + ((first - 0xD800) << 10) + low).ok_or_else(lone)
    }

    fn hex(&mut self) -> Result<u32, Box<Fault>> {
        let digits = self.text.as_bytes().get(self.at..).and_then(|rest| rest.first_chunk::<4>());
        let Some(digits) = digits else {
            self.at = self.text.len();
            return Err(self.fault("EOF while parsing a string"));
        };
        let mut value = 0;
        for digit in digits {
            let digit = char::from(*digit).to_digit(16).ok_or_else(|| self.fault("invalid escape"))?;
            value = value << 4 | digit;
        }
        self.at += 4;
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Box<Fault>> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut value = 0_i64;
        let mut length = 0_usize;
        for byte in rest.bytes() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
            length += 1;
        }
        // Small integers without a sign, which most are, are read already.
        let next = rest.as_bytes().get(length);
        let leading_zero = length > 1 && rest.starts_with('0');
        if (1..=18).contains(&length) && !leading_zero && !matches!(next, Some(b'.' | b'e' | b'E')) {
            self.at += length;
            return Ok(Value::Number(Number::from(value)));
        }
        self.decimal(rest)
    }

    fn decimal(&mut self, rest: &str) -> Result<Value, Box<Fault>> {
        let length = number_length(rest).map_err(|offset| match rest.len() == offset {
            true => Fault::new(self.at + offset, "EOF while parsing a value"),
            false => Fault::new(self.at + offset, "invalid number"),
        })?;
        let token = rest.get(..length).unwrap_or_default();
        if self.exchanged && !interoperable::is_interoperable(token) {
            return Err(self.fault(interoperable::lossy(token)));
        }
        let number = Number::parse(token).ok_or_else(|| {
            self.fault(format!("the number `{}` is too long, too large or too small", shorten(token)))
        })?;
        self.at += length;
        Ok(Value::Number(number))
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Box<Fault>> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(value);
        }
        let same = rest.bytes().zip(word.bytes()).take_while(|(a, b)| a == b).count();
        let message = if same == rest.len() { "EOF while parsing a value" } else { "expected ident" };
        Err(Fault::new(self.at + same, message))
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space; the reader stands before it.
    #[inline]
    fn next_visible(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    #[cold]
    fn fault(&self, message: impl Into<String>) -> Box<Fault> {
        Fault::new(self.at, message)
    }
}

/// A text in the document, or one that was made of it.
enum Text<'a> {
    Plain(&'a str),
    Escaped(String),
}

impl Text<'_> {
    #[inline]
    fn into_shared(self) -> Arc<str> {
        match self {
            Self::Plain(text) => Arc::from(text),
            Self::Escaped(text) => Arc::from(text),
        }
    }
}

/// How many bytes stand before a quote, a backslash or a control character. Eight at a time.
#[inline]
fn plain_length(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let (chunks, _) = text.as_chunks::<8>();
    let mut length = 0;
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk);
        // The high bit of each byte that is less than 0x20, or that becomes zero when a character is taken from it.
        // Borrows only reach bytes after the first one found.
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let (quote, slash) = (word ^ (ONES * b'"' as u64), word ^ (ONES * b'\\' as u64));
        let found = control | (quote.wrapping_sub(ONES) & !quote) | (slash.wrapping_sub(ONES) & !slash);
        let found = found & HIGH;
        if found != 0 {
            return length + (found.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    let rest = text.get(length..).unwrap_or_default();
    length + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

/// The length of the number at the start, or where it stops to be one.
fn number_length(text: &str) -> Result<usize, usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 { Err(from) } else { Ok(from + count) }
    };
    let at = |at: usize| bytes.get(at).copied();
    let start = usize::from(at(0) == Some(b'-'));
    let mut end = digits(start)?;
    if at(start) == Some(b'0') && end > start + 1 {
        return Err(start + 1);
    }
    if at(end) == Some(b'.') {
        end = digits(end + 1)?;
    }
    if matches!(at(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(at(end + 1), Some(b'+' | b'-')));
        end = digits(end + 1 + sign)?;
    }
    Ok(end)
}

fn shorten(token: &str) -> String {
    match token.get(..40) {
        Some(start) if token.len() > 40 => format!("{start}…"),
        _ => token.to_owned(),
    }
}
