//! JSON as Go reads it: of members with one key the last one counts, and half a surrogate pair is U+FFFD.

use crate::value::{Number, Object, Value};

/// The most levels of arrays and objects. Go reads 10,000; so deep a value is of no use.
const MAX_DEPTH: usize = 1000;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

type Read<T> = Result<T, String>;

/// Reads a document.
///
/// # Errors
/// When it is none; the words are those of Go where they are few.
pub fn read(text: &str) -> Read<Value> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.wrong("after top-level value")),
    }
}

impl<'a> Reader<'a> {
    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn wrong(&self, place: &str) -> String {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(sign) => format!("invalid character '{sign}' {place}"),
            None if self.at == 0 => "EOF".to_string(),
            None => "unexpected EOF".to_string(),
        }
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
        if depth > MAX_DEPTH {
            return Err("exceeded max depth".to_string());
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Value::from(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.wrong("looking for beginning of value")),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Read<Value> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(value);
        }
        self.at += rest.bytes().zip(word.bytes()).take_while(|(a, b)| a == b).count();
        Err(self.wrong(&format!("in literal {word}")))
    }

    fn array(&mut self, depth: usize) -> Read<Value> {
        self.at += 1;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::from(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::from(items));
                }
                _ => return Err(self.wrong("after array element")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Read<Value> {
        self.at += 1;
        let mut members = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::from(Object::new()));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.wrong("looking for beginning of object key string"));
            }
            let key = Value::from(self.string()?);
            if self.peek() != Some(b':') {
                return Err(self.wrong("after object key"));
            }
            self.at += 1;
            members.push((key, self.value(depth + 1)?));
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::from(Object::from_entries(members)));
                }
                _ => return Err(self.wrong("after object key:value pair")),
            }
        }
    }

    fn digits(&mut self) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn take(&mut self, signs: &[u8]) -> Option<u8> {
        let byte = *self.text.as_bytes().get(self.at).filter(|byte| signs.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    fn number(&mut self) -> Read<Value> {
        let start = self.at;
        self.take(b"-");
        if self.take(b"0").is_none() && self.digits() == 0 {
            return Err(self.wrong("in numeric literal"));
        }
        if self.take(b".").is_some() && self.digits() == 0 {
            return Err(self.wrong("after decimal point in numeric literal"));
        }
        if self.take(b"eE").is_some() {
            self.take(b"+-");
            if self.digits() == 0 {
                return Err(self.wrong("in exponent of numeric literal"));
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        Number::parse(text).map(Value::from).ok_or_else(|| format!("number {text} is out of range"))
    }

    fn string(&mut self) -> Read<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest.bytes().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count();
            out.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match rest.as_bytes().get(plain) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                _ => return Err(self.wrong("in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let sign = self.text.as_bytes().get(self.at).copied();
        let found = match sign {
            Some(sign @ (b'"' | b'\\' | b'/')) => char::from(sign),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let high = self.unit()?;
                if let 0xd800..0xdc00 = high
                    && self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u"))
                {
                    let start = self.at;
                    self.at += 2;
                    let low = self.unit()?;
                    if let 0xdc00..0xe000 = low {
                        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                        return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    self.at = start;
                }
                return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => return Err(self.wrong("in string escape code")),
        };
        self.at += 1;
        Ok(found)
    }

    fn unit(&mut self) -> Read<u32> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.wrong("in \\u hexadecimal character escape"))?;
        self.at += 4;
        Ok(unit)
    }
}
