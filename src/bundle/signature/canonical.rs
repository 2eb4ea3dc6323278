//! The canonical text of a JSON or YAML document, of which its digest is taken, as in OPA's bundle format: no white space,
//! object members sorted by key, strings with the fewest escapes, and numbers exactly as written.
//!
//! So a signature stays valid if a document is reformatted, and only then. Numbers are the reason for a parser of its own:
//! `1.0` and `1` are the same value with different digests.
//!
//! INVARIANT (one meaning): documents that parsers could interpret differently are refused: duplicate keys, lone surrogates,
//! invalid UTF-8.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The most levels, as for any data.
const MAX_DEPTH: u8 = verdict_rego::json::MAX_DEPTH;

/// Why there is no canonical text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not JSON.
    Syntax(usize),
    /// It is JSON, but ambiguous or too deep.
    Refused(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Syntax(at) => write!(f, "invalid JSON at byte {at}"),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

/// A JSON document.
///
/// # Errors
/// Invalid or ambiguous JSON.
pub(super) fn json(bytes: &[u8]) -> Result<String, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| Fault::Syntax(error.valid_up_to()))?;
    let mut reader = Reader { text, at: 0, depth: 0 };
    let node = reader.value()?;
    if reader.visible().is_some() {
        return Err(Fault::Syntax(reader.at));
    }
    let mut out = String::with_capacity(bytes.len());
    node.write(&mut out);
    Ok(out)
}

/// A YAML document, which JSON is, too.
///
/// # Errors
/// Invalid or ambiguous YAML.
pub(super) fn yaml(bytes: &[u8]) -> Result<String, Fault> {
    match json(bytes) {
        Err(Fault::Syntax(_)) => {}
        other => return other,
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Fault::Refused(format!("it is not UTF-8, at byte {}", error.valid_up_to())))?;
    let value = super::super::yaml::read(text).map_err(Fault::Refused)?;
    // What YAML's numbers are has been decided by reading it; they are written as Go's encoder does.
    json(value.to_raw().get().as_bytes())
}

enum Node<'a> {
    /// A number, `true`, `false` or `null`, letter by letter.
    Literal(&'a str),
    Text(String),
    List(Vec<Node<'a>>),
    Map(BTreeMap<String, Node<'a>>),
}

impl Node<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Self::Literal(literal) => out.push_str(literal),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Map(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// As Go's encoder does when it is told to leave HTML's characters alone: the two line separators are still escaped.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{C}' => out.push_str("\\f"),
            '\0'..'\u{20}' | '\u{2028}' | '\u{2029}' => {
                // Writing to a `String` does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u8,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Result<Node<'a>, Fault> {
        match self.visible() {
            Some(b'"') => self.string().map(Node::Text),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => self.literal(),
            _ => Err(Fault::Syntax(self.at)),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Node<'a>, Fault>) -> Result<Node<'a>, Fault> {
        if self.depth >= MAX_DEPTH {
            return Err(Fault::Refused(format!("nested more than {MAX_DEPTH} levels deep")));
        }
        self.depth += 1;
        self.at += 1;
        let node = read(self);
        self.depth -= 1;
        node
    }

    fn array(&mut self) -> Result<Node<'a>, Fault> {
        let mut items = Vec::new();
        if self.took(b']') {
            return Ok(Node::List(items));
        }
        loop {
            items.push(self.value()?);
            if self.took(b']') {
                return Ok(Node::List(items));
            }
            self.expect(b',')?;
        }
    }

    fn object(&mut self) -> Result<Node<'a>, Fault> {
        let mut members = BTreeMap::new();
        if self.took(b'}') {
            return Ok(Node::Map(members));
        }
        loop {
            if self.visible() != Some(b'"') {
                return Err(Fault::Syntax(self.at));
            }
            let key = self.string()?;
            self.expect(b':')?;
            let value = self.value()?;
            if members.contains_key(&key) {
                return Err(Fault::Refused(format!("duplicate key {key:?}")));
            }
            members.insert(key, value);
            if self.took(b'}') {
                return Ok(Node::Map(members));
            }
            self.expect(b',')?;
        }
    }

    /// A whole text, checked by `serde_json`, whose escapes are those of RFC 8259.
    fn string(&mut self) -> Result<String, Fault> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut escaped = false;
        let closing = rest.bytes().enumerate().skip(1).find(|(_, byte)| match byte {
            _ if escaped => {
                escaped = false;
                false
            }
            b'\\' => {
                escaped = true;
                false
            }
            byte => *byte == b'"',
        });
        let Some((closing, _)) = closing else { return Err(Fault::Syntax(self.text.len())) };
        let token = rest.get(..=closing).unwrap_or_default();
        let text = serde_json::from_str(token).map_err(|_| Fault::Syntax(self.at))?;
        self.at += token.len();
        Ok(text)
    }

    fn literal(&mut self) -> Result<Node<'a>, Fault> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')));
        let token = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if !matches!(token, "true" | "false" | "null") && !is_number(token) {
            return Err(Fault::Syntax(self.at));
        }
        self.at += token.len();
        Ok(Node::Literal(token))
    }

    /// The next byte that is not white space; the reader stands before it.
    fn visible(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at).copied() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    fn took(&mut self, byte: u8) -> bool {
        let found = self.visible() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.took(byte) { Ok(()) } else { Err(Fault::Syntax(self.at)) }
    }
}

/// RFC 8259 section 6.
fn is_number(token: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = token.strip_prefix('-').unwrap_or(token);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_for_every_layout() {
        for (document, expected) in [
            (r#" { "b" : [ 1 , true , null ] , "a" : "x" } "#, r#"{"a":"x","b":[1,true,null]}"#),
            ("{}", "{}"),
            ("[ ]", "[]"),
            (r#"{"a": {"d": {}, "c": []}}"#, r#"{"a":{"c":[],"d":{}}}"#),
            // Numbers stay as they are written.
            (
                "[1.0, 1e2, -0, 1E+2, 123.45678911111111111111111111111]",
                "[1.0,1e2,-0,1E+2,123.45678911111111111111111111111]",
            ),
            // Escapes that need not be are gone, those that must be are the shortest.
            (r#""\u0041\/<&>\u00e9 é""#, r#""A/<&>é é""#),
            (r#""\u0008\u000c\n\r\t\u0001\u007f""#, "\"\\b\\f\\n\\r\\t\\u0001\u{7f}\""),
            (r#""\u2028\u2029\ud83d\ude00""#, "\"\\u2028\\u2029\u{1F600}\""),
            // By bytes, not as a dictionary would.
            (r#"{"é": 1, "z": 2, "Z": 3, "": 4}"#, r#"{"":4,"Z":3,"z":2,"é":1}"#),
        ] {
            assert_eq!(json(document.as_bytes()).unwrap(), expected, "{document}");
        }
    }

    #[test]
    fn what_has_no_one_meaning_is_refused() {
        for document in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "nul",
            "\"a",
            "\"\\x\"",
            "\"\n\"",
            "[1] 2",
            "{a: 1}",
            "NaN",
            "\"\\ud800\"",
            "-",
            "--1",
            "1.2.3",
            "1e2e3",
        ] {
            assert!(matches!(json(document.as_bytes()), Err(Fault::Syntax(_))), "{document}");
        }
        assert!(matches!(json(b"\"\xff\""), Err(Fault::Syntax(1))));
        for document in [r#"{"a": 1, "\u0061": 2}"#.to_owned(), "[".repeat(100_000)] {
            assert!(matches!(json(document.as_bytes()), Err(Fault::Refused(_))));
        }
    }

    #[test]
    fn yaml_is_read_and_written_as_json() {
        for (document, expected) in [
            ("b: 1\na: [x, 1.50, 1e3, ~, TRUE, yes]\n", r#"{"a":["x",1.5,1000,null,true,"yes"],"b":1}"#),
            ("1: a\n", r#"{"1":"a"}"#),
            ("a: 0x10\nb: 1e21\nc: 1e-7\ntrue: 1\n", r#"{"a":16,"b":1e+21,"c":1e-7,"true":1}"#),
            // What is JSON keeps its numbers.
            ("{\"a\": 1.50}", r#"{"a":1.50}"#),
        ] {
            assert_eq!(yaml(document.as_bytes()).unwrap(), expected, "{document}");
        }
        assert!(yaml(b"a: [").is_err());
        assert!(yaml(b"{\"a\": 1, \"a\": 2}").is_err());
    }
}
